"""Verbs of versions: what training made is registered once, numbered without gaps, and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from apps.artifacts.actions import seal
from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.prepared import prepared
from apps.core.transitions import move
from apps.registry import names
from apps.registry.actions.aliases import delete_alias, guard_deletion, guard_stage, refuse_if_protected
from apps.registry.actions.models import refuse_while_promoted
from apps.registry.contents import described
from apps.registry.events import Event
from apps.registry.models import ModelFamily, ModelVersion, Promotion, RegisteredModel, Segment, Stage
from apps.registry.models.version import LONGEST_LOGGED_MODEL, LONGEST_REASON, LONGEST_RUN_REF, SOURCE_LENGTH
from apps.registry.moments import this_moment
from apps.registry.queries.consumption import unused_versions

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.artifacts.models import Tree
    from apps.tracking.models import Run

TAKE_NUMBER = """
UPDATE registry_registeredmodel SET last_number = last_number + 1, updated_at = %s
WHERE id = %s AND deleted_at IS NULL RETURNING last_number
"""


@dataclass(frozen=True)
class Origin:
    """Where a version comes from: an opaque source, the run and logged model as the client named them, and what
    training reported. `tree` is sealed by registering; None where the files are elsewhere: at `location`, or else at
    the source.
    """

    source: str
    tree: Tree | None = None
    location: str = ""
    run: Run | None = None
    run_ref: str = ""
    run_link: str = ""
    logged_model: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()


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
    model = _locked_model(actor, family, segment)
    known = ModelVersion.objects.filter(origin=origin).first() if origin else None
    if known:
        return known
    number, now = _next_number(model)
    version = ModelVersion(
        model=model,
        number=number,
        status=ModelVersion.Status.READY,
        kind=kind,
        run=run,
        run_ref=run.pk if run else "",
        source=f"runs:/{run.pk}" if run else "",
        trained_from=trained_from,
        trained_through=trained_through,
        parameters=dict(parameters),
        pipeline=pipeline,
        origin=origin,
        created_by=actor,
        created_at=at or now,
        updated_at=at or now,
    )
    _keep_files(version, tree)
    version.save(force_insert=True)
    record(actor=actor, action=Event.VERSION_REGISTERED, target=version, after=_words_of(version), at=at)
    return version


@transaction.atomic
def create_version(
    *,
    actor: User,
    model: RegisteredModel,
    origin: Origin,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    kind: str = ModelVersion.Kind.TRAINED,
    status: str = ModelVersion.Status.READY,
    at: datetime | None = None,
) -> ModelVersion:
    """The next version of any model, as a client registers it. READY seals its files; PENDING_REGISTRATION waits for
    `finish_registration`. Raises Invalid for a text or tag that can not be.
    """
    require(actor, "registry.register", model)
    _check_origin(origin)
    texts = names.check_tags(tags or {}), names.check_text("description", description, names.LONGEST_DESCRIPTION)
    number, now = _next_number(model)
    version = ModelVersion(
        model=model,
        number=number,
        status=status,
        kind=kind,
        run=origin.run,
        run_ref=origin.run_ref,
        run_link=origin.run_link,
        logged_model=origin.logged_model,
        source=origin.source,
        location="" if origin.tree else origin.location or origin.source,
        reported_params=dict(origin.params),
        reported_metrics=list(origin.metrics),
        created_by=actor,
        created_at=at or now,
        updated_at=at or now,
        tags=texts[0],
        description=texts[1],
    )
    _keep_files(version, origin.tree)
    version.save(force_insert=True)
    record(actor=actor, action=Event.VERSION_REGISTERED, target=version, after=_words_of(version), at=at)
    return version


@transaction.atomic
def finish_registration(
    *,
    actor: User,
    version: ModelVersion,
    tree: Tree,
    params: Mapping[str, str] | None = None,
    metrics: Sequence[Mapping[str, Any]] = (),
    run_ref: str = "",
) -> ModelVersion:
    """The files have arrived, with what training reported where they come from: they are sealed and the version is
    READY. Raises Conflict if it does not wait.
    """
    require(actor, "registry.register", version.model)
    sealed = seal(tree=tree)
    files: dict[str, Any] = {"tree": sealed, "digest": sealed.digest, **described(sealed)}
    if params or metrics:
        files |= {"reported_params": dict(params or {}), "reported_metrics": list(metrics)}
    if run_ref and not version.run_ref:
        files |= {"run_ref": run_ref}
    move(version, ModelVersion.Status.READY, updated_at=this_moment(), **files)
    record(actor=actor, action=Event.REGISTRATION_FINISHED, target=version, after=_words_of(version))
    return version


@transaction.atomic
def fail_registration(*, actor: User, version: ModelVersion, reason: str) -> ModelVersion:
    """The files did not arrive; the reason is a sentence that the client shows."""
    require(actor, "registry.register", version.model)
    said = reason[:LONGEST_REASON]
    move(version, ModelVersion.Status.FAILED_REGISTRATION, status_message=said, updated_at=this_moment())
    record(actor=actor, action=Event.REGISTRATION_FAILED, target=version, note=said)
    return version


@transaction.atomic
def describe_version(*, actor: User, version: ModelVersion, description: str) -> ModelVersion:
    require(actor, "registry.register", version.model)
    if len(description) > names.LONGEST_DESCRIPTION:
        raise Invalid(f"A description has at most {names.LONGEST_DESCRIPTION} characters.", field="description")
    names.check_text("description", description, names.LONGEST_DESCRIPTION)
    before, version.description, version.updated_at = version.description, description, this_moment()
    version.save(update_fields=["description", "updated_at"])
    words = {"description": before}, {"description": description}
    record(actor=actor, action=Event.VERSION_DESCRIBED, target=version, before=words[0], after=words[1])
    return version


@transaction.atomic
def tag_version(*, actor: User, version: ModelVersion, key: str, value: str) -> None:
    """Sets a tag, whatever it was."""
    require(actor, "registry.register", version.model)
    names.check_tags({key: value})
    locked = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    before = locked.tags.get(key)
    version.tags = names.check_number_of_tags({**locked.tags, key: value})
    version.save(update_fields=["tags"])
    words = {"key": key, "value": before}, {**_named(version), "key": key, "value": value}
    record(actor=actor, action=Event.VERSION_TAGGED, target=version, before=words[0], after=words[1])


@transaction.atomic
def untag_version(*, actor: User, version: ModelVersion, key: str) -> None:
    """Removes a tag; one that is not there is no error."""
    require(actor, "registry.register", version.model)
    names.check_key(key)
    locked = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if key not in locked.tags:
        return
    value = locked.tags.pop(key)
    version.tags = locked.tags
    version.save(update_fields=["tags"])
    words = {"key": key, "value": value}, {**_named(version), "key": key}
    record(actor=actor, action=Event.VERSION_UNTAGGED, target=version, before=words[0], after=words[1])


def move_stage(*, actor: User, version: ModelVersion, stage: str, archive_others: bool) -> ModelVersion:
    """MLflow's stage; `archive_others` moves whoever else is in it to Archived at the same moment.

    Raises Denied for a way round the family's protected aliases.
    """
    guard_stage(actor=actor, version=version, stage=stage)
    return _move_stage(actor=actor, version=version, stage=stage, archive_others=archive_others)


@transaction.atomic
def _move_stage(*, actor: User, version: ModelVersion, stage: str, archive_others: bool) -> ModelVersion:
    require(actor, "registry.register", version.model)
    now = this_moment()
    if archive_others:
        others = version.model.versions.filter(stage=stage, deleted_at=None).exclude(pk=version.pk)
        others.update(stage=Stage.ARCHIVED, updated_at=now)
    before, version.stage, version.updated_at = version.stage, stage, now
    version.save(update_fields=["stage", "updated_at"])
    _touch(version.model, now)
    words = {"stage": before}, {**_named(version), "stage": stage, "archived_others": archive_others}
    record(actor=actor, action=Event.STAGE_MOVED, target=version, before=words[0], after=words[1])
    return version


def delete_version(*, actor: User, version: ModelVersion) -> None:
    """Nobody finds it any more; its aliases go; row, files and history stay, and its number is not used again.

    Raises Denied for what a protected alias points to, Conflict while somebody is asked to promote it.
    """
    guard_deletion(actor=actor, target=version)
    _delete_version(actor=actor, version=version)


@transaction.atomic
def delete_unused(*, actor: User, family: ModelFamily, versions: Sequence[int], days: int) -> None:
    """Deletes these versions of those that nobody has used for so many days, all or none.

    Raises Conflict naming one that is used meanwhile, so that what is deleted is what was looked at.
    """
    require(actor, "registry.register", family)
    ModelFamily.objects.locked().get(pk=family.pk)
    unused = unused_versions(family, days=days).in_bulk(list(versions))
    if absent := [pk for pk in versions if pk not in unused]:
        used = ModelVersion.objects.living().filter(pk__in=absent, model__family=family).select_related("model").first()
        raise Conflict(
            f"{used or 'One of them'} is used or gone meanwhile; nothing was deleted. Look at the list again."
        )
    for version in unused.values():
        _delete_version(actor=actor, version=version)


@transaction.atomic
def _delete_version(*, actor: User, version: ModelVersion) -> None:
    require(actor, "registry.register", version.model)
    refuse_if_protected(target=version)
    refuse_while_promoted(open_one=version.promotions.filter(status=Promotion.Status.PROPOSED).first())
    for alias in version.aliases.values_list("name", flat=True):
        delete_alias(actor=actor, model=version.model, alias=alias)
    now = this_moment()
    if not ModelVersion.objects.filter(pk=version.pk, deleted_at=None).update(deleted_at=now, updated_at=now):
        raise Conflict(f"{version} was deleted meanwhile.")
    _touch(version.model, now)
    record(actor=actor, action=Event.VERSION_DELETED, target=version, before=_named(version))


def _locked_model(actor: User, family: ModelFamily, segment: Segment) -> RegisteredModel:
    """The segment's model, made when it is its first version; its row is locked, so that numbers have an order."""
    if segment.dimension_id != family.dimension_id:
        raise Invalid(f"{segment} is no segment of {family}.", field="segment")
    fresh = {"name": f"{family.slug}.{segment.slug}", "created_by": actor}
    RegisteredModel.objects.get_or_create(family=family, segment=segment, deleted_at=None, defaults=fresh)
    locked = RegisteredModel.objects.living().select_for_update(no_key=True, of=("self",))
    return locked.select_related("family__team", "segment").get(family=family, segment=segment)


