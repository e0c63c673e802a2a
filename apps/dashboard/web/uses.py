"""Saying who uses a tool, chosen from the families, pipelines and teams that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.signed_in import person
from apps.catalog import actions
from apps.catalog import queries as catalog
from apps.core.errors import Exists, Invalid
from apps.dashboard.forms import UseForm

if TYPE_CHECKING:
    from django.http import HttpResponse

    from apps.catalog.models import Tool
    from apps.core.web import PageRequest


def declare_use(request: PageRequest, slug: str) -> HttpResponse:
    tool = catalog.tool(actor=person(request), slug=slug)
    form = UseForm(request.POST or None, actor=person(request))
    if request.method == "POST" and form.is_valid() and _declared(request, tool, form):
        messages.success(request, "Written down.")
        return redirect("catalog:tool", slug)
    shown = {"tool": tool, "form": form, "heading": "who uses it", "verb": "Declare it"}
    return render(request, "catalog/about_tool_form.html", shown, status=400 if form.errors else 200)


def _declared(request: PageRequest, tool: Tool, form: UseForm) -> bool:
    try:
        actions.declare_usage(actor=person(request), tool=tool, **form.use())
    except (Exists, Invalid) as error:
        form.add_error(None, error.message)
    return not form.errors
