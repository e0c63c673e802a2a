"""Pipelines that can be requested, and as they are defined: settings, versions, what each version changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.core.errors import Missing
from apps.platforms.uses import Use
from apps.registry import queries as registry
from apps.retraining.differences import Difference, differences
from apps.retraining.models import Pipeline, PipelineQuerySet, PipelineVersion, RetrainingRequest
from apps.retraining.queries.requests import Progress, progress_together, requests
from apps.retraining.shape import DEFINITION

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.platforms.models import Connection
    from apps.registry.models import ModelFamily

LATELY = 20  # requests


@dataclass(frozen=True)
class Shelved:
    """A pipeline with the families it trains and the number of its requests, as far as the reader may see them."""

    pipeline: Pipeline
    families: "Sequence[ModelFamily]"
    requests: int


@dataclass(frozen=True)
class VersionShown:
    """A version of a pipeline with what it changed of the one before; nothing for the first that is known."""

    version: PipelineVersion
    differences: Sequence[Difference]


def pipelines(actor: "User") -> PipelineQuerySet:
    """Those that are switched on, the most used first."""
    active = Pipeline.objects.visible_to(actor).filter(is_active=True).select_related("team")
    used = RetrainingRequest.objects.filter(pipeline=OuterRef("pk")).order_by().values("pipeline")
    uses = Subquery(used.annotate(count=Count("pk")).values("count"))
    return active.annotate(uses=Coalesce(uses, 0)).order_by("-uses", "name")


def families_by_pipeline(actor: "User") -> dict[str, list[str]]:
    """Slugs of the families that each visible pipeline trains, by the pipeline's slug."""
    found: dict[str, list[str]] = {}
    named = Pipeline.objects.visible_to(actor).filter(families__isnull=False).values_list("slug", "families__slug")
    for pipeline, family in named:
        found.setdefault(pipeline, []).append(family)
    return found


def pipelines_of(actor: "User", family: "ModelFamily") -> PipelineQuerySet:
    return pipelines(actor).filter(families=family)


def pipeline(*, actor: "User", slug: str) -> Pipeline:
    """Raises Missing."""
    found = Pipeline.objects.visible_to(actor).select_related("team", "connection").filter(slug=slug).first()
    if found is None:
        raise Missing(f"There is no pipeline {slug!r} here, or you may not see it.")
    return found


def pipelines_at_platforms() -> list[int]:
    """Ids of those that are switched on and run elsewhere."""
    return list(Pipeline.objects.filter(is_active=True, connection__isnull=False).values_list("pk", flat=True))


def connections_of_pipelines() -> list[int]:
    """Ids of connections to platforms that run something here."""
    ids = Pipeline.objects.filter(is_active=True).order_by("connection").values_list("connection", flat=True)
    return [number for number in ids.distinct() if number]


def shelf(actor: "User") -> list[Shelved]:
    """Every pipeline that the actor may see, those that are switched off last; in three queries."""
    found = Pipeline.objects.visible_to(actor).select_related("team").order_by("-is_active", "name")
    families = Prefetch("families", registry.families(actor), to_attr="seen_families")
    asked = requests(actor).order_by().values("pipeline").annotate(count=Count("pk"))
    counts = dict(asked.values_list("pipeline", "count"))
    return [Shelved(one, one.seen_families, counts.get(one.pk, 0)) for one in found.prefetch_related(families)]  # type: ignore[attr-defined]


def lately(pipeline: Pipeline) -> Progress:
    """Segment runs of its newest requests, by status."""
    newest = pipeline.requests.order_by("-id").values_list("pk", flat=True)[:LATELY]
    return progress_together(list(newest))


def definition_of(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as it is written down in a file, every setting said."""
    lists = {"families": sorted(pipeline.families.values_list("slug", flat=True))}
    connection = pipeline.connection.name if pipeline.connection else ""
    said = {"team": pipeline.team.slug, "connection": connection} | lists
    return {name: said.get(name, getattr(pipeline, name, None)) for name in DEFINITION["properties"]}


def uses_of(connection: "Connection") -> list[Use]:
    """The pipelines that run there, by name, each with what the platform says is wrong."""
    found = Pipeline.objects.filter(connection=connection).annotate(asked=Count("requests")).order_by("name")
    return [
        Use(one.name, f"{one.asked} requests of {one.workflow}", f"/retraining/pipelines/{one.slug}/", _trouble(one))
        for one in found
    ]


def _trouble(pipeline: Pipeline) -> str:
    return pipeline.platform_problem or pipeline.platform_notice


def versions_of(pipeline: Pipeline) -> QuerySet[PipelineVersion]:
    """Every definition of it, the newest first; the caller has checked that the reader may see it."""
    return pipeline.versions.select_related("defined_by").order_by("-number")


def with_differences(versions: Sequence[PipelineVersion]) -> list[VersionShown]:
    """Some versions of one pipeline, the newest first, each with what it changed; in one more query."""
    if not versions:
        return []
    older = PipelineVersion.objects.filter(pipeline=versions[0].pipeline_id, number__lt=versions[-1].number).first()
    befores = [*versions[1:], older]
    return [
        VersionShown(one, differences(before.definition, one.definition) if before else [])
        for one, before in zip(versions, befores, strict=True)
    ]
