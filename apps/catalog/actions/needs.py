"""What people lack and use: feature gaps, requests for a tool, usage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.catalog.actions.decisions import check_open
from apps.catalog.checking import changed, check, difference, insert
from apps.catalog.events import Event
from apps.catalog.models import Capability, Decision, FeatureGap, Tool, ToolRequest, Usage, normal_name
from apps.catalog.queries.needs import tools_by_distribution
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.permissions import require
from apps.core.transitions import move

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

Outcome = ToolRequest.Outcome


@dataclass(frozen=True)
class Gap:
    """What a tool can not do; `pain` from 1 to 5, `upstream` one of FeatureGap.Upstream."""

    title: str
    pain: int = 3
    workaround: str = ""
    upstream_url: str = ""
    upstream: str = FeatureGap.Upstream.UNKNOWN
    better: Tool | None = None

    @classmethod
    def of(cls, gap: FeatureGap) -> Self:
        return cls(**{field.name: getattr(gap, field.name) for field in fields(cls)})


@transaction.atomic
def record_gap(
    *, actor: User, tool: Tool, gap: Gap, hurts: Iterable[Team] = (), at: datetime | None = None
) -> FeatureGap:
    """Raises Exists where the same gap of the tool is written down already."""
    require(actor, "catalog.record_gap", tool)
    row = FeatureGap(tool=tool, reporter=actor, opened_on=_day(at), closed_on=_closed(gap, None, at), **vars(gap))
    found = insert(row, taken=f"That gap of {tool} is written down already; look at its page.")
    found.hurts.set(hurts)
    record(actor=actor, action=Event.GAP_RECORDED, target=found, after={"tool": tool.slug}, at=at)
    return found


@transaction.atomic
def edit_gap(
    *, actor: User, gap: FeatureGap, wanted: Gap, hurts: Iterable[Team] | None = None, at: datetime | None = None
) -> FeatureGap:
    """A gap that upstream ships or refuses is closed on that day."""
    require(actor, "catalog.edit_gap", gap)
    before, after = difference(gap, wanted)
    if hurts is not None:
        gap.hurts.set(hurts)
    if not after:
        return gap
    edited = changed(gap, **vars(wanted), closed_on=_closed(wanted, gap.closed_on, at))
    try:
        with transaction.atomic():
            edited.save(update_fields=[*after, "closed_on"])
    except IntegrityError as error:
        raise Exists(f"That gap of {gap.tool} is written down already.") from error
    record(actor=actor, action=Event.GAP_EDITED, target=edited, before=before, after=after, at=at)
    return edited


@dataclass(frozen=True)
class Wish:
    """What somebody asks for: a tool of the catalog or a name, and why what we have does not do."""

    name: str
    capability: Capability
    need: str
    why_not_existing: str
    team: Team
    people: int
    tool: Tool | None = None
    connects_to: str = ""


@dataclass(frozen=True)
class Answer:
    """How a request ends; the outcome says which of the others it names."""

    outcome: str
    words: str = ""
    decision: Decision | None = None
    gap: FeatureGap | None = None
    duplicate_of: ToolRequest | None = None


NAMES: dict[str, str] = {
    Outcome.DECISION: "decision",
    Outcome.EXCEPTION: "decision",
    Outcome.GAP: "gap",
    Outcome.DUPLICATE: "duplicate_of",
}


@transaction.atomic
def request_tool(*, actor: User, wish: Wish, at: datetime | None = None) -> ToolRequest:
    """“I want tool X”, for a team of one's own."""
    require(actor, "catalog.request_tool", wish.team)
    row = ToolRequest(requester=actor, asked_on=_day(at), **vars(wish))
    check(row)
    row.save()
    after = {"capability": wish.capability.slug, "people": wish.people}
    record(actor=actor, action=Event.TOOL_REQUESTED, target=row, after=after, note=wish.need[:500], at=at)
    return row


@transaction.atomic
def answer_request(*, actor: User, request: ToolRequest, answer: Answer, at: datetime | None = None) -> ToolRequest:
    """Ends a request as a decision, a gap, an exception or a duplicate, and names it."""
    require(actor, "catalog.answer_request", request)
    if answer.outcome not in NAMES:
        raise Invalid("A request ends as a decision, a gap, an exception or a duplicate.", field="outcome")
    named = NAMES[answer.outcome]
    if getattr(answer, named) is None or answer.duplicate_of == request:
        raise Invalid(f"Name the {named.replace('_', ' ')} that answers it.", field=named)
    check_open(decision=answer.decision)
    values: dict[str, Any] = {"outcome": answer.outcome, named: getattr(answer, named), "answer": answer.words}
    changed(request, status=ToolRequest.Status.ANSWERED, **values)
    move(request, ToolRequest.Status.ANSWERED, **values, answered_by=actor, answered_on=_day(at))
    record(actor=actor, action=Event.REQUEST_ANSWERED, target=request, after={"outcome": answer.outcome},
           note=answer.words, at=at)  # fmt: skip
    return request


