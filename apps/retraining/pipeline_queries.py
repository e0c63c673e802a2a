"""Reads of pipelines as they are defined: their settings, their versions, what each version changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.retraining.differences import Difference, differences
from apps.retraining.models import Pipeline, PipelineVersion
from apps.retraining.shape import DEFINITION


@dataclass(frozen=True)
class VersionShown:
    """A version of a pipeline with what it changed of the one before; nothing for the first that is known."""

    version: PipelineVersion
    differences: Sequence[Difference]


def definition_of(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as it is written down in a file, every setting said."""
    lists = {"families": sorted(pipeline.families.values_list("slug", flat=True))}
    said = {"team": pipeline.team.slug} | lists
    return {name: said.get(name, getattr(pipeline, name, None)) for name in DEFINITION["properties"]}


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
