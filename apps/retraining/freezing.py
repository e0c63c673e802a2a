"""From what a person asked for to the plan that is frozen: segments chosen, parameters validated, script read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.core.errors import Invalid
from apps.retraining.definitions import program, sha256_of
from apps.retraining.parameters import mistakes, validate

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, Segment
    from apps.retraining.models import Pipeline

NAMED_AT_MOST = 5  # unknown segments told in one sentence


def freeze(
    *,
    pipeline: "Pipeline",
    family: "ModelFamily",
    parameters: Mapping[str, Any],
    segments: "Iterable[Segment]",
    after_success: str = "",
) -> dict[str, Any]:
    """Everything the runs need, with the parameters validated; `after_success` empty is as the pipeline says.

    Raises Invalid by field.
    """
    slugs = sorted(segment.slug for segment in segments)
    return {
        "pipeline": pipeline.slug,
        "version": pipeline.version,
        "family": family.slug,
        "parameters": validate(pipeline.schema, parameters),
        "segments": slugs,
        **(_workflow(pipeline, slugs) if pipeline.connection_id else _script(pipeline)),
        "window": pipeline.window,
        "seconds": pipeline.seconds,
        "memory_mb": pipeline.memory_mb,
        "max_attempts": pipeline.max_attempts,
        "overlap": pipeline.overlap,
        "canary": pipeline.canary,
        "stop_after": pipeline.stop_after,
        "after_success": after_success or pipeline.after_success,
    }


def _script(pipeline: "Pipeline") -> dict[str, Any]:
    if pipeline.command and not settings.PIPELINE_COMMANDS:
        raise Invalid(f"{pipeline} is a command, and those are switched off here; tell its team.", field="pipeline")
    script = program(settings.PIPELINES_DIR, pipeline.script, pipeline.command)
    if not script.is_file():
        raise Invalid(f"The script {str(script)!r} of this pipeline is missing; tell its team.", field="pipeline")
    return {
        "script": pipeline.script,
        **({"command": list(pipeline.command)} if pipeline.command else {}),
        "script_sha256": sha256_of(script),
        "data": pipeline.data,
        "preload": list(pipeline.preload),
    }


def _workflow(pipeline: "Pipeline", segments: Sequence[str]) -> dict[str, Any]:
    if pipeline.platform_problem:
        raise Invalid(f"{pipeline.connection} can not run {pipeline}: {pipeline.platform_problem}", field="pipeline")
    _refuse_strange(pipeline, segments)
    return {
        "connection_id": pipeline.connection_id,
        "connection": str(pipeline.connection),
        "workflow": pipeline.workflow,
        "segment_parameter": pipeline.segment_parameter,
        "partitioned": pipeline.is_partitioned,
    }


def _refuse_strange(pipeline: "Pipeline", segments: Sequence[str]) -> None:
    """Raises Invalid for segments that the workflow's own parameter would not take."""
    name = pipeline.segment_parameter
    part = ((pipeline.platform_schema or {}).get("properties") or {}).get(name)
    if not name or part is None:
        return
    schema = {"type": "object", "properties": {name: part}}
    strange = [slug for slug in segments if mistakes(schema, {name: slug})]
    if strange:
        named = ", ".join(strange[:NAMED_AT_MOST]) + (" …" if len(strange) > NAMED_AT_MOST else "")
        raise Invalid(
            f"The workflow's parameter {name!r} does not take {named}: leave them out, or tell its team.",
            field="segments",
        )


def choose_segments(family: "ModelFamily", slugs: Sequence[str] | None) -> "list[Segment]":
    """The family's segments of these slugs, each once; None is all that it serves, without the places of a fallback
    order. Raises Invalid naming the unknown ones.
    """
    known = {segment.slug: segment for segment in family.dimension.segments.all()}
    served = [slug for slug, segment in known.items() if not segment.is_fallback]
    wanted = served if slugs is None else list(dict.fromkeys(slugs))
    unknown = [slug for slug in wanted if slug not in known]
    if unknown:
        named = ", ".join(repr(slug[:64]) for slug in unknown[:NAMED_AT_MOST])
        more = f" and {len(unknown) - NAMED_AT_MOST} more" if len(unknown) > NAMED_AT_MOST else ""
        raise Invalid(f"{family} has no segment {named}{more}. Take them out, or check the spelling.", field="segments")
    if not wanted:
        raise Invalid("Choose at least one segment.", field="segments")
    if len(wanted) > settings.RETRAINING_MOST_SEGMENTS:
        raise Invalid(f"A request takes up to {settings.RETRAINING_MOST_SEGMENTS:,} segments.", field="segments")
    return [known[slug] for slug in wanted]
