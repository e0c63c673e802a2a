"""What was sent, in the shape that an address asks for."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import Serializer


def checked(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    wanted = shape(data=request.data)
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)
