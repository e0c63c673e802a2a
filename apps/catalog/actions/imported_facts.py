"""Facts about tools out of a file, in bulk: what is new or differs is written, what people wrote here stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.text import slugify

from apps.audit.actions import record_many
from apps.catalog.events import Event
from apps.catalog.exchange.difference import Difference
from apps.catalog.exchange.sheet import ToolRow
from apps.catalog.models import Capability, Tool

if TYPE_CHECKING:
    from django.db.models import Model

    from apps.accounts.models import User

UNKNOWN_NEED = "A need that an import brought."
BATCH = 500
LONGEST_QUOTE = 60


@dataclass(frozen=True)
class Change:
    tool: Tool
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class Changes:
    """New and edited tools by slug."""

    new: dict[str, Change]
    edited: dict[str, Change]


def write_facts(*, actor: User, rows: list[ToolRow], source: str, difference: Difference) -> None:
    """`source` names the file: what it had before and has no more is marked as gone."""
    if not rows:
        return
    there = Tool.objects.select_for_update().in_bulk([row.slug for row in rows], field_name="slug")
    needs = _needs(actor, [row for row in rows if _files(row, there, source)], difference)
    changes = _sorted_out(rows, there, needs, source, difference)
    _save(changes)
    gone = _gone(rows, source)
    difference.gone += [tool.name for tool in gone]
    left = [Change(tool, {}, {"gone_from_source": True}) for tool in gone]
    _record(actor, [*changes.new.values(), *changes.edited.values(), *left], source)


def _save(changes: Changes) -> None:
    Tool.objects.bulk_create([change.tool for change in changes.new.values()], batch_size=BATCH)
    columns = sorted({name for change in changes.edited.values() for name in change.after})
    if columns:
        Tool.objects.bulk_update([change.tool for change in changes.edited.values()], columns, batch_size=BATCH)


def _record(actor: User, changes: Iterable[Change], source: str) -> None:
    targets = [(change.tool, _plain(change.before), _plain(change.after)) for change in changes]
    record_many(actor=actor, action=Event.CATALOG_IMPORTED, targets=targets, note=source)


def _sorted_out(
    rows: list[ToolRow], there: dict[str, Tool], needs: dict[str, Capability], source: str, difference: Difference
) -> Changes:
    changes, seen = Changes({}, {}), set[str]()
    for row in rows:
        facts = dict(row.facts)
        if not _files(row, there, source):
            facts.pop("capability", None)
        if "capability" in facts:
            facts["capability"] = needs.get(slugify(facts["capability"]))
        if row.slug in seen:
            difference.problem(row.line, f"{row.slug}: named twice in this file; the first counts.")
        elif row.slug in there:
            _note_changed(there[row.slug], row, facts, source, changes, difference)
        else:
            _note_new(row, facts, source, changes, difference)
        seen.add(row.slug)
    return changes


def _files(row: ToolRow, there: dict[str, Tool], source: str) -> bool:
    """Where a tool stands on our map says the file that brought it; another's shelves are not ours."""
    return row.slug not in there or there[row.slug].source == source


def _note_new(row: ToolRow, facts: dict[str, Any], source: str, changes: Changes, difference: Difference) -> None:
    if facts.get("capability") is None:
        difference.problem(row.line, f"{row.slug}: say which capability it serves.")
        return
    tool = Tool(**{"slug": row.slug, "name": row.slug, "sourcing": "open-source", **facts, "source": source})
    if _is_clean(tool, ["slug", *facts], row, difference):
        changes.new[row.slug] = Change(tool, {}, facts)
        difference.added.append(tool.name)


def _note_changed(
    tool: Tool, row: ToolRow, facts: dict[str, Any], source: str, changes: Changes, difference: Difference
) -> None:
    """What an editor has confirmed since stays: a file never calls it unverified again."""
    facts.pop("unverified", None)
    if facts.get("capability") is None:
        facts.pop("capability", None)
    after = _taken(tool, facts, difference)
    if tool.gone_from_source and tool.source == source:
        after["gone_from_source"] = False
    if not after:
        difference.same += 1
        return
    before = {name: getattr(tool, name) for name in after}
    for name, value in after.items():
        setattr(tool, name, value)
    if _is_clean(tool, after, row, difference):
        changes.edited[row.slug] = Change(tool, before, after)
        difference.changed.append(f"{tool.name}: {', '.join(sorted(after))}")


def _taken(tool: Tool, facts: dict[str, Any], difference: Difference) -> dict[str, Any]:
    """What differs, but for what people wrote here: that is said, and stays."""
    differs = {name: value for name, value in facts.items() if getattr(tool, name) != value}
    ours = {name for name in differs if tool.is_ours(name)}
    for name in sorted(ours):
        stays, says = _quoted(getattr(tool, name)), _quoted(differs[name])
        difference.kept.append(f"{tool.name}: {name} stays {stays}; the file says {says}")
    return {name: value for name, value in differs.items() if name not in ours}


def _quoted(value: object) -> str:
    words = str(value)
    return f"“{words}”" if len(words) <= LONGEST_QUOTE else f"“{words[: LONGEST_QUOTE - 1]}…”"


def _is_clean(tool: Tool, said: Iterable[str], row: ToolRow, difference: Difference) -> bool:
    """Looks only at what the file said."""
    others = {field.name for field in Tool._meta.fields} - {*said} | {"capability"}
    try:
        tool.clean_fields(exclude=others)
    except ValidationError as error:
        sentences = " ".join(f"{name}: {' '.join(words)}" for name, words in error.message_dict.items())
        difference.problem(row.line, f"{row.slug}: {sentences}")
        return False
    return True


def _needs(actor: User, rows: list[ToolRow], difference: Difference) -> dict[str, Capability]:
    """Capabilities by slug and by name; those that no one has yet are added."""
    known = {key: need for need in Capability.objects.all() for key in (slugify(need.slug), slugify(need.name))}
    fresh: dict[str, Capability] = {}
    for row in rows:
        name = row.facts.get("capability", "")
        key = slugify(name)
        if key and key not in known:
            stage = row.stage or Capability.Stage.GOVERN
            fresh.setdefault(key, Capability(slug=key[:64], name=name[:100], stage=stage, need=UNKNOWN_NEED))
    Capability.objects.bulk_create(fresh.values())
    said: list[tuple[Model, dict[str, Any], dict[str, Any]]]
    said = [(need, {}, {"name": need.name}) for need in fresh.values()]
    record_many(actor=actor, action=Event.CAPABILITY_ADDED, targets=said)
    difference.added += [f"capability {need.name}" for need in fresh.values()]
    return known | fresh


def _gone(rows: Iterable[ToolRow], source: str) -> list[Tool]:
    slugs = [row.slug for row in rows]
    gone = list(Tool.objects.filter(source=source, gone_from_source=False).exclude(slug__in=slugs))
    Tool.objects.filter(pk__in=[tool.pk for tool in gone]).update(gone_from_source=True)
    return gone


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, str | bool | list | dict) else str(value) for name, value in facts.items()}
