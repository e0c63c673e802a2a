"""Numbers as clients send them: a version's as text, a page's size with its limit."""

from __future__ import annotations

from typing import Any

from apps.core.errors import Invalid
from apps.mlflow_protocol.fields import Field, integer

MOST_DIGITS = 20


def number_of(sent: str) -> int:
    """Raises Invalid in MLflow's words."""
    try:
        return int(sent[:MOST_DIGITS])
    except ValueError as error:
        raise Invalid(f"Parameter 'version' must be an integer, got '{sent}'.", field="version") from error


def page_size(*, default: int, most: int) -> Field:
    """`max_results`; a larger one is refused as MLflow refuses it."""
    plain = integer("max_results")

    def read(value: Any) -> int:
        if plain.read(value) > most:
            raise ValueError
        return int(plain.read(value))

    return Field("max_results", read, default=default)
