"""A family at one glance: a row per segment, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import fmean

from django.db.models import Exists, OuterRef, QuerySet

from apps.registry.gates import Verdict
from apps.registry.models import AliasMove, Evaluation, ModelFamily, ModelVersion, RegisteredModel, Segment
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import Candidacy, Evidence, candidacy, evidence_of
from apps.registry.queries.families import places
from apps.registry.queries.families import segments as segments_of


@dataclass(frozen=True)
class VersionCell:
    """A version as far as a row shows it."""

    id: int
    number: int
    kind: str
    trained_from: date | None
    trained_through: date | None
    created_at: datetime
    run: str | None
    pipeline: str = ""

    @property
    def label(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True)
class ScoreCell:
    """An evaluation as far as a row shows it: metrics in the family's unit, positive difference = candidate better."""

    id: int
    status: str
    first: date
    last: date
    candidate: float | None
    champion: float | None
    baseline: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    rows: int | None
    days: int | None
    reason: str


@dataclass(frozen=True)
class RolledBack:
    """A version that is newer than the champion, and why it does not serve any more."""

    number: int
    by: str
    at: datetime
    reason: str

    @property
    def label(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True)
class FleetRow:
    """One segment. Without a model or champion the cells are None, honestly.

    `evaluated` is the evidence the champion was promoted on, `newest` how it does alone on the newest month;
    `comparison` is the candidate against it, with the verdicts of the gates of now and the reason why not. A segment
    whose newest version was `rolled_back` has no candidate until a newer one is made.
    """

    segment: str
    name: str
    region: str
    latitude: float | None
    longitude: float | None
    model: str
    champion: VersionCell | None
    age_days: int | None
    is_fresh: bool | None
    evaluated: ScoreCell | None
    newest: ScoreCell | None
    candidate: VersionCell | None
    comparison: ScoreCell | None
    verdicts: tuple[Verdict, ...]
    refusal: str
    open_wave: int | None
    rolled_back: RolledBack | None = None

    @property
    def is_eligible(self) -> bool:
        """The candidate may be proposed now."""
        return self.candidate is not None and not self.refusal


@dataclass(frozen=True)
class FleetSummary:
    """The fleet in numbers; means over the cities that have the number, None where none has."""

    segments: int
    champions: int
    fresh: int
    candidates: int
    eligible: int
    evaluated_mean: float | None
    newest_mean: float | None
    newest_baseline_mean: float | None


def fleet(family: ModelFamily, alias: str = CHAMPION, *, segments: Collection[str] | None = None) -> list[FleetRow]:
    """All segments that the family serves, or the places named by slug, by name."""
    rows = list(_segments(family, segments).select_related(None))
    models = _models(family, rows)
    known = {model.pk: model for model in models.values()}
    newest = _newest_ready(list(known))
    candidates = {version.model_id: version for version in _unserved(newest, alias)}
    for version in candidates.values():
        version.model = known[version.model_id]
    ids = [version.pk for version in candidates.values()]
    found = Found(
        evidence=evidence_of(family, alias, known, ids, known=known, with_champions=True),
        candidates=candidates,
        promoted=promoted_on(list(known), alias),
        rolled_back=_rolled_back(newest, alias),
    )
    return [_row(found, segment, models.get(segment.pk)) for segment in rows]


def candidates_of(family: ModelFamily, alias: str = CHAMPION) -> list[ModelVersion]:
    """The newest ready version of each segment that never was behind the alias, by the segment's name."""
    models = RegisteredModel.objects.living().filter(family=family).select_related("family__team", "segment")
    known = {model.pk: model for model in models}
    found = list(_unserved(_newest_ready(list(known)), alias))
    for version in found:
        version.model = known[version.model_id]
    return sorted(found, key=_by_city)


def _by_city(version: ModelVersion) -> tuple[str, str]:
    return version.model.its_segment.name, version.model.its_segment.slug


