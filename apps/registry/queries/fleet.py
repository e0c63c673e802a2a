"""A family at one glance: a row per segment, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import starmap
from statistics import fmean
from typing import NamedTuple

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from apps.registry.gates import Verdict
from apps.registry.models import AliasMove, Evaluation, ModelFamily, ModelVersion, RegisteredModel, Segment
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import Candidacy, Evidence, candidacy, evidence_of
from apps.registry.queries.contenders import Contender, Score
from apps.registry.queries.families import places
from apps.registry.queries.families import segments as segments_of


class VersionCell(NamedTuple):
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


class ScoreCell(NamedTuple):
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
    places = list(starmap(Place, _segments(family, segments).values_list(*PLACE)))
    known = {place.model for place in places if place.model}
    newest = _newest_ready(known).annotate(served=_served(alias)).values_list("served", *Contender._fields)
    versions = [(served, Contender(*fields)) for served, *fields in newest]
    once = {version.pk for served, version in versions if served}
    candidates = {version.model_id: version for served, version in versions if not served}
    ids = {version.pk for version in candidates.values()}
    evidence = evidence_of(family, alias, known, ids, with_champions=True)
    found = Found(
        evidence=evidence,
        candidates=candidates,
        promoted=_promoted(evidence, alias),
        rolled_back=_rolled_back(once - {holder.pk for holder in evidence.holders.values()}, alias),
    )
    return [_row(found, place) for place in places]


def candidates_of(family: ModelFamily, alias: str = CHAMPION) -> list[ModelVersion]:
    """The newest ready version of each segment that never was behind the alias, by the segment's name."""
    models = set(RegisteredModel.objects.living().filter(family=family).values_list("pk", flat=True))
    candidates = _newest_ready(models).filter(~_served(alias))
    return sorted(candidates.select_related("model__family__team", "model__segment", "tree"), key=_by_city)


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


class Place(NamedTuple):
    """A segment as far as a row shows it, with the id and the name of its living model, if it has one."""

    slug: str
    name: str
    region: str
    latitude: float | None
    longitude: float | None
    model: int | None
    model_name: str | None


PLACE = ("slug", "name", "region", "latitude", "longitude", "living__id", "living__name")


@dataclass(frozen=True)
class Found:
    """All that rows are made of; candidates and what was rolled back by model, `promoted` by version."""

    evidence: Evidence
    candidates: Mapping[int, Contender]
    promoted: Mapping[int, Score]
    rolled_back: Mapping[int, RolledBack]


def _segments(family: ModelFamily, slugs: Collection[str] | None) -> QuerySet[Segment]:
    found = segments_of(family) if slugs is None else places(family).filter(slug__in=slugs)
    condition = Q(models__family=family, models__deleted_at=None)
    return found.annotate(living=FilteredRelation("models", condition=condition))


def _newest_ready(models: Collection[int]) -> QuerySet[ModelVersion]:
    """The newest ready version of each model: one look into an index for each."""
    ready = ModelVersion.objects.filter(model=OuterRef("pk"), status=ModelVersion.Status.READY, deleted_at=None)
    newest = Subquery(ready.order_by("-number").values("pk")[:1])
    of_models = RegisteredModel.objects.filter(pk__among=models).values(newest=newest)
    return ModelVersion.objects.filter(pk__in=of_models).order_by()


def _served(alias: str) -> Exists:
    """A version that was behind the alias once is no candidate again."""
    return Exists(AliasMove.objects.filter(after=OuterRef("pk"), name=alias))


def _rolled_back(served: Collection[int], alias: str) -> dict[int, RolledBack]:
    """By model, how its newest version, which served once, was taken back."""
    if not served:
        return {}
    back = AliasMove.objects.filter(before__among=served, name=alias, kind=AliasMove.Kind.ROLLBACK)
    return {
        move.model_id: RolledBack(move.before.number, str(move.by), move.at, move.reason)
        for move in back.select_related("before", "by").order_by("id")
        if move.before
    }


def promoted_on(versions: Collection[int], alias: str) -> dict[int, int]:
    """By version, the id of the newest evaluation that it was promoted on."""
    moves = AliasMove.objects.filter(after__among=versions, name=alias, promotion__evaluation__isnull=False)
    newest = moves.order_by("after_id", "-id").distinct("after_id")
    return dict(newest.values_list("after_id", "promotion__evaluation_id"))


def _promoted(evidence: Evidence, alias: str) -> dict[int, Score]:
    """Of what the alias points to, by version; its evaluations are read already."""
    holders = {version.pk for version in evidence.holders.values()}
    known = {score.pk: score for pk in holders for score in evidence.evaluations.get(pk, ())}
    return {version: known[pk] for version, pk in promoted_on(holders, alias).items()}


def _row(found: Found, place: Place) -> FleetRow:
    evidence, model = found.evidence, place.model or 0  # which is the id of none
    champion, wanted = evidence.champions.get(model), found.candidates.get(model)
    judged = candidacy(evidence, wanted) if wanted else None
    age = evidence.family.age_of(champion.trained_through) if champion else None
    return FleetRow(
        segment=place.slug,
        name=place.name,
        region=place.region,
        latitude=place.latitude,
        longitude=place.longitude,
        model=place.model_name or "",
        champion=version_cell(champion) if champion else None,
        age_days=age,
        is_fresh=None if age is None else age <= evidence.family.freshness_days,
        evaluated=_evaluated(evidence, champion, found.promoted) if champion else None,
        newest=_alone_on_newest(evidence, champion) if champion else None,
        candidate=version_cell(wanted) if wanted else None,
        comparison=score_of(judged.evaluation) if judged and judged.evaluation else None,
        verdicts=judged.verdicts if judged else (),
        refusal=_refusal(judged),
        open_wave=evidence.open_waves.get(model),
        rolled_back=_taken_back(found, model, champion),
    )


def _taken_back(found: Found, model: int, champion: Contender | None) -> RolledBack | None:
    back = found.rolled_back.get(model)
    return back if back and champion and back.number > champion.number else None


def _refusal(judged: Candidacy[Contender] | None) -> str:
    return judged.refusal if judged else ""


def _evaluated(evidence: Evidence, champion: Contender, promoted: Mapping[int, Score]) -> ScoreCell | None:
    """What it was promoted on; else its newest done evaluation."""
    done = (row for row in evidence.evaluations.get(champion.pk, []) if row.status == Evaluation.Status.DONE)
    found = promoted.get(champion.pk) or next(done, None)
    return score_of(found) if found else None


def _alone_on_newest(evidence: Evidence, champion: Contender) -> ScoreCell | None:
    """Its newest evaluation on the newest month, done ones first; whom it competed with does not matter here."""
    of_month = [row for row in evidence.evaluations.get(champion.pk, []) if row.window == evidence.window]
    of_month.sort(key=lambda row: row.status != Evaluation.Status.DONE)
    return score_of(of_month[0]) if of_month else None


def version_cell(version: ModelVersion | Contender) -> VersionCell:
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


def score_of(evaluation: Evaluation | Score) -> ScoreCell:
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
