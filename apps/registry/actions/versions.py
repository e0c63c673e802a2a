"""Verbs of versions: what training made is registered once, numbered without gaps, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from apps.artifacts.actions import seal
from apps.audit.actions import record
from apps.core.errors import Invalid
from apps.core.permissions import require
from apps.registry.events import Event
from apps.registry.models import ModelFamily, ModelVersion, RegisteredModel, Segment

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.artifacts.models import Tree
    from apps.tracking.models import Run

LONGEST_DESCRIPTION = 20_000


@transaction.atomic
def register_version(
    *,
    actor: User,
    family: ModelFamily,
    segment: Segment,
    run: Run | None,
    tree: Tree,
    kind: str,
    trained_from: date | None,
    trained_through: date | None,
    parameters: Mapping[str, Any],
    pipeline: str,
    origin: str | None,
    at: datetime | None = None,
) -> ModelVersion:
    """A READY version with the next number; seals its files. The same `origin` answers the same version.

    Raises Invalid for a segment of another dimension.
    """
    require(actor, "registry.register", family)
    model = _locked_model(family, segment)
    known = ModelVersion.objects.filter(origin=origin).first() if origin else None
    if known:
        return known
    version = ModelVersion(
        model=model,
        number=_next_number(model),
        status=ModelVersion.Status.READY,
        kind=kind,
        run=run,
        tree=tree,
        digest=seal(tree=tree).digest,
        trained_from=trained_from,
        trained_through=trained_through,
        parameters=dict(parameters),
        pipeline=pipeline,
        origin=origin,
        created_by=actor,
    )
    if at is not None:
        version.created_at = at
    version.save(force_insert=True)
    record(actor=actor, action=Event.VERSION_REGISTERED, target=version, after=_words_of(version), at=at)
    return version


@transaction.atomic
def describe_version(*, actor: User, version: ModelVersion, description: str) -> ModelVersion:
    """The one thing about a version that can change."""
    require(actor, "registry.register", version.model.family)
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid(f"A description has at most {LONGEST_DESCRIPTION} characters.", field="description")
    before, version.description = version.description, description
    version.save(update_fields=["description"])
    words = {"description": before}, {"description": description}
    record(actor=actor, action=Event.VERSION_DESCRIBED, target=version, before=words[0], after=words[1])
    return version


def _locked_model(family: ModelFamily, segment: Segment) -> RegisteredModel:
    """The segment's model, made when it is its first version; its row is locked, so that numbers have an order."""
    if segment.dimension_id != family.dimension_id:
        raise Invalid(f"{segment} is no segment of {family}.", field="segment")
    name = f"{family.slug}.{segment.slug}"
    RegisteredModel.objects.get_or_create(family=family, segment=segment, defaults={"name": name})
    locked = RegisteredModel.objects.select_for_update(no_key=True, of=("self",))
    return locked.select_related("family__team", "segment").get(family=family, segment=segment)


def _next_number(model: RegisteredModel) -> int:
    return (model.versions.aggregate(last=Max("number"))["last"] or 0) + 1


def _words_of(version: ModelVersion) -> dict[str, Any]:
    return {
        "kind": version.kind,
        "digest": version.digest,
        "pipeline": version.pipeline,
        "trained_from": str(version.trained_from or ""),
        "trained_through": str(version.trained_through or ""),
    }
