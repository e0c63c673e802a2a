"""What platforms say of the workflows behind pipelines: asked in the background, kept, and followed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog
from django.utils.text import slugify

from apps.accounts.queries import default_team
from apps.core.errors import PortalError
from apps.platforms import queries as platforms
from apps.platforms.base import Workflow
from apps.platforms.calling import NotSignedIn, Stranger
from apps.platforms.outgoing import Refused, Unreachable
from apps.registry import queries as registry
from apps.retraining import actions
from apps.retraining.models import Pipeline

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily

log = structlog.get_logger(__name__)


def look_up(pipeline_id: int) -> None:
    """Asks the platform about one pipeline's workflow. A platform that is away says nothing about it."""
    pipeline = Pipeline.objects.select_related("connection").filter(pk=pipeline_id).first()
    if pipeline is None or pipeline.connection is None:
        return
    try:
        workflow = platforms.platform_of(pipeline.connection).workflow(pipeline.workflow)
    except (Unreachable, NotSignedIn, Stranger, PortalError) as error:
        log.info("retraining.look_up_failed", pipeline=pipeline.slug, error=str(error))
    except Refused as error:
        actions.note_workflow(pipeline=pipeline, workflow=None, problem=str(error))
    else:
        take(pipeline, workflow)


def take(pipeline: Pipeline, workflow: Workflow) -> None:
    """Keeps what was said; where the workflow's own parameters have changed, the form becomes theirs."""
    changed = pipeline.platform_schema is not None and pipeline.platform_schema != workflow.schema
    problem = workflow.problem or _lost_segment(pipeline, workflow.schema)
    if changed and not problem:
        problem = _refreshed(pipeline, workflow)
    actions.note_workflow(pipeline=pipeline, workflow=workflow, problem=problem)


def form_schema(schema: Mapping[str, Any], segment_parameter: str) -> dict[str, Any]:
    """What people are asked: everything but the segment, which the portal fills in."""
    properties = {name: part for name, part in schema.get("properties", {}).items() if name != segment_parameter}
    needed = [name for name in schema.get("required", ()) if name != segment_parameter]
    order = [name for name in schema.get("x-order", properties) if name in properties]
    return {"type": "object", "properties": properties, "required": needed, "x-order": order}


def beginning(*, actor: User, connection: str, workflow: str) -> tuple[str, dict[str, Any]]:
    """Slug and definition of a pipeline of this workflow, to look at and to complete. Asks the platform.

    The segment's parameter is the one that is called like the dimension of a family, else the one that offers some of
    a family's segments; then that family is named, of several the one whose words the workflow says of itself.
    """
    found = platforms.workflow_of(actor=actor, name=connection, workflow=workflow)
    family, parameter = _meant(actor, found)
    team = default_team(actor)
    slug = slugify(found.name.replace("_", "-"))[:64].strip("-") or "my-pipeline"
    said = {
        "name": found.title,
        "description": found.description,
        "team": family.team.slug if family else team.slug if team else "my-team",
        "families": [family.slug] if family else [],
        "connection": connection,
        "workflow": found.name,
        "segment_parameter": parameter,
        "schema": form_schema(found.schema, parameter),
    }
    return slug, said


def _meant(actor: User, workflow: Workflow) -> tuple[ModelFamily | None, str]:
    said = set(slugify(" ".join((workflow.name.replace("_", "-"), workflow.description, *workflow.tags))).split("-"))
    families = list(registry.families(actor).select_related("dimension", "team").order_by("slug"))
    families.sort(key=lambda family: -len(said.intersection(family.slug.split("-"))))
    parts: Any = workflow.schema["properties"]
    called = ((one, one.dimension.slug) for one in families if one.dimension.slug in parts)
    offered = ((one, name) for name, part in parts.items() for one in families if _offers(part, one))
    return next(called, None) or next(offered, (None, ""))


def _offers(part: Mapping[str, Any], family: ModelFamily) -> bool:
    """Whether a parameter's choices, or its default, are segments of the family."""
    words = [word for word in part.get("enum") or [part.get("default")] if isinstance(word, str)]
    return family.dimension.segments.filter(slug__in=words).exists()


def _refreshed(pipeline: Pipeline, workflow: Workflow) -> str:
    """In the name of who defined the pipeline last; the sentence why not, where that can not be."""
    last = pipeline.versions.select_related("defined_by").order_by("-number").first()
    schema = form_schema(workflow.schema, pipeline.segment_parameter)
    try:
        if last is None or last.defined_by is None:
            return "Its parameters have changed there: a platform admin has to save the pipeline anew."
        actions.refresh_form(actor=last.defined_by, pipeline=pipeline, schema=schema)
    except PortalError as error:
        return f"Its parameters have changed there, and the form could not follow: {error.message}"
    return ""


def _lost_segment(pipeline: Pipeline, schema: Mapping[str, Any]) -> str:
    name = pipeline.segment_parameter
    if not name or name in schema.get("properties", {}):
        return ""
    return f"The workflow no longer has the parameter {name!r}, which gets the segment."
