"""The fleet in figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.dashboard.fleet.rows import Row, State


@dataclass(frozen=True)
class Summary:
    """How the fleet does: champions on the newest month, and what became of the candidates."""

    segments: int
    champions: int
    measured: int
    being_measured: int
    worse: int
    much_worse: int
    stale: int
    states: Mapping[State, int]

    @property
    def empty(self) -> int:
        return self.segments - self.champions

    @property
    def passes(self) -> int:
        return self.states[State.PASSES]

    @property
    def proposed(self) -> int:
        return self.states[State.PROPOSED]

    @property
    def candidates(self) -> int:
        return self.segments - self.states[State.NONE]

    @property
    def evaluating(self) -> int:
        return self.states[State.EVALUATING]

    @property
    def judged(self) -> int:
        """Candidates that wait for no evaluation any more."""
        return self.candidates - self.evaluating

    @property
    def unmeasured(self) -> int:
        """Candidates and champions that nobody has evaluated on the newest month."""
        return self.states[State.NOT_EVALUATED] + self.champions - self.measured - self.being_measured

    @property
    def refused(self) -> int:
        return self.states[State.FAILS] + self.states[State.INCONCLUSIVE]


def summarised(rows: Sequence[Row]) -> Summary:
    measured = [row for row in rows if row.gap is not None]
    return Summary(
        segments=len(rows),
        champions=sum(row.cell.champion is not None for row in rows),
        measured=len(measured),
        being_measured=sum(row.is_being_measured for row in rows),
        worse=sum(row.is_worse for row in rows),
        much_worse=sum(row.is_much_worse for row in rows),
        stale=sum(row.is_stale for row in rows),
        states={state: sum(row.state is state for row in rows) for state in State},
    )
