"""DAG runs of Airflow 2, whose line has ended: triggered, polled one by one, their log, their end."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from apps.platforms.airflow.runs import Airflow
from apps.platforms.base import Handed, Happening, Order, State
from apps.platforms.outgoing import Refused, Unreachable


class AirflowTwo(Airflow):
    """The differences of `/api/v1`."""

    # This API looks at the shape before it looks at who asks: only two dates that differ are judged afterwards.
    no_trigger = {"logical_date": "2000-01-01T00:00:00Z", "execution_date": "2000-01-02T00:00:00Z"}

    def states(self, handed: Sequence[Handed], since: datetime) -> dict[str, State]:
        """One call each: this API finds no runs by the beginning of their ids."""
        found = {one.key: self.state(one) for one in handed}
        return {key: state for key, state in found.items() if state is not None}

    def happenings(self, since: datetime) -> Sequence[Happening]:
        """None: what this line calls datasets has no place for what a check found."""
        return []

    def _fail(self, handed: Handed, note: str) -> None:
        """The note is a call of its own; a run that is ended without one is ended all the same."""
        self.server.send("PATCH", self._path(handed), {"state": "failed"})
        with suppress(Refused, Unreachable):
            self.server.send("PATCH", f"{self._path(handed)}/setNote", {"note": note})

    def _body(self, order: Order) -> dict[str, Any]:
        """No `logical_date`: it is now where it is left out, and null is refused. There are no partitions."""
        body = super()._body(order)
        return {name: value for name, value in body.items() if name not in ("logical_date", "partition_key")}

    def _only_living(self) -> dict[str, Any]:
        return {"only_active": "true"}

    def _as_json(self) -> dict[str, Any]:
        """Only where its admins have switched that on, which is not the default."""
        return {}

    def _returned(self, handed: Handed, task: Mapping[str, Any]) -> Any:
        """This API answers the value as Python would write it; nothing but plain values is read from that."""
        value = super()._returned(handed, task)
        try:
            return ast.literal_eval(value) if isinstance(value, str) else value
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return value
