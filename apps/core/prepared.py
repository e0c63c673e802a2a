"""Statements that PostgreSQL plans once per connection: planning a hot read takes several times as long as running it.

psycopg 3 would do it by itself; psycopg2 has to be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)

MOST_PREPARED = 200
"""Of one connection, which holds their plans: a search can be written in any number of ways."""

_prepared: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


def prepared(statement: str, params: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """What to execute in place of a statement whose only percent signs are its places (`%s`); prepares it where this
    connection has not. It names its columns: of a `*` the plan breaks when a migration adds one.
    """
    connection.ensure_connection()
    names = _prepared.setdefault(connection.connection, {})
    if statement not in names:
        if len(names) >= MOST_PREPARED:
            return statement, params
        names[statement] = _prepare(statement, f"portal_{len(names)}")
    places = f"({', '.join(['%s'] * len(params))})" if params else ""
    return f"EXECUTE {names[statement]}{places}", params


def first(model: type[Row], statement: str, params: Sequence[Any]) -> Row | None:
    """The first row as an instance; the statement selects `columns` of the model."""
    return next(iter(model._default_manager.raw(*prepared(statement, params))), None)


def columns(model: type[Model], alias: str) -> str:
    """All of the model's, by name."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def _prepare(statement: str, name: str) -> str:
    *parts, end = statement.split("%s")
    numbered = "".join(f"{part}${number}" for number, part in enumerate(parts, start=1))
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE {name} AS {numbered}{end}")
    return name
