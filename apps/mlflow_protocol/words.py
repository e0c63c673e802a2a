"""Small words of the protocol: times in milliseconds, tags as pairs, numbers that JSON has no word for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from apps.core.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class Pair(Protocol):
    key: str
    value: str


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - EPOCH) // MILLISECOND


def from_ms(milliseconds: float, *, field: str) -> datetime:
    """Raises Invalid for a time that no calendar has."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError) as error:
        raise Invalid(f"{field} is no time in milliseconds since 1970: {milliseconds}.", field=field) from error


def number(value: float) -> float | str:
    """protobuf's words for what is not finite."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def pairs(rows: Iterable[Pair]) -> list[dict[str, str]]:
    return [{"key": row.key, "value": row.value} for row in rows]


def by_key(sent: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Of a key that is sent twice the last value counts."""
    return {pair["key"]: pair["value"] for pair in sent}


def without_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    """protobuf leaves out what is not set, and lists that are empty."""
    return {name: value for name, value in body.items() if value is not None and value != "" and value != []}
