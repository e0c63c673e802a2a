"""Verbs of imports: models, versions and aliases of another registry, with their names, numbers and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.actions import record
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.registry.actions.freezes import refuse_while_frozen
from apps.registry.actions.models import create_model
from apps.registry.actions.snapshots import want_snapshot
from apps.registry.actions.versions import Origin, create_version
from apps.registry.events import Event
from apps.registry.models import Alias, AliasMove, ModelFamily, ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def import_model(*, actor: User, name: str, description: str, tags: Mapping[str, str], at: datetime) -> RegisteredModel:
    """The model of that name: the one that is here, else a new one that was created at that time."""
    known = RegisteredModel.objects.living().filter(name=name).first()
    if known:
        require(actor, "registry.register", known)
        return known
    made = create_model(actor=actor, name=name, description=description, tags=tags)
    RegisteredModel.objects.filter(pk=made.pk).update(created_at=at)
    return RegisteredModel.objects.get(pk=made.pk)


@transaction.atomic
def import_version(
    *,
    actor: User,
    model: RegisteredModel,
    number: int,
    origin: Origin,
    description: str,
    tags: Mapping[str, str],
    status: str,
    at: datetime,
) -> ModelVersion:
    """A version of kind imported under its own number. Raises Conflict for one that was given out here already, or
    before a later one: numbers have one order.
    """
    require(actor, "registry.register", model)
    locked = RegisteredModel.objects.select_for_update(no_key=True, of=("self",)).get(pk=model.pk)
    if locked.last_number >= number:
        raise Conflict(f"{model} has given out v{locked.last_number} already, so v{number} can not come now.")
    RegisteredModel.objects.filter(pk=locked.pk).update(last_number=number - 1)
    return create_version(
        actor=actor,
        model=model,
        origin=origin,
        description=description,
        tags=tags,
        kind=ModelVersion.Kind.IMPORTED,
        status=status,
        at=at,
    )


@transaction.atomic
def import_alias(*, actor: User, version: ModelVersion, alias: str, reason: str) -> AliasMove | None:
    """What a protected alias pointed to where the version comes from: the first move of that alias, and no gate passed.

    None where it points there already. Raises Conflict once the alias has a history here, which only promotion and
    rollback go on with, and for a version that is not imported or not READY with its files.
    """
    family = version.model.its_family
    require(actor, "registry.import_alias", family)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    refuse_while_frozen(family=family)
    if Alias.objects.filter(model=version.model_id, name=alias, version=version).exists():
        return None
    _check_import(version, alias)
    Alias.objects.create(model=version.model, name=alias, version=version)
    words = {alias: version.label, **version.alias_mark}
    record(actor=actor, action=Event.ALIAS_IMPORTED, target=version, after=words, note=reason)
    want_snapshot(family=family)
    kind = AliasMove.Kind.IMPORTED
    return AliasMove.objects.create(model=version.model, name=alias, after=version, kind=kind, by=actor, reason=reason)


def _check_import(version: ModelVersion, alias: str) -> None:
    if AliasMove.objects.filter(model=version.model_id, name=alias).exists():
        raise Conflict(f"{version.model} has had a {alias} here already; from now on it moves only by promotion.")
    if version.kind != ModelVersion.Kind.IMPORTED:
        raise Conflict(f"{version} was not imported; propose its promotion instead.")
    if version.status != ModelVersion.Status.READY or version.tree_id is None:
        raise Conflict(f"The files of {version} are not here, so nothing could be served. {version.status_message}")
