"""Files of other products into the catalog: a difference first, then the same written; nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.text import slugify

from apps.catalog.actions.decisions import OptionDraft, Text, draft_decision
from apps.catalog.actions.imported_facts import write_facts
from apps.catalog.actions.needs import declare_usage
from apps.catalog.actions.positions import Opinion, propose_move
from apps.catalog.exchange.difference import Difference
from apps.catalog.exchange.reading import read
from apps.catalog.exchange.sheet import DecisionRow, RingRow, Sheet
from apps.catalog.models import Capability, Decision, RingMove, Tool, Usage, normal_name
from apps.catalog.queries.needs import tools_by_distribution
from apps.core.errors import Invalid, PortalError
from apps.core.permissions import require

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


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
    board, decisions drafts, the lines of a pip freeze uses of `team` (for a service `name`). What people have written
    here stays and is said in `kept`. Raises Invalid for a file that can not be read.
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
    write_facts(actor=actor, rows=sheet.tools, source=source, difference=difference)
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
        difference.problem(line, error.message)


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
    seen = Decision.objects.visible_to(actor)
    there = seen.filter(number=row.number) if row.number else seen.none()
    found = (there | seen.filter(title=row.words["title"])).select_related("capability").first()
    if found:
        _leave(found, row, difference)
        return
    words = dict(row.words)
    need = Capability.objects.filter(slug=words["capability"]).first()
    if need is None:
        raise Invalid(f"There is no capability {words['capability']!r} in the catalog.")
    options = [_option(option) for option in row.options]
    text = Text(**words | {"capability": need})
    decision = draft_decision(actor=actor, text=text, options=options, number=row.number)
    difference.added.append(str(decision))


def _leave(found: Decision, row: DecisionRow, difference: Difference) -> None:
    """A decision is superseded rather than edited, least of all by a file."""
    ours = {name: getattr(found, name) for name in row.words} | {"capability": found.capability.slug}
    other = sorted(name for name, said in row.words.items() if ours[name] != said)
    if other:
        difference.kept.append(f"{found}: stays as it is; the file has another {', '.join(other)}")
    else:
        difference.same += 1


def _option(said: dict[str, Any]) -> OptionDraft:
    return OptionDraft(**said | {"tool": Tool.objects.filter(slug=said["tool"] or "-").first()})


def _write_usages(actor: User, sheet: Sheet, difference: Difference, team: Team | None, name: str) -> None:
    if team is None or not name.strip():
        raise Invalid("Say whose environment this is: a team, and the name of its service or pipeline.", field="team")
    tools = tools_by_distribution()
    live = set(Usage.objects.live().filter(kind="service", name=name, how="declared").values_list("tool", flat=True))
    for row in sheet.distributions:
        tool = tools.get(normal_name(row.name))
        if tool is None:
            continue
        if tool.pk in live:
            difference.same += 1
            continue
        evidence = f"{row.name}=={row.version}"
        declare_usage(actor=actor, tool=tool, kind="service", name=name, team=team, evidence=evidence[:300])
        difference.added.append(f"{name} uses {tool.name} {row.version}")
