"""Bodies of requests, with names replaced by what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.accounts.signed_in import person
from apps.catalog.references import resolved

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.serializers import BaseSerializer


def sent(shape: type[BaseSerializer[object]], request: Request) -> dict[str, Any]:
    """The body's values. Raises ValidationError or Invalid by field."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return resolved(person(request), body.validated_data)
