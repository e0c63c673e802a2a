"""The cities of a wave as its page and the dry run show them, and what they do together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from apps.registry.gates import Outcome, Verdict
from apps.registry.models import Gate, ModelFamily, ModelVersion, Promotion, Wave
from apps.registry.queries.fleet import ScoreCell, VersionCell, score_of, version_cell
from apps.registry.signatures import declared
from apps.registry.statistics import CONFIDENCE

if TYPE_CHECKING:
    from apps.registry.queries.candidacies import Candidacy
    from apps.registry.queries.contenders import Contender


@dataclass(frozen=True)
class ParameterChange:
    """What differs between champion and candidate: a parameter, a day of the window, the type of an input.

    None where one of them has none.
    """

    name: str
    champion: Any
    candidate: Any


@dataclass(frozen=True)
class PromotionRow:
    """One city of a wave with what it was judged by; `stage` counts from 1."""

    id: int
    model: str
    segment: str
    name: str
    region: str
    status: str
    refusal: str
    candidate: VersionCell
    champion: VersionCell | None
    evaluation: ScoreCell | None
    verdicts: tuple[Verdict, ...]
    parameter_changes: tuple[ParameterChange, ...]
    window_changes: tuple[ParameterChange, ...] = ()
    input_changes: tuple[ParameterChange, ...] = ()
    stage: int = 1

    @property
    def gain(self) -> float | None:
        """In the family's unit, positive where the candidate is better."""
        return self.evaluation.difference if self.evaluation else None


@dataclass(frozen=True)
class Totals:
    """All cities of a wave that have a champion: plain means, and means weighted by their rows.

    `gain` and `weighted_gain` are positive where the candidates are better; a wave may not make the weighted one worse.
    """

    segments: int
    rows: int
    candidate: float
    champion: float
    gain: float
    weighted_candidate: float
    weighted_champion: float
    weighted_gain: float

    @property
    def is_worse(self) -> bool:
        return self.weighted_gain < 0


def row_of(promotion: Promotion) -> PromotionRow:
    verdicts = [Verdict(r.kind, Outcome(r.outcome), r.sentence, r.numbers) for r in promotion.gate_results.all()]
    about = {"id": promotion.pk, "status": promotion.status, "refusal": promotion.refusal, "stage": promotion.stage}
    return _row(promotion.candidate, promotion.champion, promotion.evaluation, verdicts, about)


def preview_of(found: Candidacy[ModelVersion]) -> PromotionRow:
    status = Promotion.Status.REFUSED if found.refusal else Promotion.Status.PROPOSED
    about = {"id": 0, "status": status, "refusal": found.refusal}
    return _row(found.candidate, found.champion, found.evaluation, found.verdicts, about)


def _row(
    candidate: ModelVersion,
    champion: ModelVersion | Contender | None,
    evaluation: Any,
    verdicts: Iterable[Verdict],
    about: Any,
) -> PromotionRow:
    segment = candidate.model.its_segment
    return PromotionRow(
        model=candidate.model.name,
        segment=segment.slug,
        name=segment.name,
        region=segment.region,
        candidate=version_cell(candidate),
        champion=version_cell(champion) if champion else None,
        evaluation=score_of(evaluation) if evaluation else None,
        verdicts=tuple(verdicts),
        parameter_changes=_changes(champion.parameters, candidate.parameters) if champion else (),
        window_changes=_changes(_window(champion), _window(candidate)) if champion else (),
        input_changes=_changes(_inputs(champion), _inputs(candidate)) if champion else (),
        **about,
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ParameterChange, ...]:
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return tuple(ParameterChange(name, before.get(name), after.get(name)) for name in names)


def _window(version: ModelVersion | Contender) -> dict[str, str]:
    days = {"trained from": version.trained_from, "trained through": version.trained_through}
    return {name: str(day) for name, day in days.items() if day}


