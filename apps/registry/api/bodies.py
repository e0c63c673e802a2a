"""What is common to the bodies of the registry's requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.accounts.signed_in import person
from apps.registry import queries
from apps.registry.models import ModelFamily, ModelVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_framework.request import Request
    from rest_framework.serializers import Serializer

NAME = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
NUMBER = "[0-9]{1,18}"


def read(shape: type[Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """The request's body in that shape. Raises DRF's ValidationError, which becomes errors by field."""
    wanted = shape(data=request.data)
    wanted.is_valid(raise_exception=True)
    return wanted.validated_data


def chosen(request: Request, body: Mapping[str, Any]) -> tuple[ModelFamily, list[ModelVersion]]:
    """The family and versions that a body names by slug and ids."""
    family = queries.family(actor=person(request), slug=body["family"])
    return family, queries.versions_by_id(actor=person(request), ids=body["versions"])
