"""A version's number as clients send it: as text."""

from __future__ import annotations

from apps.core.errors import Invalid

MOST_DIGITS = 20


def number_of(sent: str) -> int:
    """Raises Invalid in MLflow's words."""
    try:
        return int(sent[:MOST_DIGITS])
    except ValueError as error:
        raise Invalid(f"Parameter 'version' must be an integer, got '{sent}'.", field="version") from error
