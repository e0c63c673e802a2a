"""The frozen plan of a request: everything its runs need, copied when it was sent; pure."""

import hashlib
import json
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True)
class Window:
    """First and last day that a version is trained on; None where the pipeline does not say."""

    first: date | None = None
    last: date | None = None


def digest_of(plan: Mapping[str, Any]) -> str:
    """sha256 of the plan in one canonical spelling, 64 hex digits."""
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def training_window(names: Mapping[str, str], parameters: Mapping[str, Any]) -> Window:
    """`names` says which parameters hold the window: `{"as_of": …, "months": …}`, or `{"first": …, "last": …}`.

    Training reaches from `months` before `as_of` to the day before it. What can not be read is None: the leakage
    gate then refuses, rather than believe.
    """
    if "as_of" in names:
        as_of = _day(parameters.get(names["as_of"]))
        months = parameters.get(names.get("months", ""))
        return _before(as_of, months) if as_of else Window()
    return Window(_day(parameters.get(names.get("first", ""))), _day(parameters.get(names.get("last", ""))))


def _before(as_of: date, months: object) -> Window:
    last = as_of - timedelta(days=1)
    if not isinstance(months, int) or months < 1:
        return Window(None, last)
    return Window(_months_back(as_of, months), last)


def _months_back(day: date, months: int) -> date | None:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
