"""Files of other products into the catalog: a difference first, then the same written; nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from apps.audit.actions import record_many
from apps.catalog.actions.decisions import OptionDraft, Text, draft_decision
from apps.catalog.actions.needs import declare_usage
from apps.catalog.actions.positions import Opinion, propose_move
from apps.catalog.checking import insert
from apps.catalog.events import Event
from apps.catalog.exchange.reading import read
from apps.catalog.exchange.sheet import DecisionRow, Problem, RingRow, Sheet, ToolRow
from apps.catalog.models import Capability, Decision, RingMove, Tool, Usage
from apps.core.errors import Invalid, PortalError
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

UNKNOWN_NEED = "A need that an import brought."


@dataclass
class Difference:
    """What a file would change, or has changed; each entry in words."""

    format: str
    items: int
    written: bool = False
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: int = 0
    gone: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _Undone(Exception):
    """A dry run ends like this, so that nothing of it stays."""


def import_file(
    *,
    actor: User,
    content: str,
    source: str = "",
    dry_run: bool = False,
    team: Team | None = None,
    name: str = "",
) -> Difference:
    """Reads a file of any known format and writes what differs, or with `dry_run` only says it.

    `source` names the file: what it had before and has no more is marked as gone. Rings become proposals to the
    board, decisions drafts, the lines of a pip freeze uses of `team` (for a service `name`). Raises Invalid for a
    file that can not be read.
    """
    require(actor, "catalog.edit")
    sheet = read(content)
    difference = Difference(sheet.format, sheet.items, written=not dry_run, problems=list(sheet.problems))
    try:
        with transaction.atomic():
            _write(actor, sheet, difference, source or sheet.format, team, name)
            if dry_run:
                raise _Undone
    except _Undone:
        pass
    difference.problems.sort(key=lambda problem: problem.line)
    return difference


def _write(actor: User, sheet: Sheet, difference: Difference, source: str, team: Team | None, name: str) -> None:
    _write_tools(actor, sheet.tools, difference, source)
    for ring in sheet.rings:
        _tried(difference, ring.line, partial(_write_ring, actor, ring, difference))
    for decision in sheet.decisions:
        _tried(difference, decision.line, partial(_write_decision, actor, decision, difference))
    if sheet.distributions:
        _write_usages(actor, sheet, difference, team, name)


def _tried(difference: Difference, line: int, write: Callable[[], None]) -> None:
    """What can not be taken is said by its line; the others go on."""
    try:
        with transaction.atomic():
            write()
    except PortalError as error:
        difference.problems.append(Problem(line, error.message))


def _write_tools(actor: User, rows: list[ToolRow], difference: Difference, source: str) -> None:
    if not rows:
        return
    needs = _needs(actor, rows, difference)
    there = Tool.objects.select_for_update().in_bulk([row.slug for row in rows], field_name="slug")
    new, edited = _sorted_out(rows, there, needs, source, difference)
    Tool.objects.bulk_create([tool for tool, _ in new.values()], batch_size=500)
    columns = sorted({name for _, after in edited.values() for name in after})
    if columns:
        Tool.objects.bulk_update([tool for tool, _ in edited.values()], columns, batch_size=500)
    gone = _gone(rows, source)
    difference.gone += [tool.name for tool in gone]
    changes = [*new.values(), *edited.values(), *[(tool, {"gone_from_source": True}) for tool in gone]]
    record_many(
        actor=actor,
        action=Event.CATALOG_IMPORTED,
        targets=[(tool, {}, _plain(after)) for tool, after in changes],
        note=source,
    )


Changes = dict[str, tuple[Tool, dict[str, Any]]]


def _sorted_out(
    rows: list[ToolRow], there: dict[str, Tool], needs: dict[str, Capability], source: str, difference: Difference
) -> tuple[Changes, Changes]:
    """New tools and changed ones by slug, each with what the file says."""
    new: Changes = {}
    edited: Changes = {}
    for row in rows:
        facts = dict(row.facts)
        if "capability" in facts:
            facts["capability"] = needs.get(_key(facts["capability"]))
        if row.slug in there:
            _note_changed(there[row.slug], row, facts, source, edited, difference)
        elif row.slug not in new:
            _note_new(row, facts, source, new, difference)
    return new, edited


def _note_new(row: ToolRow, facts: dict[str, Any], source: str, new: Changes, difference: Difference) -> None:
    if facts.get("capability") is None:
        difference.problems.append(Problem(row.line, f"{row.slug}: say which capability it serves."))
        return
    tool = Tool(**{"slug": row.slug, "name": row.slug, "sourcing": "open-source", **facts, "source": source})
    if _is_clean(tool, row, difference):
        new[row.slug] = (tool, facts)
        difference.added.append(tool.name)


def _note_changed(
    tool: Tool, row: ToolRow, facts: dict[str, Any], source: str, edited: Changes, difference: Difference
) -> None:
    """What an editor has confirmed since stays: a file never calls it unverified again."""
    facts.pop("unverified", None)
    if facts.get("capability") is None:
        facts.pop("capability", None)
    after = {name: value for name, value in facts.items() if getattr(tool, name) != value}
    if tool.gone_from_source and tool.source == source:
        after["gone_from_source"] = False
    if not after:
        difference.same += 1
        return
    for name, value in after.items():
        setattr(tool, name, value)
    if _is_clean(tool, row, difference):
        edited[row.slug] = (tool, after)
        difference.changed.append(f"{tool.name}: {', '.join(sorted(after))}")


def _is_clean(tool: Tool, row: ToolRow, difference: Difference) -> bool:
    try:
        tool.clean_fields(exclude=["capability", "created_at"])
    except ValidationError as error:
        sentences = " ".join(f"{name}: {' '.join(words)}" for name, words in error.message_dict.items())
        difference.problems.append(Problem(row.line, f"{row.slug}: {sentences}"))
        return False
    return True


def _needs(actor: User, rows: list[ToolRow], difference: Difference) -> dict[str, Capability]:
    """Capabilities by slug and by name; those that no one has yet are added."""
    known = {key: need for need in Capability.objects.all() for key in (_key(need.slug), _key(need.name))}
    for row in rows:
        name = row.facts.get("capability", "")
        if not name or _key(name) in known or not _key(name):
            continue
        need = Capability(slug=_key(name)[:64], name=name[:100], stage=row.stage or "govern", need=UNKNOWN_NEED)
        known[_key(name)] = insert(need, taken=f"There is already a capability {name!r}.")
        record_many(actor=actor, action=Event.CAPABILITY_ADDED, targets=[(need, {}, {"name": need.name})])
        difference.added.append(f"capability {need.name}")
    return known


def _gone(rows: Iterable[ToolRow], source: str) -> list[Tool]:
    slugs = [row.slug for row in rows]
    gone = list(Tool.objects.filter(source=source, gone_from_source=False).exclude(slug__in=slugs))
    Tool.objects.filter(pk__in=[tool.pk for tool in gone]).update(gone_from_source=True)
    return gone


def _write_ring(actor: User, row: RingRow, difference: Difference) -> None:
    tools = Tool.objects.select_related("position")
    tool = tools.filter(slug=slugify(row.name)).first() or tools.filter(name__iexact=row.name).first()
    if tool is None:
        raise Invalid(f"There is no tool {row.name!r} in the catalog; import its facts first.")
    opinion = Opinion.of(tool)
    if opinion.ring == row.ring or _is_proposed(tool, row.ring):
        difference.same += 1
        return
    propose_move(actor=actor, tool=tool, opinion=replace(opinion, ring=row.ring), reason=row.reason or "Imported.")
    difference.proposed.append(f"{tool.name}: {opinion.ring or 'no ring'} → {row.ring}")


def _is_proposed(tool: Tool, ring: str) -> bool:
    return RingMove.objects.filter(tool=tool, to_ring=ring, status=RingMove.Status.PROPOSED).exists()


def _write_decision(actor: User, row: DecisionRow, difference: Difference) -> None:
    there = Decision.objects.filter(number=row.number) if row.number else Decision.objects.none()
    if (there | Decision.objects.filter(title=row.words["title"])).exists():
        difference.same += 1
        return
    words = dict(row.words)
    need = Capability.objects.filter(slug=words["capability"]).first()
    if need is None:
        raise Invalid(f"There is no capability {words['capability']!r} in the catalog.")
    options = [_option(option) for option in row.options]
    text = Text(**words | {"capability": need})
    decision = draft_decision(actor=actor, text=text, options=options, number=row.number)
    difference.added.append(str(decision))


def _option(said: dict[str, Any]) -> OptionDraft:
    return OptionDraft(**said | {"tool": Tool.objects.filter(slug=said["tool"] or "-").first()})


def _write_usages(actor: User, sheet: Sheet, difference: Difference, team: Team | None, name: str) -> None:
    if team is None or not name.strip():
        raise Invalid("Say whose environment this is: a team, and the name of its service or pipeline.", field="team")
    tools = {tool.pypi_name.lower(): tool for tool in Tool.objects.exclude(pypi_name="")}
    live = set(Usage.objects.live().filter(kind="service", name=name, how="declared").values_list("tool", flat=True))
    for row in sheet.distributions:
        tool = tools.get(row.name.lower().replace("_", "-")) or tools.get(row.name.lower())
        if tool is None:
            continue
        if tool.pk in live:
            difference.same += 1
            continue
        evidence = f"{row.name}=={row.version}"
        declare_usage(actor=actor, tool=tool, kind="service", name=name, team=team, evidence=evidence[:300])
        difference.added.append(f"{name} uses {tool.name} {row.version}")


def _key(name: str) -> str:
    return slugify(name)


def _plain(after: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str | bool | list | dict) else str(value) for name, value in after.items()}
