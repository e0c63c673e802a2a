"""`key__among={…}`: what `key__in` finds, where the keys are hundreds.

`__in` makes a place in the statement for each key: Django prepares them one by one, PostgreSQL reads them one by one.
This sends them as one array.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Lookup
from django.db.models.fields.related import ForeignObject
from django.db.models.sql.compiler import SQLCompiler


@Field.register_lookup
@ForeignObject.register_lookup
class Among(Lookup):  # type: ignore[type-arg]  # generic in its stubs only
    """The keys as they are stored; none finds nothing without asking."""

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:  # type: ignore[override]
        if not self.rhs:
            raise EmptyResultSet
        key, places = self.process_lhs(compiler, connection)
        return f"{key} = ANY (%s)", [*places, list(self.rhs)]
