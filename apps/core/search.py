"""What a search asks, after its door has read the words: conditions that all have to hold, and an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Lookup, Q, TextField

LOOKUPS: dict[str, str] = {
    "=": "exact",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    "LIKE": "sqllike",
    "ILIKE": "sqlilike",
    "IN": "in",
}


@dataclass(frozen=True)
class Condition:
    """`entity` is attribute, metric, parameter, tag or dataset; `value` None with IS NULL and IS NOT NULL."""

    entity: str
    key: str
    comparator: str
    value: Any = None


@dataclass(frozen=True)
class Order:
    entity: str
    key: str
    ascending: bool = True


def compare(column: str, comparator: str, value: Any) -> Q:
    """The comparison as SQL means it: an absent value meets none, not even `!=`."""
    if comparator in ("!=", "NOT IN"):
        lookup = "exact" if comparator == "!=" else "in"
        return ~Q(**{f"{column}__{lookup}": value}) & Q(**{f"{column}__isnull": False})
    return Q(**{f"{column}__{LOOKUPS[comparator]}": value})


class _Like(Lookup):
    """SQL's own pattern, with % and _; Django's `contains` would take them for letters."""

    operator = "LIKE"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, left_values = self.process_lhs(compiler, connection)
        right, right_values = self.process_rhs(compiler, connection)
        return f"{left} {self.operator} {right}", [*left_values, *right_values]


class SqlLike(_Like):
    lookup_name = "sqllike"


class SqlILike(_Like):
    lookup_name = "sqlilike"
    operator = "ILIKE"


for kind in (CharField, TextField):
    kind.register_lookup(SqlLike)
    kind.register_lookup(SqlILike)
