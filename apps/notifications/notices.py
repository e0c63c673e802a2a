"""What people are told: one table from the audit's words to whom, in which sentence, with a link to where.

One transaction is one notice: a rollback of two hundred cities is one mail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from apps.audit.queries import together
from apps.catalog.audiences import deciders_of, label_of, writers_of
from apps.notifications.models import Kind
from apps.registry.queries.audiences import asked_about, gist_of, proposer_of, reviewers_of, rollback_to, wave_of
from apps.retraining.queries.audiences import asked_about as asked_about_request
from apps.retraining.queries.audiences import requester_of

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.audit.models import AuditEvent

MOST_LISTED = 10
WHY = {
    Kind.APPROVALS: "You are told because you may decide this.",
    Kind.ANSWERS: "You are told because you proposed it.",
    Kind.ROLLBACKS: "You are told because you approve for this family: look whether going back was right.",
}


@dataclass(frozen=True)
class Notice:
    """`sentence` knows {actor} and {target}; `gist` is what to know of it beside why it was done.

    Who did it is told of it only where `even_the_actor`.
    """

    kind: Kind
    sentence: str
    audience: Callable[[AuditEvent], Iterable[User]]
    path: Callable[[AuditEvent], str]
    even_the_actor: bool = False
    gist: Callable[[AuditEvent], Sequence[str]] = lambda _: ()


@dataclass(frozen=True)
class Message:
    """A notice in words: a line, then what is worth reading, then where to go."""

    kind: Kind
    subject: str
    details: tuple[str, ...]
    link: str
    why: str


def _wave_id(event: AuditEvent) -> int:
    """Of an event about a wave, or about a promotion of it."""
    target = int(event.target_id)
    return (wave_of(target) or 0) if event.target_type == "registry.promotion" else target


def _asked(event: AuditEvent) -> Iterable[User]:
    return asked_about(_wave_id(event))


def _proposer(event: AuditEvent) -> Iterable[User]:
    return proposer_of(_wave_id(event))


def _wave(event: AuditEvent) -> str:
    return f"/promotions/{_wave_id(event)}/"


def _reviewers(event: AuditEvent) -> Iterable[User]:
    return reviewers_of(event.family)


def _rollback(event: AuditEvent) -> str:
    """Where it is reviewed."""
    return f"/promotions/rollbacks/{rollback_to(int(event.target_id)) or 0}/"


def _gist(event: AuditEvent) -> Sequence[str]:
    return gist_of(_wave_id(event))


def _cause(event: AuditEvent) -> Sequence[str]:
    return [event.after["why"]]


def _asked_to_retrain(event: AuditEvent) -> Iterable[User]:
    return asked_about_request(int(event.target_id))


def _requester(event: AuditEvent) -> Iterable[User]:
    return requester_of(int(event.target_id))


def _retraining(event: AuditEvent) -> str:
    return f"/retraining/{event.target_id}/"


def _deciders(event: AuditEvent) -> Iterable[User]:
    return deciders_of(int(event.target_id))


def _writers(event: AuditEvent) -> Iterable[User]:
    return writers_of(int(event.target_id))


def _decision(event: AuditEvent) -> str:
    return f"/decisions/{label_of(int(event.target_id))}/"


NOTICES = {
    "registry.wave_proposed": Notice(
        Kind.APPROVALS, "{actor} asks for your approval: {target}", _asked, _wave, gist=_gist
    ),
    "registry.wave_approved": Notice(Kind.ANSWERS, "{actor} approved {target}", _proposer, _wave),
    "registry.wave_rejected": Notice(Kind.ANSWERS, "{actor} rejected {target}", _proposer, _wave),
    "registry.wave_expired": Notice(
        Kind.ANSWERS, "Nobody decided in time: {target}", _proposer, _wave, even_the_actor=True
    ),
    "registry.superseded": Notice(
        Kind.ANSWERS, "Something changed before it was applied: {target}", _proposer, _wave, True, _cause
    ),
    "registry.rolled_back": Notice(Kind.ROLLBACKS, "{actor} rolled back to {target}", _reviewers, _rollback),
    "retraining.request_put_up": Notice(
        Kind.APPROVALS, "{actor} asks for your approval: {target}", _asked_to_retrain, _retraining
    ),
    "retraining.request_approved": Notice(Kind.ANSWERS, "{actor} approved {target}", _requester, _retraining),
    "retraining.request_rejected": Notice(Kind.ANSWERS, "{actor} rejected {target}", _requester, _retraining),
    "retraining.request_expired": Notice(
        Kind.ANSWERS, "Nobody answered in time: {target}", _requester, _retraining, even_the_actor=True
    ),
    "catalog.decision_proposed": Notice(Kind.APPROVALS, "{actor} asks the board: {target}", _deciders, _decision),
    "catalog.decision_accepted": Notice(Kind.ANSWERS, "{actor} accepted {target}", _writers, _decision),
    "catalog.decision_sent_back": Notice(
        Kind.ANSWERS, "{actor} sent {target} back to be reworked", _writers, _decision
    ),
}
"""Audit word → notice."""


def audience_of(event: AuditEvent) -> list[User]:
    """Whom it concerns now: active people, and not who did it."""
    notice = NOTICES.get(event.action)
    if notice is None:
        return []
    people = notice.audience(event)
    return [one for one in people if one.is_active and (notice.even_the_actor or one.pk != event.actor_id)]


def firsts(events: Sequence[AuditEvent]) -> list[AuditEvent]:
    """Of the events that people are told of, the first of each transaction, word and family, which stands for all."""
    found: dict[tuple[int, str, str], AuditEvent] = {}
    for event in events:
        if event.action in NOTICES:
            found.setdefault((event.transaction, event.action, event.family), event)
    return list(found.values())


def message_of(event: AuditEvent) -> Message | None:
    """The notice that this event stands for, in words; None for a word that nobody is told of any more."""
    notice = NOTICES.get(event.action)
    if notice is None:
        return None
    same = together(event)
    count, names = same.count(), list(same.values_list("target_name", flat=True)[:MOST_LISTED])
    more = f" and {count - 1} more" if count > 1 else ""
    said = notice.sentence.format(actor=event.actor_name, target=event.target_name + more)
    return Message(
        notice.kind,
        " ".join(said.split()),
        (*_details(event, names, count), *notice.gist(event)),
        _link(notice, event),
        WHY[notice.kind],
    )


def _details(event: AuditEvent, names: Sequence[str], count: int) -> tuple[str, ...]:
    listed = names if count > 1 else []
    rest = [f"and {count - len(names)} more"] if count > len(names) else []
    return (*([event.note] if event.note else []), *listed, *rest)


def _link(notice: Notice, event: AuditEvent) -> str:
    return f"{settings.PORTAL_URL}{notice.path(event)}"
