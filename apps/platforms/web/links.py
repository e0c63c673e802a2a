"""Pages of links out: the list, and the form of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.platforms import actions, queries
from apps.platforms.forms import LinkForm, link_initial
from apps.platforms.templating import VARIABLES

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.platforms.models import OutsideLink

PER_PAGE = 50


def links(request: HttpRequest) -> HttpResponse:
    """All of them, for platform admins; others see who to ask."""
    page = Paginator(queries.outside_links(person(request)), PER_PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "may_administer": queries.may_administer(person(request))}
    return render(request, "platforms/link_list.html", shown)


def new_link(request: HttpRequest) -> HttpResponse:
    require(person(request), "platforms.administer")
    form = LinkForm(request.POST or None, connections=queries.connections_of(person(request)))
    return _form(request, form, None, lambda: actions.add_link(actor=person(request), **form.cleaned_data))


def edit_link(request: HttpRequest, pk: int) -> HttpResponse:
    link = queries.outside_link(actor=person(request), link_id=pk)
    known = queries.connections_of(person(request))
    form = LinkForm(request.POST or None, initial=link_initial(link), connections=known)
    verb = actions.change_link
    return _form(request, form, link, lambda: verb(actor=person(request), link=link, **form.cleaned_data))


@require_POST
def remove_link(request: HttpRequest, pk: int) -> HttpResponse:
    link = queries.outside_link(actor=person(request), link_id=pk)
    actions.remove_link(actor=person(request), link=link)
    messages.success(request, f"“{link}” is removed from all pages.")
    return redirect("platforms:links")


def _form(
    request: HttpRequest, form: LinkForm, link: OutsideLink | None, verb: Callable[[], OutsideLink]
) -> HttpResponse:
    if form.is_bound and form.is_valid():
        try:
            done = verb()
        except PortalError as error:
            form.add_error(error.field or "name", error.message)
        else:
            messages.success(request, f"“{done}” stands on every page that knows all it names.")
            return redirect("platforms:links")
    shown = {"form": form, "link": link, "variables": VARIABLES}
    return render(request, "platforms/link_form.html", shown, status=400 if form.errors else 200)