def _inputs(version: ModelVersion | Contender) -> Mapping[str, str]:
    signature = declared(version.signature)
    return signature.inputs if signature else {}


def by_gain(rows: Iterable[PromotionRow], family: ModelFamily) -> list[PromotionRow]:
    """Worst regressions first. A first champion regresses where it is worse than the plain baseline, which served."""
    sign = 1 if family.direction == ModelFamily.Direction.HIGHER else -1

    def gain(row: PromotionRow) -> float:
        if row.gain is not None:
            return row.gain
        score = row.evaluation
        if score is None or score.candidate is None or score.baseline is None:
            return float("inf")
        return sign * (score.candidate - score.baseline)

    return sorted(rows, key=lambda row: (gain(row), row.model))


def totals_of(rows: Sequence[PromotionRow]) -> Totals | None:
    """None where no city has a champion to compare with."""
    known = [score for row in rows if (score := row.evaluation) and score.champion is not None and score.rows]
    weights = [score.rows or 0 for score in known]
    if not known:
        return None
    return Totals(
        segments=len(known),
        rows=sum(weights),
        candidate=fmean(score.candidate or 0 for score in known),
        champion=fmean(score.champion or 0 for score in known),
        gain=fmean(score.difference or 0 for score in known),
        weighted_candidate=fmean([score.candidate or 0 for score in known], weights),
        weighted_champion=fmean([score.champion or 0 for score in known], weights),
        weighted_gain=fmean([score.difference or 0 for score in known], weights),
    )


def false_winners(rows: Iterable[PromotionRow]) -> float | None:
    """How many cities would pass at most if no candidate were better than its champion: 5 of 100 that were tested.

    None where no gate tests for chance.
    """
    tested = [row for row in rows if any(verdict.kind == Gate.Kind.SIGNIFICANCE for verdict in row.verdicts)]
    compared = [row for row in tested if row.evaluation and row.evaluation.lower is not None]
    return round((1 - CONFIDENCE) * len(compared), 2) if tested else None


@dataclass(frozen=True)
class Progress:
    """The mixed state of a wave: cities on its version, cities that wait or went back, and those that were refused.

    `moved_on` have got something else since, by another wave or a rollback.
    """

    new: int
    old: int
    refused: int
    moved_on: int = 0

    @property
    def sentence(self) -> str:
        """`47 new, 30 old, 4 refused`."""
        counts = {"new": self.new, "old": self.old, "refused": self.refused, "moved on since": self.moved_on}
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count or word in ("new", "old"))


@dataclass(frozen=True)
class StageCell:
    """One stage of a wave: how many cities it moves, by name, and whether it has."""

    number: int
    segments: int
    names: tuple[str, ...]
    has_moved: bool
    is_next: bool


def stages_of(wave: Wave, standing: Iterable[PromotionRow]) -> tuple[StageCell, ...]:
    """Empty for a wave that moves at once."""
    bounds, names = [0, *wave.stages], defaultdict[int, list[str]](list)
    for row in standing:
        names[row.stage].append(row.name)
    return tuple(
        StageCell(
            number=n,
            segments=bounds[n] - bounds[n - 1],
            names=tuple(sorted(names[n])),
            has_moved=n <= wave.stage,
            is_next=wave.is_open and n == wave.stage + 1,
        )
        for n in range(1, len(bounds))
    )


def progress_of(rows: Iterable[PromotionRow], now: Mapping[str, int]) -> Progress:
    """`now` says by model's name which version (id) the alias points to."""
    counts = {"new": 0, "old": 0, "refused": 0, "moved_on": 0}
    for row in rows:
        counts[_state(row, now.get(row.model))] += 1
    return Progress(**counts)


def _state(row: PromotionRow, now: int | None) -> str:
    if row.status in (Promotion.Status.REFUSED, Promotion.Status.SUPERSEDED):
        return "refused"
    if row.status != Promotion.Status.APPLIED:
        return "old"
    return "new" if now == row.candidate.id else "moved_on"
