"""Who wants to be told, and how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

from apps.notifications.models import Channel, MailChoice
from apps.notifications.queries.webhooks import owners

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


def wanting(people: Iterable[User], kind: str) -> list[User]:
    """Those of them who have an address and want a mail of this kind now; nobody where no mail server is set."""
    people = [person for person in people if person.email and settings.EMAIL_HOST]
    said = {choice.person_id: choice for choice in MailChoice.objects.filter(person__in=people)}
    return [person for person in people if person.pk not in said or said[person.pk].wants(kind)]


def choice_of(person: User) -> MailChoice:
    """What the person has chosen; who has chosen nothing wants everything."""
    return MailChoice.objects.filter(person=person).first() or MailChoice(person=person)


def channels(actor: User) -> list[tuple[Team, Channel | None]]:
    """The teams that the person may speak for, each with its channel."""
    teams = list(owners(actor))
    known = {channel.team_id: channel for channel in Channel.objects.filter(team__in=teams).exclude(host="")}
    return [(team, known.get(team.pk)) for team in teams]
