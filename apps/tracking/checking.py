"""What both the portal's own training and MLflow's clients must keep to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from apps.core.errors import Invalid
from apps.tracking.models import LONGEST_KEY, LONGEST_VALUE
from apps.tracking.names import NO_TEXT

if TYPE_CHECKING:
    from apps.tracking.models import Experiment, Run

MOST_KEYS = 1_000


def check_pairs(field: str, pairs: Mapping[str, str]) -> None:
    check_keys(field, pairs)
    for key, value in pairs.items():
        if len(value) > LONGEST_VALUE:
            raise Invalid(
                f"The value of {key!r} has {len(value)} characters; up to {LONGEST_VALUE} fit.",
                field=f"{field}.{key}",
            )
        if NO_TEXT.search(value):
            raise Invalid(f"The value of {key!r} is not text; store it as a file instead.", field=f"{field}.{key}")


def check_keys(field: str, keys: Iterable[str]) -> None:
    keys = list(keys)
    if len(keys) > MOST_KEYS:
        raise Invalid(f"{len(keys)} {field} at once are too many; send up to {MOST_KEYS}.", field=field)
    for key in keys:
        check_key(field, key)


def check_key(field: str, key: str) -> None:
    if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        raise Invalid(f"A name here has 1 to {LONGEST_KEY} printable characters: {key[:60]!a}.", field=field)


def check_active(run: Run) -> None:
    """Raises Invalid for a deleted run."""
    if run.deleted_at:
        raise Invalid(f"The run {run.pk} must be in the 'active' state. Current state is deleted.")


def check_experiment_active(experiment: Experiment) -> None:
    """Raises Invalid for a deleted one."""
    if experiment.deleted_at:
        raise Invalid(f"The experiment {experiment.pk} must be in the 'active' state. Current state is deleted.")
