"""What becomes of a request that waits for approval: yes, no, or taken back."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, PortalError
from apps.core.web import inside
from apps.retraining import actions, queries
from apps.retraining.forms import ApproveForm, RejectForm, WithdrawForm
from apps.retraining.web.page import PageRequest

Verb = Callable[..., Any]


@require_POST
def approve_request(request: PageRequest, request_id: int) -> HttpResponse:
    """A yes to exactly the plan whose digest the page carried."""
    said = f"Approved. Request #{request_id} is on its way."
    return _decide(request, request_id, ApproveForm, actions.approve_request, said)


@require_POST
def reject_request(request: PageRequest, request_id: int) -> HttpResponse:
    said = f"Rejected. Whoever sent request #{request_id} reads your reason."
    return _decide(request, request_id, RejectForm, actions.reject_request, said)


@require_POST
def withdraw_request(request: PageRequest, request_id: int) -> HttpResponse:
    return _decide(request, request_id, WithdrawForm, actions.withdraw_request, "Withdrawn. Nothing was trained.")


def _decide(request: PageRequest, request_id: int, shape: type[forms.Form], verb: Verb, said: str) -> HttpResponse:
    """Whatever comes of it is said where it was decided: on the request's own page, or on a list."""
    found = queries.request(actor=person(request), request_id=request_id)
    form = shape(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(" ".join(str(error) for errors in form.errors.values() for error in errors))
        verb(actor=person(request), request=found, **form.cleaned_data)
        messages.success(request, said)
    except PortalError as error:
        messages.error(request, error.message)
    return redirect(inside(request, request.POST.get("next", ""), reverse("retraining:request", args=[request_id])))
