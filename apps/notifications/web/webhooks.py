"""Pages of webhooks: the list, one with the log of what was sent, its form, a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.signed_in import person
from apps.core.errors import Denied, PortalError
from apps.notifications import actions, queries
from apps.notifications.forms import EditWebhookForm, NewWebhookForm, TestForm, WebhookForm, initial
from apps.notifications.mlflow_events import said_by

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from apps.notifications.carriers import Outcome
    from apps.notifications.models import Webhook

WEBHOOKS_PER_PAGE = 50
DELIVERIES_PER_PAGE = 25


def webhooks(request: HttpRequest) -> HttpResponse:
    """Those that I may edit."""
    page = Paginator(queries.webhooks(person(request)), WEBHOOKS_PER_PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "may_make": queries.may_make(person(request))}
    return render(request, "notifications/webhook_list.html", shown)


def webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """What it is, and what was sent to it."""
    found = _webhook(request, webhook_id)
    sent = queries.deliveries(actor=person(request), webhook=found)
    page = Paginator(sent, DELIVERIES_PER_PAGE).get_page(request.GET.get("page"))
    lines = [(delivery, said_by(delivery.event)) for delivery in page]
    form = TestForm(initial={"event": found.events[0]})
    shown = {"webhook": found, "page": page, "lines": lines, "test": form}
    return render(request, "notifications/webhook_detail.html", shown)


def new_webhook(request: HttpRequest) -> HttpResponse:
    if not queries.may_make(person(request)):
        raise Denied("Leads make webhooks for their teams, platform admins for the whole portal; ask one of them.")
    form = NewWebhookForm(request.POST or None, actor=person(request))
    made = _done(form, lambda: actions.create_webhook(actor=person(request), **form.as_said()))
    if made:
        messages.success(request, "Made. Test it, so that you know that it arrives.")
        return redirect("notifications:webhook", made.uuid)
    return render(request, "notifications/webhook_form.html", {"form": form}, status=400 if form.errors else 200)


def edit_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    found = _webhook(request, webhook_id)
    form = EditWebhookForm(request.POST or None, initial=initial(found))
    verb = actions.update_webhook
    if _done(form, lambda: verb(actor=person(request), webhook=found, **form.as_said())):
        messages.success(request, "Saved.")
        return redirect("notifications:webhook", found.uuid)
    shown = {"form": form, "webhook": found}
    return render(request, "notifications/webhook_form.html", shown, status=400 if form.errors else 200)


@require_POST
def delete_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    found = _webhook(request, webhook_id)
    actions.delete_webhook(actor=person(request), webhook=found)
    messages.success(request, f"{found} is deleted: nothing is sent there any more.")
    return redirect("notifications:webhooks")


@require_POST
def test_webhook(request: HttpRequest, webhook_id: UUID) -> HttpResponse:
    """Waits for the receiver, and says on the webhook's page what came back."""
    found, form = _webhook(request, webhook_id), TestForm(request.POST)
    if form.is_valid():
        _tell(request, actions.send_example(actor=person(request), webhook=found, **form.cleaned_data))
    else:
        messages.error(request, "Choose one of the events.")
    return redirect("notifications:webhook", found.uuid)


@require_POST
def send_again(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    found = queries.delivery(actor=person(request), delivery_id=str(delivery_id))
    try:
        actions.send_again(actor=person(request), delivery=found)
        messages.success(request, "On its way again, under the same delivery id.")
    except PortalError as error:
        messages.error(request, error.message)
    return redirect("notifications:webhook", found.webhook.uuid)  # type: ignore[union-attr]  # only those are visible


def _webhook(request: HttpRequest, webhook_id: UUID) -> Webhook:
    return queries.webhook(actor=person(request), webhook_id=str(webhook_id))


def _done(form: WebhookForm, verb: Callable[[], Webhook]) -> Webhook | None:
    """The webhook as it is now; None when nothing was sent, or the form says what is wrong."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return verb()
    except PortalError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None


def _tell(request: HttpRequest, outcome: Outcome) -> None:
    if outcome.taken:
        said = f": {outcome.body[:200]}" if outcome.body else ""
        messages.success(request, f"It answered {outcome.status}{said}")
    else:
        messages.error(request, f"It did not take it. {outcome.problem}")
