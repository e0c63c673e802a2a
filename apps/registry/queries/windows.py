"""Which days an evaluation looks at."""

from datetime import date, timedelta
from typing import NamedTuple

from apps.registry.models import ModelFamily


class Window(NamedTuple):
    """First and last day, both included."""

    first: date
    last: date


def newest_window(family: ModelFamily) -> Window | None:
    """The newest whole month that has labels to its end; None while the family has no labels."""
    if family.labelled_until is None:
        return None
    after = family.labelled_until + timedelta(days=1)
    last = after.replace(day=1) - timedelta(days=1)
    return Window(last.replace(day=1), last)