def _next_number(model: RegisteredModel) -> tuple[int, datetime]:
    """One statement that also locks the model's row, so that numbers are handed out one after the other."""
    now = this_moment()
    with connection.cursor() as cursor:
        cursor.execute(*prepared(TAKE_NUMBER, [now, model.pk]))
        taken = cursor.fetchone()
    if taken is None:
        raise Conflict(f"{model} was deleted meanwhile.")
    return taken[0], now


def _touch(model: RegisteredModel, now: datetime) -> None:
    RegisteredModel.objects.filter(pk=model.pk).update(updated_at=now)


def _check_origin(origin: Origin) -> None:
    names.check_text("source", origin.source, SOURCE_LENGTH)
    names.check_text("location", origin.location, SOURCE_LENGTH)
    names.check_text("run_link", origin.run_link, SOURCE_LENGTH)
    names.check_text("run_id", origin.run_ref, LONGEST_RUN_REF)
    names.check_text("model_id", origin.logged_model, LONGEST_LOGGED_MODEL)


def _keep_files(version: ModelVersion, tree: Tree | None) -> None:
    if tree is not None and version.status == ModelVersion.Status.READY:
        version.tree = seal(tree=tree)
        version.digest = version.tree.digest
        for name, said in described(version.tree).items():
            setattr(version, name, said)


def _named(version: ModelVersion) -> dict[str, Any]:
    return {"name": version.model.name, **version.model.prompt_mark, "version": str(version.number)}


def _words_of(version: ModelVersion) -> dict[str, Any]:
    return {
        **_named(version),
        "source": version.source,
        "run_id": version.run_ref,
        "tags": version.tags,
        "description": version.description,
        "kind": version.kind,
        "digest": version.digest,
        "pipeline": version.pipeline,
        "trained_from": str(version.trained_from or ""),
        "trained_through": str(version.trained_through or ""),
    }
