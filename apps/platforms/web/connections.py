"""Pages of connections: the list, one with its health and who uses it, its form, a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.errors import PortalError
from apps.core.permissions import require
from apps.platforms import actions, queries
from apps.platforms.forms import ConnectionForm, EditConnectionForm, initial
from apps.platforms.kinds import PROBLEMS
from apps.platforms.models import Connection
from apps.platforms.uses import uses

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PER_PAGE = 50


def connections(request: HttpRequest) -> HttpResponse:
    """All of them, for platform admins; others see who to ask."""
    page = Paginator(queries.connections_of(person(request)), PER_PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "may_administer": queries.may_administer(person(request)), "problems": PROBLEMS}
    return render(request, "platforms/connection_list.html", shown)


def connection(request: HttpRequest, name: str) -> HttpResponse:
    found = queries.connection_of(actor=person(request), name=name)
    kind = found.about
    shown = {"connection": found, "kind": kind, "uses": uses(found), "runs_work": kind.platform is not None}
    return render(request, "platforms/connection_detail.html", shown)


def workflows(request: HttpRequest, name: str) -> HttpResponse:
    """What the platform can run, asked now; each can be made a pipeline."""
    found, tag = queries.connection_of(actor=person(request), name=name), request.GET.get("tag", "").strip()
    shown: dict[str, Any] = {"connection": found, "tag": tag, "page": None, "problem": ""}
    try:
        known = queries.workflows_of(actor=person(request), name=name, tag=tag)
        shown["page"] = Paginator(known, PER_PAGE).get_page(request.GET.get("page"))
    except PortalError as error:
        shown["problem"] = error.message
    return render(request, "platforms/workflow_list.html", shown)


def new_connection(request: HttpRequest) -> HttpResponse:
    require(person(request), "platforms.administer")
    form = ConnectionForm(request.POST or None)
    made = _done(form, lambda: actions.add_connection(actor=person(request), **form.as_said()))
    if made:
        return _tested(request, made, "Saved.")
    return render(request, "platforms/connection_form.html", {"form": form}, status=400 if form.errors else 200)


def edit_connection(request: HttpRequest, name: str) -> HttpResponse:
    found = queries.connection_of(actor=person(request), name=name)
    form = EditConnectionForm(request.POST or None, initial=initial(found))
    verb = actions.change_connection
    changed = _done(form, lambda: verb(actor=person(request), connection=found, **form.as_said()))
    if changed:
        return _tested(request, changed, "Saved.")
    shown = {"form": form, "connection": found}
    return render(request, "platforms/connection_form.html", shown, status=400 if form.errors else 200)


@require_POST
def test_connection(request: HttpRequest, name: str) -> HttpResponse:
    """Waits for the platform, and says on the connection's page what it found."""
    return _tested(request, queries.connection_of(actor=person(request), name=name), "")


@require_POST
def remove_connection(request: HttpRequest, name: str) -> HttpResponse:
    found = queries.connection_of(actor=person(request), name=name)
    try:
        actions.remove_connection(actor=person(request), connection=found)
    except PortalError as error:
        messages.error(request, error.message)
        return redirect("platforms:connection", found.name)
    messages.success(request, f"{found} is removed, and its credential with it.")
    return redirect("platforms:connections")


def _done(form: ConnectionForm, verb: Callable[[], Connection]) -> Connection | None:
    """The connection as it is now; None when nothing was sent, or the form says what is wrong."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return verb()
    except PortalError as error:
        field = error.field or ("name" if error.code == "exists" else None)
        form.add_error(field if field in form.fields else None, error.message)
        return None


def _tested(request: HttpRequest, found: Connection, done: str) -> HttpResponse:
    """What is wrong stands on the connection's page: it is not said twice."""
    try:
        found = actions.test_connection(actor=person(request), connection=found)
        if found.health == Connection.Health.WELL:
            messages.success(request, f"{done} {found.said}".strip())
        else:
            messages.error(request, f"{done} The test found something wrong.".strip())
    except PortalError as error:
        messages.error(request, f"{done} {error.message}".strip())
    return redirect("platforms:connection", found.name)
