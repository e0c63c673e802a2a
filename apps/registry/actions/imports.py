"""Verbs of imports: models and versions of another registry, with their names, numbers and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.registry.actions.models import create_model
from apps.registry.actions.versions import Origin, create_version
from apps.registry.models import ModelVersion, RegisteredModel

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
) -> ModelVersion | None:
    """A version of kind imported under its own number; None where there is one already. Raises Conflict for a number
    that was given out here after it: numbers have one order.
    """
    require(actor, "registry.register", model)
    locked = RegisteredModel.objects.select_for_update(no_key=True, of=("self",)).get(pk=model.pk)
    if ModelVersion.objects.filter(model=locked, number=number).exists():
        return None
    if locked.last_number >= number:
        raise Conflict(f"{model} has given out v{locked.last_number} already, so v{number} can not come after it.")
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
