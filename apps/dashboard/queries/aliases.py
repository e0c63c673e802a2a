"""What an alias of a segment points to, pointed to on any day, and how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from apps.core.errors import Invalid
from apps.registry import queries as registry

if TYPE_CHECKING:
    from apps.registry.models import AliasMove, ModelFamily, ModelVersion, RegisteredModel
    from apps.registry.queries import AliasAt


@dataclass(frozen=True)
class AliasNow:
    """A protected alias of a segment, in the family's order, and the version behind it."""

    name: str
    version: ModelVersion | None


@dataclass(frozen=True)
class History:
    """The moves of one alias, the newest first; `then` is what it pointed to at the end of `day`, where one was asked.

    `restorable` are the moves whose version held it once and does not now: of each version the newest.
    """

    alias: str
    aliases: Sequence[AliasNow]
    moves: Sequence[AliasMove]
    restorable: frozenset[int]
    day: date | None
    then: AliasAt | None


def history(family: ModelFamily, model: RegisteredModel | None, alias: str, day: date | None) -> History:
    """Raises Invalid for an alias that the family does not protect."""
    if alias not in family.alias_names:
        raise Invalid(f"{family} protects {', '.join(family.alias_names)}, not {alias[:40]!r}.", field="alias")
    moves = list(registry.alias_history(model, alias)) if model else []
    return History(
        alias=alias,
        aliases=_now(family, model) if len(family.alias_names) > 1 else [_newest(alias, moves)],
        moves=moves,
        restorable=_restorable(moves),
        day=day,
        then=registry.alias_at(model, _end_of(day), alias) if model and day else None,
    )


def _now(family: ModelFamily, model: RegisteredModel | None) -> list[AliasNow]:
    held = {row.name: row.version for row in model.aliases.select_related("version")} if model else {}
    return [AliasNow(name, held.get(name)) for name in family.alias_names]


def _newest(alias: str, moves: Sequence[AliasMove]) -> AliasNow:
    return AliasNow(alias, moves[0].after if moves else None)


def _restorable(moves: Sequence[AliasMove]) -> frozenset[int]:
    seen = {moves[0].after_id} if moves else set()
    found = set()
    for move in moves:
        if move.after_id is not None and move.after_id not in seen:
            seen.add(move.after_id)
            found.add(move.pk)
    return frozenset(found)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, tzinfo=UTC)
