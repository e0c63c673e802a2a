"""Columns of secrets: what lies in one is sealed by the keyring, and changing the key finds every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from apps.core.errors import Unavailable
from apps.core.keyring import reseal


class SealedField(models.TextField):
    """A secret as `keyring.seal` wrote it; empty where there is none. In the database it is a text."""

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


@dataclass(frozen=True)
class Resealed:
    """How many secrets are under the first key now, and a sentence for each that no key opens."""

    done: int
    lost: tuple[str, ...]


def reseal_all() -> Resealed:
    """Every secret of every table under the first key of the ring."""
    done, lost = 0, []
    for field, pk, sealed in _stored():
        try:
            # Only if it still is the one that was read: somebody may be entering a new one.
            rows = field.model._base_manager.filter(pk=pk, **{field.name: sealed})
            done += rows.update(**{field.name: reseal(sealed)})
        except Unavailable:
            lost.append(f"No key of ENCRYPTION_KEYS opens the secret of {field.model._meta.verbose_name} {pk}.")
    return Resealed(done, tuple(lost))


def sealed_fields() -> list[SealedField]:
    """Those of every model."""
    fields = [field for model in apps.get_models() for field in model._meta.local_fields]
    return [field for field in fields if isinstance(field, SealedField)]


def _stored() -> Iterator[tuple[SealedField, Any, str]]:
    for field in sealed_fields():
        for pk, sealed in field.model._base_manager.exclude(**{field.name: ""}).values_list("pk", field.name):
            yield field, pk, sealed
