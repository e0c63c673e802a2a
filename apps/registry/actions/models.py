"""Verbs of registered models: created, described, tagged, renamed, deleted. Versions have verbs of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from apps.accounts.queries import default_team
from apps.audit.actions import record
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.permissions import require
from apps.registry import names
from apps.registry.actions.aliases import guard_deletion, guard_rename, refuse_if_protected
from apps.registry.events import Event
from apps.registry.models import ModelFamily, ModelVersion, Promotion, RegisteredModel, Segment
from apps.registry.moments import this_moment

if TYPE_CHECKING:
    from apps.accounts.models import User


def create_model(
    *, actor: User, name: str, description: str = "", tags: Mapping[str, str] | None = None
) -> RegisteredModel:
    """`<family>.<segment>` of a known family joins it; any other name stands alone and is the actor's default team's.

    Raises Exists, Invalid for a name that can not be, or for a segment that the family does not have.
    """
    names.check_model_name(name)
    try:
        return _create_model(actor=actor, name=name, description=description, tags=tags or {})
    except IntegrityError as error:
        raise _taken(name) from error


@transaction.atomic
def _create_model(*, actor: User, name: str, description: str, tags: Mapping[str, str]) -> RegisteredModel:
    family, segment = _place(name)
    team = None if family else default_team(actor)
    require(actor, "registry.register" if family else "registry.create_model", family or team)
    model = RegisteredModel(
        name=name,
        family=family,
        segment=segment,
        team=team,
        description=names.check_text("description", description, names.LONGEST_DESCRIPTION),
        tags=names.check_tags(tags),
        created_by=actor,
        created_at=(now := this_moment()),
        updated_at=now,
    )
    model.save(force_insert=True)
    after = {"name": name, "tags": model.tags, "description": description}
    record(actor=actor, action=Event.MODEL_CREATED, target=model, after=after)
    return model


@transaction.atomic
def describe_model(*, actor: User, model: RegisteredModel, description: str) -> RegisteredModel:
    require(actor, "registry.register", model)
    names.check_text("description", description, names.LONGEST_DESCRIPTION)
    before, model.description, model.updated_at = model.description, description, this_moment()
    model.save(update_fields=["description", "updated_at"])
    words = {"description": before}, {"description": description}
    record(actor=actor, action=Event.MODEL_DESCRIBED, target=model, before=words[0], after=words[1])
    return model


@transaction.atomic
def tag_model(*, actor: User, model: RegisteredModel, key: str, value: str) -> None:
    """Sets a tag, whatever it was."""
    require(actor, "registry.register", model)
    names.check_tags({key: value})
    locked = RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
    before = locked.tags.get(key)
    model.tags = names.check_number_of_tags({**locked.tags, key: value})
    model.save(update_fields=["tags"])
    words = {"key": key, "value": before}, {"name": model.name, **model.prompt_mark, "key": key, "value": value}
    record(actor=actor, action=Event.MODEL_TAGGED, target=model, before=words[0], after=words[1])


@transaction.atomic
def untag_model(*, actor: User, model: RegisteredModel, key: str) -> None:
    """Removes a tag; one that is not there is no error."""
    require(actor, "registry.register", model)
    names.check_key(key)
    locked = RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
    if key not in locked.tags:
        return
    value = locked.tags.pop(key)
    model.tags = locked.tags
    model.save(update_fields=["tags"])
    words = {"key": key, "value": value}, {"name": model.name, **model.prompt_mark, "key": key}
    record(actor=actor, action=Event.MODEL_UNTAGGED, target=model, before=words[0], after=words[1])


def rename_model(*, actor: User, model: RegisteredModel, name: str) -> RegisteredModel:
    """Its versions, tags and aliases stay with it. Into a family only with that family's permission; never out of one.

    Raises Exists, Denied for a family's member.
    """
    names.check_model_name(name, field="new_name")
    guard_rename(actor=actor, model=model, name=name)
    return _rename_model(actor=actor, model=model, name=name)


@transaction.atomic
def _rename_model(*, actor: User, model: RegisteredModel, name: str) -> RegisteredModel:
    require(actor, "registry.register", model)
    if name == model.name:
        return model
    family, segment = _place(name)
    if family:
        require(actor, "registry.register", family)
        model.team = None
    before, model.name, model.family, model.segment, model.updated_at = model.name, name, family, segment, this_moment()
    _rename(model)
    words = {"name": before}, {"name": name}
    record(actor=actor, action=Event.MODEL_RENAMED, target=model, before=words[0], after=words[1])
    return model


def delete_model(*, actor: User, model: RegisteredModel) -> None:
    """Nobody finds it and its versions any more; rows and history stay, and the name can be used again.

    Raises Denied where a protected alias points to one of them, Conflict while somebody is asked to promote one.
    """
    guard_deletion(actor=actor, target=model)
    _delete_model(actor=actor, model=model)


@transaction.atomic
def _delete_model(*, actor: User, model: RegisteredModel) -> None:
    require(actor, "registry.register", model)
    refuse_if_protected(target=model)
    refuse_while_promoted(open_one=model.promotions.filter(status=Promotion.Status.PROPOSED).first())
    gone = RegisteredModel.objects.living().filter(pk=model.pk)
    if not gone.update(deleted_at=this_moment()):
        raise Conflict(f"{model} was deleted meanwhile.")
    record(actor=actor, action=Event.MODEL_DELETED, target=model, before={"name": model.name})


def refuse_while_promoted(*, open_one: Promotion | None) -> None:
    """Raises Conflict: what somebody is asked to approve does not vanish."""
    if open_one:
        raise Conflict(f"{open_one} waits for a decision in promotion #{open_one.wave_id}; withdraw that first.")


def _place(name: str) -> tuple[ModelFamily, Segment] | tuple[None, None]:
    """The family and segment that the name speaks of. Raises Invalid for a segment that the family does not have."""
    slug, dot, city = name.partition(".")
    family = ModelFamily.objects.select_related("team").filter(slug=slug).first() if dot else None
    if family is None:
        return None, None
    segment = Segment.objects.filter(dimension=family.dimension_id, slug=city).first()
    if segment is None:
        raise Invalid(
            f"The family {slug!r} has no segment {city!r}; ask a lead of its team to add it, "
            "or choose a name that does not begin with the family's.",
            field="name",
        )
    return family, segment


def _rename(model: RegisteredModel) -> None:
    try:
        with transaction.atomic():
            model.save(update_fields=["name", "family", "segment", "team", "updated_at"])
            ModelVersion.objects.filter(model=model, deleted_at=None).update(updated_at=model.updated_at)
    except IntegrityError as error:
        raise _taken(model.name) from error


def _taken(name: str) -> Exists:
    return Exists(f"Registered Model (name={name}) already exists")
