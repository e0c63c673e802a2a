"""What a model per city, a shared one and the plain median miss: by the demo's own training code, on its trips."""

import os
import runpy
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from tests.demo.company import PIPELINES

MIN_ROWS = 60
Script = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """Mean minutes missed in a city and month."""

    own: float
    shared: float
    baseline: float


def by_hand(code: str, lake: Path, city: str, month: int) -> Seen | None:
    """Trained on the three months before; None for a city that has too few trips then, or none in the month."""
    past, now = _before(code, lake, city, month), _trips(code, lake, city, *_days(month))
    if len(past) < MIN_ROWS or now.empty:
        return None
    actual = now["air_time_min"]
    answers = (_fitted(code, past).predict(now), _shared(code, lake, month).predict(now), past["air_time_min"].median())
    return Seen(*(float((answer - actual).abs().mean()) for answer in answers))


def _before(code: str, lake: Path, city: str, month: int) -> pd.DataFrame:
    return _trips(code, lake, city, *_script(code)["window"](str(date(2013, month, 1)), 3))


def _trips(code: str, lake: Path, city: str, first: date, last: date) -> pd.DataFrame:
    """As the script itself reads them."""
    os.environ.update({"PORTAL_DATA": str(lake), "PORTAL_SEGMENT": city})
    known = _script(code)
    trips: pd.DataFrame = known["usable"](known["window_lines"](first, last), known["DEFAULTS"]["features"])
    return trips


@cache
def _script(code: str) -> Script:
    """What a training script defines, without running it."""
    return runpy.run_path(str(PIPELINES / code))


@cache
def _shared(code: str, lake: Path, month: int) -> Any:
    return _fitted(code, _before(code, lake, "global", month))


def _fitted(code: str, trips: pd.DataFrame) -> Any:
    with threadpool_limits(1):
        return _script(code)["fit"](trips, _script(code)["DEFAULTS"])


def _days(month: int) -> tuple[date, date]:
    return date(2013, month, 1), date(2013, month, monthrange(2013, month)[1])
