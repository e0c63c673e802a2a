"""Searches of models and versions: conditions and orders as data, pages by key, rows without instances."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from apps.core.search import Condition
from apps.registry.models.version import IS_PROMPT
from apps.registry.queries.rows import ModelRow, VersionRow, model_rows, version_rows, visible

if TYPE_CHECKING:
    from apps.accounts.models import User

Row = TypeVar("Row")
MOST_ROWS = 10_000
"""Of one page, however many are asked for; the next ones are a page away."""
STORABLE = range(-(2**31), 2**31)
TIMES = ("created_at", "updated_at")


@dataclass(frozen=True)
class Order:
    """`key` is name, number, created_at or updated_at."""

    key: str
    descending: bool = False

    def takes(self, value: object) -> bool:
        """True for a value that a page can begin after."""
        if self.key == "number":
            return isinstance(value, int) and not isinstance(value, bool) and value in STORABLE
        if self.key in TIMES:
            return isinstance(value, str) and _time(value) is not None
        return isinstance(value, str) and "\0" not in value


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, and the values of the last one by the search's orders where more follow."""

    rows: list[Row]
    place: list[Any] | None


@dataclass(frozen=True)
class Columns:
    """Of what is searched, in its statement: by the key of a condition or order, its tags, and who is no prompt."""

    by_key: Mapping[str, str]
    tags: str
    no_prompt: str


PROMPT = f"@> '{json.dumps({IS_PROMPT: 'true'})}'"
MODELS = Columns(
    {"name": "model.name", "created_at": "model.created_at", "updated_at": "model.updated_at"},
    tags="model.tags",
    no_prompt=f"NOT model.tags {PROMPT}",
)
VERSIONS = Columns(
    {
        "name": "model.name",
        "number": "version.number",
        "version_number": "version.number",
        "run_id": "version.run_ref",
        "source_path": "version.source",
        "created_at": "version.created_at",
        "updated_at": "version.updated_at",
    },
    tags="version.tags",
    no_prompt=(
        "NOT EXISTS (SELECT FROM registry_modelversion AS prompt "
        f"WHERE prompt.model_id = model.id AND prompt.tags {PROMPT})"
    ),
)
COMPARED = {comparator: f"{{}} {comparator} %s" for comparator in ("=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE")}
COMPARED |= {"IN": "{} = ANY(%s)", "NOT IN": "{} <> ALL(%s)"}
OF_TAGS = {
    "=": "{} @> %s::jsonb",
    "!=": "{0} ? %s AND NOT {0} @> %s::jsonb",
    "LIKE": "{} ->> %s LIKE %s",
    "ILIKE": "{} ->> %s ILIKE %s",
}
"""Who does not have the tag meets no condition about it, not even `!=`."""


def search_models(
    *, actor: User, conditions: Sequence[Condition], orders: Sequence[Order], after: list[Any] | None, limit: int
) -> Page[ModelRow]:
    """Prompts only where a condition asks for them."""
    where, params = _where(actor, MODELS, conditions, orders, after)
    order, most = _order(MODELS, orders), min(limit, MOST_ROWS)
    ids = (
        "SELECT model.id FROM registry_registeredmodel AS model "  # noqa: S608
        f"WHERE model.deleted_at IS NULL AND {where} ORDER BY {order} LIMIT {most + 1:d}"
    )
    rows = model_rows(f"WHERE model.id IN ({ids}) ORDER BY {order}", params)
    return _paged(rows, orders, most)


def search_versions(
    *, actor: User, conditions: Sequence[Condition], orders: Sequence[Order], after: list[Any] | None, limit: int
) -> Page[VersionRow]:
    """Of living models; a prompt's versions only where a condition asks for them."""
    where, params = _where(actor, VERSIONS, conditions, orders, after)
    order, most = _order(VERSIONS, orders), min(limit, MOST_ROWS)
    living = "version.deleted_at IS NULL AND model.deleted_at IS NULL"
    rows = version_rows(f"WHERE {living} AND {where} ORDER BY {order} LIMIT {most + 1:d}", params)
    return _paged(rows, orders, most)


def _where(
    actor: User, columns: Columns, conditions: Sequence[Condition], orders: Sequence[Order], after: list[Any] | None
) -> tuple[str, list[Any]]:
    """What the reader may see, meets every condition and lies behind the place. Keys and comparators are looked up,
    values are parameters. What says only "no prompt" is not a condition: models have no such tag.
    """
    sql, seen = visible(actor)
    prompts = _asks_for_prompts(conditions)
    parts = [(sql, list(seen))]
    parts += [_met(one, columns) for one in conditions if prompts or not _is_about_prompts(one)]
    parts += [] if prompts else [(columns.no_prompt, [])]
    parts += [_follows(columns, orders, after)] if after is not None else []
    return " AND ".join(part for part, _ in parts), [value for _, values in parts for value in values]


def _is_about_prompts(condition: Condition) -> bool:
    return condition.entity == "tag" and condition.key == IS_PROMPT


def _asks_for_prompts(conditions: Sequence[Condition]) -> bool:
    said = next(filter(_is_about_prompts, conditions), None)
    return said is not None and (said.comparator, str(said.value).lower()) in {("=", "true"), ("!=", "false")}


def _met(condition: Condition, columns: Columns) -> tuple[str, list[Any]]:
    if condition.entity == "tag":
        return _tag_met(condition, columns.tags)
    column, value = columns.by_key[condition.key], condition.value
    if isinstance(value, int):
        value = min(max(value, STORABLE[0]), STORABLE[-1])
    return COMPARED[condition.comparator].format(column), [list(value) if isinstance(value, tuple) else value]


def _tag_met(condition: Condition, column: str) -> tuple[str, list[Any]]:
    met, tag = OF_TAGS[condition.comparator].format(column), json.dumps({condition.key: condition.value})
    return met, {"=": [tag], "!=": [condition.key, tag]}.get(condition.comparator, [condition.key, condition.value])


def _order(columns: Columns, orders: Sequence[Order]) -> str:
    return ", ".join(f"{columns.by_key[order.key]}{' DESC' if order.descending else ''}" for order in orders)


def _follows(columns: Columns, orders: Sequence[Order], after: Sequence[Any]) -> tuple[str, list[Any]]:
    """Strictly behind that place; the first part alone says where in the index to begin."""
    names, ways = [columns.by_key[order.key] for order in orders], ["<" if one.descending else ">" for one in orders]
    behind, values = [], [after[0]]
    for at, (name, way) in enumerate(zip(names, ways, strict=True)):
        behind.append(" AND ".join([*(f"{same} = %s" for same in names[:at]), f"{name} {way} %s"]))
        values += after[: at + 1]
    return f"{names[0]} {ways[0]}= %s AND (({') OR ('.join(behind)}))", values


def _paged(rows: list[Row], orders: Sequence[Order], most: int) -> Page[Row]:
    """The place is the last row's values by the orders, where the page is not the end."""
    if len(rows) <= most or not most:
        return Page(rows[:most], None)
    return Page(rows[:most], [_placed(rows[most - 1], order.key) for order in orders])


def _placed(row: Any, key: str) -> Any:
    if key in TIMES:
        return getattr(row, key).isoformat()
    return row.number if key == "number" else row[0] if isinstance(row, VersionRow) else row.name


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo and re.match(r"[12]\d{3}-", text) else None
