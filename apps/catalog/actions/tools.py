"""Facts: capabilities and tools."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import IntegrityError, transaction

from apps.audit.actions import record
from apps.catalog.checking import changed, difference, insert
from apps.catalog.events import Event
from apps.catalog.models import Capability, Tool
from apps.core.errors import Exists
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class CapabilityFacts:
    """A need in a manager's words, and its place in the flow of work (Capability.Stage)."""

    name: str
    stage: str
    need: str

    @classmethod
    def of(cls, capability: Capability) -> Self:
        return cls(**{field.name: getattr(capability, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class ToolFacts:
    """What the world knows about a tool; `summary` is one sentence of at most 280 characters.

    `unverified` names the fields that nobody here has checked; the shapes of the lists are those of the model.
    """

    name: str
    summary: str
    capability: Capability
    sourcing: str
    homepage: str = ""
    licence: str = ""
    vendor: str = ""
    ecosystem: str = ""
    repo: str = ""
    foundation: str = ""
    foundation_stage: str = ""
    milestones: dict[str, str] = field(default_factory=dict)
    offerings: list[dict[str, Any]] = field(default_factory=list)
    pypi_name: str = ""
    latest_version: str = ""
    released_on: date | None = None
    traction: dict[str, Any] = field(default_factory=dict)
    others: list[dict[str, Any]] = field(default_factory=list)
    learning_days_low: int | None = None
    learning_days_high: int | None = None
    unverified: list[str] = field(default_factory=list)
    source: str = ""

    @classmethod
    def of(cls, tool: Tool) -> Self:
        return cls(**{field.name: getattr(tool, field.name) for field in fields(cls)})


@transaction.atomic
def add_capability(*, actor: User, slug: str, facts: CapabilityFacts, at: datetime | None = None) -> Capability:
    """Raises Exists for a slug or name that is taken."""
    require(actor, "catalog.edit")
    taken = f"There is already a capability {facts.name!r} or {slug!r}."
    capability = insert(Capability(slug=slug, **vars(facts)), taken=taken)
    record(actor=actor, action=Event.CAPABILITY_ADDED, target=capability, after=vars(facts), at=at)
    return capability


@transaction.atomic
def edit_capability(*, actor: User, capability: Capability, facts: CapabilityFacts) -> Capability:
    """Changes what differs; nothing differing is no event. Raises Exists for a name that is taken."""
    require(actor, "catalog.edit", capability)
    before, after = difference(capability, facts)
    if not after:
        return capability
    edited = changed(capability, **vars(facts))
    try:
        with transaction.atomic():
            edited.save(update_fields=[*after])
    except IntegrityError as error:
        raise Exists(f"There is already a capability {facts.name!r}.") from error
    record(actor=actor, action=Event.CAPABILITY_EDITED, target=edited, before=before, after=after)
    return edited


@transaction.atomic
def add_tool(*, actor: User, slug: str, facts: ToolFacts, at: datetime | None = None) -> Tool:
    """A tool becomes known; whether it may be used says its position. Raises Exists for a slug that is taken."""
    require(actor, "catalog.edit")
    tool = insert(Tool(slug=slug, **vars(facts)), taken=f"There is already a tool {slug!r}.")
    record(actor=actor, action=Event.TOOL_ADDED, target=tool, after=_words_of(facts), at=at)
    return tool


def _words_of(facts: ToolFacts) -> dict[str, Any]:
    """What was said about a tool, for the audit; what was left empty is left out."""
    said = {name: value for name, value in vars(facts).items() if value}
    return {**said, "capability": facts.capability.slug, "released_on": str(facts.released_on or "")}


@transaction.atomic
def edit_tool(*, actor: User, tool: Tool, facts: ToolFacts) -> Tool:
    """Changes what differs; nothing differing is no event. What an editor writes is no longer unverified.

    No import overwrites it either.
    """
    require(actor, "catalog.edit", tool)
    touched, _ = difference(tool, facts)
    facts = replace(facts, unverified=[name for name in facts.unverified if name not in touched])
    before, after = difference(tool, facts)
    if not after:
        return tool
    edited = changed(tool, **vars(facts), written_here=_ours(tool, touched))
    edited.save(update_fields=[*after, "written_here"])
    record(actor=actor, action=Event.TOOL_EDITED, target=edited, before=before, after=after)
    return edited


def _ours(tool: Tool, names: Iterable[str]) -> list[str]:
    """What people here have written, these among it; where facts come from is not one of them."""
    return sorted({*tool.written_here, *names} - {"unverified", "source"})


@transaction.atomic
def confirm_facts(*, actor: User, tool: Tool, names: Collection[str]) -> Tool:
    """An editor has checked these facts (names of fields): they are no longer called unverified."""
    require(actor, "catalog.edit", tool)
    confirmed = [name for name in tool.unverified if name in names]
    if not confirmed:
        return tool
    left = [name for name in tool.unverified if name not in confirmed]
    edited = changed(tool, unverified=left, written_here=_ours(tool, confirmed))
    edited.save(update_fields=["unverified", "written_here"])
    record(actor=actor, action=Event.FACTS_CONFIRMED, target=edited, after={"confirmed": confirmed})
    return edited