@transaction.atomic
def withdraw_request(*, actor: User, request: ToolRequest, reason: str = "") -> ToolRequest:
    require(actor, "catalog.withdraw_request", request)
    move(request, ToolRequest.Status.WITHDRAWN, answer=reason[:500])
    record(actor=actor, action=Event.REQUEST_WITHDRAWN, target=request, note=reason)
    return request


@transaction.atomic
def declare_usage(
    *,
    actor: User,
    tool: Tool,
    kind: str,
    name: str,
    team: Team,
    evidence: str = "",
    restricted: bool = False,
    at: datetime | None = None,
) -> Usage:
    """A team says what it uses: for a family, a pipeline or a service by name, or for itself.

    `restricted` where only the team may know of whoever uses it.
    """
    require(actor, "catalog.declare_usage", team)
    said = {"kind": kind, "name": name.strip(), "evidence": evidence, "restricted": restricted}
    row = Usage(tool=tool, team=team, since=_day(at), **said)
    usage = insert(row, taken=f"That {name} uses {tool} is written down already.")
    record(actor=actor, action=Event.USAGE_DECLARED, target=usage, after={"kind": kind, "name": name}, at=at)
    return usage


@transaction.atomic
def end_usage(*, actor: User, usage: Usage, at: datetime | None = None) -> Usage:
    """They have moved away from it; a migration counts it as done. What is discovered ends with its runs."""
    require(actor, "catalog.declare_usage", usage.team)
    if usage.how == Usage.How.DISCOVERED:
        raise Conflict("This was seen in segment runs; it ends when no run uses it any more.")
    ended = Usage.objects.live().filter(pk=usage.pk).update(until=max(_day(at), usage.since))
    if not ended:
        raise Conflict(f"The use of {usage} has ended already.")
    record(actor=actor, action=Event.USAGE_ENDED, target=usage, at=at)
    usage.refresh_from_db()
    return usage


@dataclass(frozen=True)
class Seen:
    """A distribution that segment runs of a pipeline or family report; `team_id` owns it. The newest comes last."""

    distribution: str
    version: str
    kind: str
    name: str
    team_id: int | None
    last_seen: date
    restricted: bool = False  # only the team may know that it uses this
    evidence: str = field(default="", compare=False)


@transaction.atomic
def sync_discovered(*, seen: Sequence[Seen]) -> int:
    """What is discovered becomes exactly what is `seen` now, matched to tools by distribution; answers how many.

    What no run reports any more is removed, for it was never said by a person.
    """
    tools = tools_by_distribution()
    matched = [(tools.get(normal_name(one.distribution)), one) for one in seen]
    wanted = {(tool.pk, one.kind, one.name): one for tool, one in matched if tool}
    there = {(row.tool_id, row.kind, row.name): row for row in _discovered()}
    Usage.objects.filter(pk__in=[row.pk for key, row in there.items() if key not in wanted]).delete()
    Usage.objects.bulk_update([_renewed(there[key], s) for key, s in wanted.items() if key in there], SEEN_COLUMNS)
    fresh = [_new(key[0], s) for key, s in wanted.items() if key not in there]
    Usage.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(wanted)


SEEN_COLUMNS = ["version", "last_seen", "evidence", "team", "restricted"]


def _discovered() -> Iterable[Usage]:
    return Usage.objects.filter(how=Usage.How.DISCOVERED, until=None).select_for_update()


def _renewed(row: Usage, seen: Seen) -> Usage:
    row.version, row.last_seen, row.evidence = seen.version, seen.last_seen, seen.evidence
    row.team_id, row.restricted = seen.team_id, seen.restricted
    return row


def _new(tool_id: int, seen: Seen) -> Usage:
    return Usage(
        tool_id=tool_id,
        kind=seen.kind,
        name=seen.name,
        team_id=seen.team_id,
        how=Usage.How.DISCOVERED,
        restricted=seen.restricted,
        version=seen.version,
        evidence=seen.evidence,
        since=seen.last_seen,
        last_seen=seen.last_seen,
    )


def _closed(gap: Gap, before: date | None, at: datetime | None) -> date | None:
    over = gap.upstream in (FeatureGap.Upstream.SHIPPED, FeatureGap.Upstream.REFUSED)
    return (before or _day(at)) if over else None


def _day(at: datetime | None) -> date:
    return at.date() if at else timezone.localdate()