def summary(rows: Sequence[FleetRow]) -> FleetSummary:
    """Pure: counts and means of the rows."""
    newest = [row.newest for row in rows if row.newest]
    return FleetSummary(
        segments=len(rows),
        champions=sum(row.champion is not None for row in rows),
        fresh=sum(row.is_fresh is True for row in rows),
        candidates=sum(row.candidate is not None for row in rows),
        eligible=sum(row.is_eligible for row in rows),
        evaluated_mean=_mean(row.evaluated.candidate for row in rows if row.evaluated),
        newest_mean=_mean(score.candidate for score in newest),
        newest_baseline_mean=_mean(score.baseline for score in newest),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


@dataclass(frozen=True)
class Found:
    """All that rows are made of; candidates and what was rolled back by model, `promoted` by version."""

    evidence: Evidence
    candidates: Mapping[int, ModelVersion]
    promoted: Mapping[int, Evaluation]
    rolled_back: Mapping[int, RolledBack]


def _segments(family: ModelFamily, slugs: Collection[str] | None) -> QuerySet[Segment]:
    return segments_of(family) if slugs is None else places(family).filter(slug__in=slugs)


def _models(family: ModelFamily, rows: Sequence[Segment]) -> dict[int, RegisteredModel]:
    """By segment."""
    places = {segment.pk: segment for segment in rows}
    found = list(RegisteredModel.objects.living().filter(family=family, segment__in=places))
    for model in found:
        model.segment = places[model.segment_id]  # type: ignore[index]  # of one of the segments
    return {model.its_segment.pk: model for model in found}


def _newest_ready(models: Sequence[int]) -> QuerySet[ModelVersion]:
    """The newest ready version of each model."""
    ready = ModelVersion.objects.living().filter(model__in=models, status=ModelVersion.Status.READY)
    return ready.order_by("model_id", "-number").distinct("model_id")


def _unserved(versions: QuerySet[ModelVersion], alias: str) -> QuerySet[ModelVersion]:
    """What was behind the alias once is no candidate again."""
    served = AliasMove.objects.filter(model=OuterRef("model"), name=alias, after=OuterRef("pk"))
    return ModelVersion.objects.filter(~Exists(served), pk__in=versions.values("pk"))


def _rolled_back(newest: QuerySet[ModelVersion], alias: str) -> dict[int, RolledBack]:
    """By model, how its newest version was taken back; a champion that serves now was not."""
    back = AliasMove.objects.filter(before__in=newest.values("pk"), name=alias)
    moves = back.filter(kind=AliasMove.Kind.ROLLBACK).select_related("before", "by").order_by("id")
    return {
        move.model_id: RolledBack(move.before.number, str(move.by), move.at, move.reason)
        for move in moves
        if move.before
    }


def promoted_on(models: Sequence[int], alias: str) -> dict[int, Evaluation]:
    """By version: the newest evaluation that it was promoted on."""
    moves = AliasMove.objects.filter(model__in=models, name=alias, promotion__isnull=False)
    newest = moves.order_by("after_id", "-id").distinct("after_id").values_list("after_id", "promotion__evaluation_id")
    version_of = {evaluation: version for version, evaluation in newest}
    found = Evaluation.objects.filter(pk__in=list(version_of)).defer("daily", "baselines")
    return {version_of[evaluation.pk]: evaluation for evaluation in found}


def _row(found: Found, segment: Segment, model: RegisteredModel | None) -> FleetRow:
    evidence = found.evidence
    champion = evidence.champions.get(model.pk) if model else None
    wanted = found.candidates.get(model.pk) if model else None
    judged = candidacy(evidence, wanted) if wanted else None
    age = evidence.family.age_of(champion.trained_through) if champion else None
    return FleetRow(
        segment=segment.slug,
        name=segment.name,
        region=segment.region,
        latitude=segment.latitude,
        longitude=segment.longitude,
        model=model.name if model else "",
        champion=version_cell(champion) if champion else None,
        age_days=age,
        is_fresh=None if age is None else age <= evidence.family.freshness_days,
        evaluated=_evaluated(evidence, champion, found.promoted) if champion else None,
        newest=_alone_on_newest(evidence, champion) if champion else None,
        candidate=version_cell(wanted) if wanted else None,
        comparison=score_of(judged.evaluation) if judged and judged.evaluation else None,
        verdicts=judged.verdicts if judged else (),
        refusal=_refusal(judged),
        open_wave=evidence.open_waves.get(model.pk) if model else None,
        rolled_back=_taken_back(found, model, champion),
    )


def _taken_back(found: Found, model: RegisteredModel | None, champion: ModelVersion | None) -> RolledBack | None:
    back = found.rolled_back.get(model.pk) if model else None
    return back if back and champion and back.number > champion.number else None


def _refusal(judged: Candidacy | None) -> str:
    return judged.refusal if judged else ""


def _evaluated(evidence: Evidence, champion: ModelVersion, promoted: Mapping[int, Evaluation]) -> ScoreCell | None:
    """What it was promoted on; else its newest done evaluation."""
    done = (row for row in evidence.evaluations.get(champion.pk, []) if row.status == Evaluation.Status.DONE)
    found = promoted.get(champion.pk) or next(done, None)
    return score_of(found) if found else None


def _alone_on_newest(evidence: Evidence, champion: ModelVersion) -> ScoreCell | None:
    """Its newest evaluation on the newest month, done ones first; whom it competed with does not matter here."""
    of_month = [
        row
        for row in evidence.evaluations.get(champion.pk, [])
        if (row.window_first, row.window_last) == evidence.window
    ]
    of_month.sort(key=lambda row: row.status != Evaluation.Status.DONE)
    return score_of(of_month[0]) if of_month else None


def version_cell(version: ModelVersion) -> VersionCell:
    return VersionCell(
        id=version.pk,
        number=version.number,
        kind=version.kind,
        trained_from=version.trained_from,
        trained_through=version.trained_through,
        created_at=version.created_at,
        run=version.run_id,
        pipeline=version.pipeline,
    )


def score_of(evaluation: Evaluation) -> ScoreCell:
    return ScoreCell(
        id=evaluation.pk,
        status=evaluation.status,
        first=evaluation.window_first,
        last=evaluation.window_last,
        candidate=evaluation.candidate_metric,
        champion=evaluation.champion_metric,
        baseline=evaluation.baseline_metric,
        difference=evaluation.difference,
        lower=evaluation.lower,
        upper=evaluation.upper,
        rows=evaluation.rows,
        days=evaluation.days,
        reason=evaluation.reason,
    )
