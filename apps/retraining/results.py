"""What a training script wrote about itself, read with suspicion; pure."""

import json
from collections.abc import Mapping
from pathlib import Path

from apps.core.errors import Invalid

METRICS = "metrics.json"
LONGEST = 1_048_576
MOST = 1_000
LONGEST_NAME = 250


def metrics_of(files: Mapping[str, Path]) -> dict[str, float]:
    """The reported metrics by name. Raises Invalid, with a sentence for the run's page, for anything else."""
    if METRICS not in files:
        raise Invalid(
            f"The script ended well but reported nothing: neither with MLflow nor in {METRICS} in PORTAL_OUT "
            "(a DAG: nor as numbers in what its last task returned)."
        )
    if files[METRICS].stat().st_size > LONGEST:
        raise Invalid(f"{METRICS} may have {LONGEST:,} bytes; write larger results into a file of their own.")
    try:
        read = json.loads(files[METRICS].read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{METRICS} is no JSON: {str(error)[:200]}.") from error
    return _checked(read)


def _checked(read: object) -> dict[str, float]:
    if not isinstance(read, dict) or not all(_is_number(value) for value in read.values()):
        raise Invalid(f'{METRICS} has to be one object of names and numbers, such as {{"mae": 6.6}}.')
    if len(read) > MOST:
        raise Invalid(f"{METRICS} may name {MOST:,} metrics and names {len(read):,}.")
    for name in read:
        _check_name(name)
    return {name: _float(value) for name, value in read.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_name(name: str) -> None:
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"{METRICS}: a metric's name needs 1 to {LONGEST_NAME} printable characters.")


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise Invalid(f"{METRICS} holds a number that is too large.") from error
