"""DAG runs of Airflow 2, whose line has ended: triggered, polled one by one, their log, their end."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apps.platforms.airflow.runs import Airflow
from apps.platforms.base import Handed, Happening, Order, State


class AirflowTwo(Airflow):
    """The differences of `/api/v1`."""

    def states(self, handed: Sequence[Handed], since: datetime) -> dict[str, State]:
        """One call each: this API finds no runs by the beginning of their ids."""
        found = {one.key: self.state(one) for one in handed}
        return {key: state for key, state in found.items() if state is not None}

    def happenings(self, since: datetime) -> Sequence[Happening]:
        """None: what this line calls datasets has no place for what a check found."""
        return []

    def _body(self, order: Order) -> dict[str, Any]:
        """No `logical_date`: it is now where it is left out, and null is refused. There are no partitions."""
        body = super()._body(order)
        return {name: value for name, value in body.items() if name not in ("logical_date", "partition_key")}

    def _only_living(self) -> dict[str, Any]:
        return {"only_active": "true"}

    def _returned(self, handed: Handed, task: Mapping[str, Any]) -> Any:
        """This API answers the value as Python would write it; nothing but plain values is read from that."""
        value = super()._returned(handed, task)
        try:
            return ast.literal_eval(value) if isinstance(value, str) else value
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return value
