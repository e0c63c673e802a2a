"""Searches of models and versions: conditions and orders as data, pages by key, rows without instances."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db.models import BooleanField, Exists, F, Lookup, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform

from apps.core.errors import Invalid
from apps.registry.models import ModelVersion, RegisteredModel
from apps.registry.queries.rows import VERSION_COLUMNS, ModelRow, VersionRow, model_rows

if TYPE_CHECKING:
    from apps.accounts.models import User

Row = TypeVar("Row")
IS_PROMPT = "mlflow.prompt.is_prompt"
MOST_ROWS = 10_000
"""Of one page, however many are asked for; the next ones are a page away."""
STORABLE = range(-(2**31), 2**31)
NUMBER = {"=": "exact", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
TIMES = ("created_at", "updated_at")
FIELDS = {"run_id": "run_ref", "source_path": "source", "version_number": "number"}


@dataclass(frozen=True)
class Condition:
    """`key` of a tag or attribute, an operator (=, !=, LIKE, ILIKE, IN, NOT IN, >, >=, <, <=) and what to compare."""

    tag: bool
    key: str
    operator: str
    value: str | float | tuple[str, ...]


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


class Like(Lookup):  # type: ignore[type-arg]
    """SQL's own LIKE with the caller's pattern; Django's lookups escape it."""

    lookup_name = "like"
    operator = "LIKE"
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} {self.operator} {right}", [*left_params, *right_params]


class ILike(Like):
    lookup_name = "ilike"
    operator = "ILIKE"


LIKES = {"LIKE": Like, "ILIKE": ILike}


def search_models(
    *, actor: User, conditions: Sequence[Condition], orders: Sequence[Order], after: list[Any] | None, limit: int
) -> Page[ModelRow]:
    """Prompts only where a condition asks for them."""
    found = _held(RegisteredModel.objects.living().visible_to(actor), conditions, "name")
    if not _asks_for_prompts(conditions):
        found = found.exclude(tags__contains={IS_PROMPT: "true"})
    keys = [*(order.key for order in orders), "pk"]
    rows = list(_page(found, orders, after, "name").values_list(*keys)[: _most(limit) + 1])
    models = model_rows([row[-1] for row in rows[: _most(limit)]])
    return Page([models[row[-1]] for row in rows[: _most(limit)]], _place(rows, _most(limit)))


def search_versions(
    *, actor: User, conditions: Sequence[Condition], orders: Sequence[Order], after: list[Any] | None, limit: int
) -> Page[VersionRow]:
    """Of living models; a prompt's versions only where a condition asks for them."""
    found = _held(ModelVersion.objects.living().visible_to(actor), conditions, "model__name")
    if not _asks_for_prompts(conditions):
        prompts = ModelVersion.objects.filter(model=OuterRef("model"), tags__contains={IS_PROMPT: "true"})
        found = found.filter(~Exists(prompts))
    keys = [_column(order.key, "model__name") for order in orders]
    rows = list(_page(found, orders, after, "model__name").values_list(*VERSION_COLUMNS, *keys)[: _most(limit) + 1])
    width = len(VERSION_COLUMNS)
    places = [(*row[width:], None) for row in rows]
    return Page([VersionRow(*row[:width]) for row in rows[: _most(limit)]], _place(places, _most(limit)))


def _most(limit: int) -> int:
    return min(limit, MOST_ROWS)


def _held(found: QuerySet[Any], conditions: Sequence[Condition], name: str) -> QuerySet[Any]:
    """Those that meet every condition. What says only "no prompt" is not a condition: models have no such tag."""
    prompts = _asks_for_prompts(conditions)
    for condition in conditions:
        if prompts or not (condition.tag and condition.key == IS_PROMPT):
            found = found.filter(_met(condition, name))
    return found


def _asks_for_prompts(conditions: Sequence[Condition]) -> bool:
    said = next((one for one in conditions if one.tag and one.key == IS_PROMPT), None)
    return said is not None and (said.operator, str(said.value).lower()) in {("=", "true"), ("!=", "false")}


def _met(condition: Condition, name: str) -> Any:
    if "\0" in condition.key or "\0" in str(condition.value):
        return Q(pk=None) if condition.operator in ("=", "LIKE", "ILIKE", "IN") else Q()
    if condition.tag:
        return _tag_met(condition)
    column = _column(FIELDS.get(condition.key, condition.key), name)
    if condition.operator in LIKES:
        return LIKES[condition.operator](F(column), Value(_pattern(condition.value)))
    if isinstance(condition.value, tuple):
        return _in(column, condition)
    return _compared(column, condition)


def _tag_met(condition: Condition) -> Any:
    """Who does not have the tag meets no condition about it, not even `!=`."""
    if condition.operator == "=":
        return Q(tags__contains={condition.key: condition.value})
    text = KeyTextTransform(condition.key, "tags", output_field=TextField())
    if condition.operator in LIKES:
        return LIKES[condition.operator](text, Value(_pattern(condition.value)))
    return Q(tags__has_key=condition.key) & ~Q(tags__contains={condition.key: condition.value})


def _in(column: str, condition: Condition) -> Q:
    among = Q(**{f"{column}__in": condition.value})
    return among if condition.operator == "IN" else ~among


def _compared(column: str, condition: Condition) -> Q:
    value = condition.value
    if isinstance(value, int) and value not in STORABLE:
        value = STORABLE[-1] if value > 0 else STORABLE[0]
    if condition.operator == "!=":
        return ~Q(**{column: value})
    return Q(**{f"{column}__{NUMBER[condition.operator]}": value})


def _pattern(value: object) -> str:
    """Raises Invalid for a pattern that ends in the middle of an escape."""
    text = str(value)
    if len(text[len(text.rstrip("\\")) :]) % 2:
        raise Invalid("A LIKE pattern can not end with a single backslash; write it twice.", field="filter")
    return text


def _page(found: QuerySet[Any], orders: Sequence[Order], after: list[Any] | None, name: str) -> QuerySet[Any]:
    columns = [_column(order.key, name) for order in orders]
    if after is not None:
        found = found.filter(_follows(columns, orders, after))
    ways = ["-" if order.descending else "" for order in orders]
    return found.order_by(*map(str.__add__, ways, columns))


def _follows(columns: Sequence[str], orders: Sequence[Order], after: Sequence[Any]) -> Q:
    """Strictly behind that place; the first part alone says where in the index to begin."""
    values = [_time(value) if order.key in TIMES else value for order, value in zip(orders, after, strict=True)]
    ways = ["lt" if order.descending else "gt" for order in orders]
    behind, same = Q(), Q()
    for column, way, value in zip(columns, ways, values, strict=True):
        behind |= same & Q(**{f"{column}__{way}": value})
        same &= Q(**{column: value})
    return Q(**{f"{columns[0]}__{ways[0]}e": values[0]}) & behind


def _place(rows: Sequence[tuple[Any, ...]], limit: int) -> list[Any] | None:
    """The last row's values by the orders (all but the last column), where the page is not the end."""
    if len(rows) <= limit or not limit:
        return None
    return [value.isoformat() if isinstance(value, datetime) else value for value in rows[limit - 1][:-1]]


def _column(key: str, name: str) -> str:
    return name if key == "name" else key


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo and re.match(r"[12]\d{3}-", text) else None
