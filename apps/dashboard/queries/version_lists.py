"""What the list of a family's versions shows, over all of its segments, and who could be compared with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q

from apps.core import charts
from apps.core.charts import LineChart, Series
from apps.core.errors import Invalid
from apps.registry import queries as registry
from apps.tracking.queries import reported_by_run

if TYPE_CHECKING:
    from apps.registry.models import Evaluation, ModelFamily, ModelVersion
    from apps.registry.models.version import VersionQuerySet
    from apps.registry.queries import Step

PER_PAGE = 50
VINTAGES_DRAWN, WINDOWS_DRAWN = 12, 4
LONGEST = 100
KINDS = ("trained", "baseline", "imported")
SORTS = {
    "": ("-id",),
    "segment": ("model__segment__name", "model__segment__slug", "-number"),
    "-segment": ("-model__segment__name", "-model__segment__slug", "-number"),
    "trained": (F("trained_through").asc(nulls_last=True), "-id"),
    "-trained": (F("trained_through").desc(nulls_last=True), "-id"),
}


@dataclass(frozen=True)
class Asked:
    """What the reader narrowed the list to; all of it stands in the address."""

    text: str = ""
    segment: str = ""
    pipeline: str = ""
    kind: str = ""
    alias: str = ""
    sort: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.segment or self.pipeline or self.kind or self.alias)


@dataclass(frozen=True)
class ListedVersion:
    """A version of the list: what it reported, its newest done evaluation, the aliases on it, how many use it."""

    version: ModelVersion
    reported: float | None
    evaluation: Evaluation | None
    aliases: Sequence[str]
    loaded_by: int


@dataclass(frozen=True)
class VersionsPage:
    """One page of the list, and what it can be narrowed by."""

    page: Page[ModelVersion]
    lines: Sequence[ListedVersion]
    pipelines: Sequence[str]
    kinds: Sequence[str]
    aliases: Sequence[str]


@dataclass(frozen=True)
class Course:
    """How versions did over time: their metric by the day that training ended, and whether who wins goes on to win."""

    chart: LineChart | None
    steps: Sequence[Step]


@dataclass(frozen=True)
class PairLine:
    """A segment's champion and newest version, and how they compare if somebody measured both on the same rows."""

    pair: registry.Pair
    evaluation: Evaluation | None


def asked(query: Mapping[str, str]) -> Asked:
    """Raises Invalid for an order or a kind that does not exist."""
    found = Asked(
        text=_plain(query, "q"),
        segment=_plain(query, "segment"),
        pipeline=_plain(query, "pipeline"),
        kind=_plain(query, "kind"),
        alias=_plain(query, "alias"),
        sort=_plain(query, "sort"),
    )
    if found.sort not in SORTS:
        known = ", ".join(filter(None, SORTS))
        raise Invalid(f"There is no order {found.sort[:40]!r}; choose from {known}.", field="sort")
    if found.kind and found.kind not in KINDS:
        raise Invalid(f"There is no kind {found.kind[:40]!r}; choose from {', '.join(KINDS)}.", field="kind")
    return found


def versions_page(*, family: ModelFamily, wish: Asked, number: str | None) -> VersionsPage:
    every = registry.listed_versions(family)
    page = Paginator(_narrowed(every, wish), PER_PAGE).get_page(number)
    return VersionsPage(
        page=page,
        lines=_lines(family, list(page.object_list)),
        pipelines=_pipelines(every),
        kinds=KINDS,
        aliases=family.alias_names,
    )


def course(*, family: ModelFamily, segment: str) -> Course:
    """The chart is of one segment or, without, of all; the steps are of all. Reads every evaluation there was."""
    return Course(chart=_chart(family, segment), steps=registry.persistence(family))


def pairs_page(*, family: ModelFamily, text: str, number: str | None) -> tuple[Page[Any], list[PairLine]]:
    """Segments whose newest version is not their champion, by name."""
    found = registry.pairs(family)
    named = found.filter(Q(segment__name__icontains=text) | Q(segment__slug__icontains=text)) if text else found
    page = Paginator(named, PER_PAGE).get_page(number)
    rows = [_pair(model) for model in page.object_list]
    known = registry.newest_done([row.newest for row in rows])
    return page, [PairLine(row, _of_both(known.get(row.newest), row)) for row in rows]


def _plain(query: Mapping[str, str], name: str) -> str:
    return query.get(name, "").replace("\0", "").strip()[:LONGEST]


def _narrowed(every: VersionQuerySet, wish: Asked) -> VersionQuerySet:
    found = every.order_by(*SORTS[wish.sort])
    for word in wish.text.split():
        place = Q(model__segment__name__icontains=word) | Q(model__segment__slug__icontains=word)
        found = found.filter(place | Q(model__segment__region__icontains=word) | Q(description__icontains=word))
    exactly = {
        "model__segment__slug": wish.segment,
        "pipeline": wish.pipeline,
        "kind": wish.kind,
        "aliases__name": wish.alias,
    }
    return found.filter(**{field: value for field, value in exactly.items() if value})


def _lines(family: ModelFamily, versions: Sequence[ModelVersion]) -> list[ListedVersion]:
    reported = reported_by_run([version.run_id for version in versions if version.run_id])
    newest = registry.newest_done([version.pk for version in versions])
    loaded = registry.loaded_by([version.pk for version in versions])
    return [
        ListedVersion(
            version=version,
            reported=reported.get(version.run_id or "", {}).get(family.metric),
            evaluation=newest.get(version.pk),
            aliases=[alias.name for alias in version.aliases.all()],
            loaded_by=loaded[version.pk],
        )
        for version in versions
    ]


def _pipelines(every: VersionQuerySet) -> list[str]:
    return list(every.exclude(pipeline="").order_by("pipeline").values_list("pipeline", flat=True).distinct())


def _chart(family: ModelFamily, segment: str) -> LineChart | None:
    """Mean metric by the day that training ended, a line for each of the newest windows; a gap is not measured."""
    found = registry.vintages(family, segment=segment)
    days = sorted({one.trained_through for one in found})[-VINTAGES_DRAWN:]
    windows = sorted({one.window_last for one in found if one.trained_through in days})[-WINDOWS_DRAWN:]
    values = {(one.trained_through, one.window_last): one.metric for one in found}
    if len(days) < 2:
        return None
    lines = [Series(f"on {last:%b %Y}", [values.get((day, last)) for day in days]) for last in windows]
    return charts.line_chart(lines, [f"{day:%-d %b %Y}" for day in days])


def _pair(model: Any) -> registry.Pair:
    return registry.Pair(
        segment=model.segment.slug,
        name=model.segment.name,
        region=model.segment.region,
        champion=model.champion,
        champion_number=model.champion_number,
        newest=model.newest,
        newest_number=model.newest_number,
    )


def _of_both(evaluation: Evaluation | None, row: registry.Pair) -> Evaluation | None:
    """Only one that scored both says how they compare."""
    return evaluation if evaluation and evaluation.champion_id == row.champion else None
