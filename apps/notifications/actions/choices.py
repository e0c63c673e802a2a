"""Verbs of who is told how: a person's mails, a team's channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.keyring import seal
from apps.core.permissions import require
from apps.notifications import addresses, carriers
from apps.notifications.events import Event
from apps.notifications.models import Channel, Kind, MailChoice
from apps.notifications.notices import Message

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@transaction.atomic
def choose_mail(*, actor: User, unwanted: Sequence[str], muted_until: datetime | None = None) -> MailChoice:
    """Which kinds the person is not mailed, and until when nothing at all. Raises Invalid for an unknown kind."""
    require(actor, "notifications.choose_mail")
    unknown = sorted(set(unwanted) - set(Kind.values))
    if unknown:
        raise Invalid(f"There is no kind {unknown[0][:50]!r}: choose from {', '.join(Kind.values)}.", field="unwanted")
    chosen = {"unwanted": sorted(set(unwanted)), "muted_until": muted_until}
    choice, _ = MailChoice.objects.update_or_create(person=actor, defaults=chosen)
    return choice


def set_channel(*, actor: User, team: Team, address: str) -> Channel:
    """The team is told there from now on: an incoming webhook as Slack has them. Raises Invalid."""
    require(actor, "notifications.set_channel", team)
    addresses.check_url(address)
    host = urlsplit(address).hostname or ""
    with transaction.atomic():
        chosen = {"sealed_address": seal(address), "host": host, "updated_at": timezone.now()}
        channel, _ = Channel.objects.update_or_create(team=team, defaults=chosen)
        record(actor=actor, action=Event.CHANNEL_SET, target=channel, after={"host": host})
    return channel


@transaction.atomic
def remove_channel(*, actor: User, team: Team) -> None:
    """Nothing is told there any more. Raises Conflict when there is none."""
    require(actor, "notifications.set_channel", team)
    channel = _channel(team)
    Channel.objects.filter(pk=channel.pk).update(sealed_address="", host="", updated_at=timezone.now())
    record(actor=actor, action=Event.CHANNEL_REMOVED, target=channel, before={"host": channel.host})


def greet_channel(*, actor: User, team: Team) -> carriers.Outcome:
    """Sends a greeting, and says what came back, without its body. Raises Conflict when there is no channel."""
    require(actor, "notifications.set_channel", team)
    channel = _channel(team)
    with transaction.atomic():
        record(actor=actor, action=Event.CHANNEL_TESTED, target=channel)
    said = f"{actor} tests that the ML Portal can tell {team} here."
    outcome = carriers.post_chat(channel, Message(Kind.ANSWERS, said, (), f"{settings.PORTAL_URL}/", ""))
    return replace(outcome, body="")


def _channel(team: Team) -> Channel:
    found = Channel.objects.select_related("team").filter(team=team).exclude(host="").first()
    if found is None:
        raise Conflict(f"{team} has no channel: enter its address first.")
    return found
