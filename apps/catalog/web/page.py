"""What the catalog's pages share: a form tried against an action, a button's verb said on the page it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.shortcuts import redirect

from apps.accounts.signed_in import person
from apps.core.errors import Conflict, Exists, Invalid, PortalError

if TYPE_CHECKING:
    from django import forms
    from django.http import HttpRequest, HttpResponse

    from apps.accounts.models import User


def tried(form: forms.Form, verb: Callable[[], object]) -> bool:
    """True when done; otherwise the form says why not."""
    try:
        verb()
    except Invalid as error:
        for name, sentence in (error.errors or {"": error.message}).items():
            form.add_error(name if name in form.fields else None, sentence)
    except (Conflict, Exists) as error:
        form.add_error(None, error.message)
    return not form.errors


def reader(request: HttpRequest) -> User:
    """Who reads; their roles and teams are read once for all questions of the page."""
    prefetch_related_objects([person(request)], "portal_roles")
    return person(request)


def pressed(
    request: HttpRequest,
    shape: Callable[..., forms.Form],
    verb: Callable[..., object],
    done: str,
    back: tuple[str, ...],
    **what: object,
) -> HttpResponse:
    """A button of a page: whatever comes of it is said there. `what` is what the verb is done to."""
    form = shape(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(" ".join(str(error) for errors in form.errors.values() for error in errors))
        verb(actor=person(request), **what, **form.cleaned_data)
        messages.success(request, done)
    except PortalError as error:
        messages.error(request, error.message)
    return redirect(*back)
