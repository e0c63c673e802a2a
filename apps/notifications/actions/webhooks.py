"""Verbs of webhooks. Addresses are looked up and called outside transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.rules import is_platform_admin
from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.keyring import seal
from apps.core.permissions import require
from apps.notifications import addresses, carriers
from apps.notifications.events import Event
from apps.notifications.mlflow_events import EXAMPLES, Announcement
from apps.notifications.models import Webhook

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

LONGEST_DESCRIPTION = 1_000
LONGEST_SECRET = 1_000


def create_webhook(
    *,
    actor: User,
    name: str,
    url: str,
    events: Sequence[str],
    description: str = "",
    secret: str = "",
    status: str = Webhook.Status.ACTIVE,
    team: Team | None = None,
) -> Webhook:
    """Hears from now on of what the team owns; without a team, of everything unrestricted. Raises Invalid."""
    require(actor, "notifications.create_webhook", team)
    values = _checked(name=name, url=url, events=events, description=description, secret=secret, status=status)
    with transaction.atomic():
        webhook = Webhook.objects.create(**values, team=team, created_by=actor)
        record(actor=actor, action=Event.WEBHOOK_CREATED, target=webhook, after=_words_of(webhook))
    webhook.refresh_from_db()
    return webhook


def update_webhook(*, actor: User, webhook: Webhook, **changes: Any) -> Webhook:
    """Changes any of name, url, events, description, secret ("" takes it away) and status; None leaves it. Raises
    Invalid, and Conflict for one that was deleted.
    """
    require(actor, "notifications.edit_webhook", webhook)
    values = _checked(**{name: value for name, value in changes.items() if value is not None})
    with transaction.atomic():
        locked = _living(webhook)
        before = _words_of(locked)
        for name, value in values.items():
            setattr(locked, name, value)
        locked.updated_at = timezone.now()
        locked.save(update_fields=[*values, "updated_at"])
        after = _words_of(locked) | ({"secret": "changed"} if "sealed_secret" in values else {})
        record(actor=actor, action=Event.WEBHOOK_CHANGED, target=locked, before=before, after=after)
    return locked


@transaction.atomic
def delete_webhook(*, actor: User, webhook: Webhook) -> None:
    """It hears of nothing any more, and its secret is gone; what was sent stays in the log."""
    require(actor, "notifications.edit_webhook", webhook)
    locked = _living(webhook)
    Webhook.objects.filter(pk=locked.pk).update(deleted_at=Now(), updated_at=Now(), sealed_secret="")
    record(actor=actor, action=Event.WEBHOOK_DELETED, target=locked, before=_words_of(locked))


def send_example(*, actor: User, webhook: Webhook, event: str = "") -> carriers.Outcome:
    """Sends an example of the event (the webhook's first, if none is named), and says what came back.

    Waits for the receiver. Only platform admins see the body of the answer: it is a look into the company's network.
    Raises Invalid for an event that MLflow does not have.
    """
    require(actor, "notifications.edit_webhook", webhook)
    name = event or webhook.events[0]
    addresses.check_events([name])
    with transaction.atomic():
        record(actor=actor, action=Event.WEBHOOK_TESTED, target=webhook, after={"event": name})
    example = Announcement(name, EXAMPLES[name])
    outcome = carriers.post_webhook(webhook, example, delivery=uuid4(), at=timezone.now())
    return outcome if is_platform_admin(actor) else replace(outcome, body="")


def _checked(**sent: Any) -> dict[str, Any]:
    """The values as they are stored. Raises Invalid."""
    values: dict[str, Any] = {}
    for name, value in sent.items():
        column, checked = _CHECKS[name]
        values[column] = checked(value)
    return values


def _sealed(secret: str) -> str:
    return seal(_no_longer(secret, LONGEST_SECRET, "secret")) if secret else ""


def _no_longer(text: str, most: int, field: str) -> str:
    if len(text) > most:
        raise Invalid(f"The {field} of a webhook has at most {most} characters.", field=field)
    return text


def _known(status: str) -> str:
    if status not in Webhook.Status.values:
        raise Invalid(f"A webhook is {' or '.join(Webhook.Status.values)}, not {status[:100]!r}.", field="status")
    return status


def _living(webhook: Webhook) -> Webhook:
    locked = Webhook.objects.select_for_update(of=("self",), no_key=True).select_related("team", "created_by")
    found = locked.filter(pk=webhook.pk, deleted_at=None).first()
    if found is None:
        raise Conflict(f"The webhook {webhook} was deleted meanwhile.")
    return found


def _words_of(webhook: Webhook) -> dict[str, Any]:
    """For the audit: everything but the secret."""
    return {
        "name": webhook.name,
        "url": webhook.url,
        "events": list(webhook.events),
        "status": webhook.status,
        "signed": bool(webhook.sealed_secret),
    }


_CHECKS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "name": ("name", addresses.check_name),
    "url": ("url", addresses.check_url),
    "events": ("events", addresses.check_events),
    "description": ("description", lambda text: _no_longer(text, LONGEST_DESCRIPTION, "description")),
    "secret": ("sealed_secret", _sealed),
    "status": ("status", _known),
}
"""What may be sent → its column, and what checks it."""
