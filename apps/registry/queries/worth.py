"""What is known of whether each segment's own model is worth it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.core.errors import Invalid
from apps.registry.models import Alias, Evaluation, ModelFamily, ModelVersion
from apps.registry.models.family import CHAMPION
from apps.registry.queries.resolving import stand_ins
from apps.registry.queries.windows import newest_window
from apps.registry.worth import Comparison, Month, Rival, Tally, by_month, tally

COLUMNS = (
    "id", "rows", "days", "window_first", "window_last", "candidate_metric", "champion_metric", "difference", "lower",
    "upper", "baselines", "model__segment__slug", "model__segment__name", "model__segment__region",
    "candidate__number", "candidate__trained_from", "candidate__trained_through",
    "shared__model__name", "shared__number", "shared__trained_from", "shared__trained_through",
)  # fmt: skip


@dataclass(frozen=True)
class Worth:
    """All months, the newest first; `rows` are those of `month`, which is None while nothing was compared."""

    family: ModelFamily
    months: list[Month]
    total: Tally
    month: Month | None
    rows: list[Comparison]
    baseline: str
    has_shared: bool
    being_compared: int

    @property
    def shared_places(self) -> list[str]:
        """Slugs of the places whose models are the shared ones of the month."""
        return sorted({one.shared_model.removeprefix(f"{self.family.slug}.") for one in self.rows})

    @property
    def is_newest_compared(self) -> bool:
        window = newest_window(self.family)
        return bool(self.months and window and self.months[0].last == window.last)


def worth(family: ModelFamily, month: str = "") -> Worth:
    """`month` is written like 2013-07, the newest if not said. Raises Invalid for one that nothing was compared on."""
    found = comparisons(family)
    months = by_month(found)
    chosen = next((one for one in months if month in ("", one.key)), None)
    if month and not chosen:
        known = ", ".join(one.key for one in months) or "none yet"
        raise Invalid(f"Nothing was compared in {month[:20]!r}; there is {known}.", field="month")
    return Worth(
        family=family,
        months=months,
        total=tally(found),
        month=chosen,
        rows=[one for one in found if chosen and (one.first, one.last) == (chosen.first, chosen.last)],
        baseline=_baseline_of(family),
        has_shared=bool(stand_ins(family)),
        being_compared=_unfinished(family),
    )


def champions_beside_shared(family: ModelFamily) -> list[tuple[ModelVersion, int]]:
    """Each segment's champion with the id of the shared version; none where the fallback order leads to nothing."""
    shared = stand_ins(family)
    held = Alias.objects.filter(model__family=family, name=CHAMPION, model__segment__slug__in=shared)
    aliases = held.select_related("version", "model__segment").order_by("model__segment__slug")
    pairs = [(alias.version, shared[alias.model.its_segment.slug]) for alias in aliases]
    return [(version, rival) for version, rival in pairs if version.pk != rival]


def comparisons(family: ModelFamily) -> list[Comparison]:
    """The newest of each segment and month, by the segment's name."""
    done = Evaluation.objects.filter(model__family=family, status=Evaluation.Status.DONE)
    newest = _beside_shared(done).order_by("model_id", "window_last", "window_first", "-id")
    rows = newest.distinct("model_id", "window_last", "window_first").values(*COLUMNS)
    found = [_comparison(row, _baseline_of(family)) for row in rows]
    return sorted(found, key=lambda one: (one.name, one.segment, one.last))


def _baseline_of(family: ModelFamily) -> str:
    return family.baselines[0] if family.baselines else ""


def _unfinished(family: ModelFamily) -> int:
    """How many comparisons with the shared model wait for a worker or run."""
    unfinished = (Evaluation.Status.WAITING, Evaluation.Status.RUNNING)
    return _beside_shared(Evaluation.objects.filter(model__family=family, status__in=unfinished)).count()


def _beside_shared(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    return rows.filter(shared__isnull=False)


def _comparison(row: dict[str, Any], baseline: str) -> Comparison:
    simple = row["baselines"].get(baseline)
    return Comparison(
        segment=row["model__segment__slug"],
        name=row["model__segment__name"],
        region=row["model__segment__region"],
        first=row["window_first"],
        last=row["window_last"],
        evaluation=row["id"],
        rows=row["rows"],
        days=row["days"],
        version=row["candidate__number"],
        trained_from=row["candidate__trained_from"],
        trained_through=row["candidate__trained_through"],
        own=row["candidate_metric"],
        shared=Rival(row["champion_metric"], row["difference"], row["lower"], row["upper"]),
        shared_model=row["shared__model__name"],
        shared_version=row["shared__number"],
        shared_from=row["shared__trained_from"],
        shared_through=row["shared__trained_through"],
        baseline=Rival(**simple) if simple else None,
    )
