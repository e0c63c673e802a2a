"""The gate editor: rules for one alias or all of them, and what they would say of today's candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, PortalError
from apps.core.permissions import require
from apps.registry import actions, queries
from apps.registry.forms import GateEditor
from apps.registry.models.family import CHAMPION

if TYPE_CHECKING:
    from django.http import HttpResponse

    from apps.core.web import PageRequest
    from apps.registry.models import ModelFamily

PAGE = "registry/gates.html"


def edit(request: PageRequest, slug: str) -> HttpResponse:
    """`?alias=` edits the gates of one protected alias. `do` adds, removes, moves, previews; only `save` keeps it."""
    family = queries.family(actor=person(request), slug=slug)
    require(person(request), "registry.edit_family", family)
    editor = GateEditor(queries.all_gates(family), alias=_alias(request, family), unit=family.unit)
    do = request.POST.get("do", "")
    if request.method == "POST":
        editor.read(request.POST)
        editor.step(do)
    if do == "save" and editor.is_valid() and _save(request, family, editor):
        return redirect(f"{reverse('dashboard:family', args=[slug])}?tab=settings")
    preview = _preview(family, editor)
    rows = sorted(preview.rows, key=lambda row: not row.changes) if preview else []
    shown = {"family": family, "editor": editor, "preview": preview, "rows": rows, "aliases": family.alias_names}
    part = "#preview" if request.htmx else ""
    return render(request, f"{PAGE}{part}", shown, status=400 if do == "save" else 200)


def _alias(request: PageRequest, family: ModelFamily) -> str:
    alias = request.GET.get("alias", "")
    if alias and alias not in family.alias_names:
        raise Invalid(f"{family} protects {', '.join(family.alias_names)}, not {alias[:40]!r}.", field="alias")
    return alias


def _save(request: PageRequest, family: ModelFamily, editor: GateEditor) -> bool:
    try:
        actions.set_gates(actor=person(request), family=family, gates=editor.gates())
    except PortalError as error:
        messages.error(request, error.message)
        return False
    messages.success(request, "Saved. What is proposed from now on is judged by these gates.")
    return True


def _preview(family: ModelFamily, editor: GateEditor) -> queries.GatePreview | None:
    """None while the gates make no sense yet."""
    if not editor.is_valid():
        return None
    try:
        return queries.gate_preview(family, editor.gates(), editor.alias or CHAMPION)
    except Invalid:
        return None
