"""Scores models of *Daily demand*: WAPE, all missed flights of the window as a share of all flights.

A row is a day, and its score is the day's miss over the window's flights per day: so the mean of the rows is WAPE, each
day weighs what it missed, and a day without any flight counts what was forecast for it.

Models are shown the days before and the weather of the day, nothing of the day itself.
"""

import os
import sys
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, os.environ["PORTAL_INPUTS"])
import scoring

LAGS = [f"lag_{days}" for days in range(1, 29)]
NUMBERS = [*LAGS, "temp_f", "precip_in", "wind_mph"]
CATEGORIES = ["weekday"]
INPUTS = NUMBERS + CATEGORIES
TARGET = "scheduled"


def days(segment: str, first: date, last: date) -> scoring.Window:
    """Days of which something is missing, and the year's first 28, which have no days before, are left out for all."""
    file = scoring.DATA / f"segment={segment}.csv"
    lines = scoring.read_days([file], first - timedelta(days=len(LAGS)), last)
    rows = with_the_past(scoring.table_of(lines)) if lines else pd.DataFrame()
    usable = rows[rows["day"] >= str(first)].dropna(subset=[*INPUTS, TARGET]) if lines else rows
    return scoring.window(lines, usable, segment=segment, first=first, last=last)


def with_the_past(days: pd.DataFrame) -> pd.DataFrame:
    lags = pd.DataFrame({name: days[TARGET].shift(lag) for lag, name in enumerate(LAGS, start=1)})
    return days.join(lags).assign(weekday=pd.to_datetime(days["day"]).dt.day_name())


def somebody_flew(window: scoring.Window) -> None:
    if not window.rows[TARGET].any():
        flights = f"There was no flight to {window.segment} between {window.first} and {window.last}"
        raise scoring.Refused(f"{flights}: no share can be missed.")


def missed(flights: Any, window: scoring.Window) -> Any:
    """By day, over the window's flights per day; fewer than no flights are none."""
    actual = window.rows[TARGET].to_numpy()
    return np.abs(np.maximum(flights, 0) - actual) / actual.mean()


def last_week(window: scoring.Window) -> Any:
    return window.rows["lag_7"].to_numpy()


def yesterday(window: scoring.Window) -> Any:
    return window.rows["lag_1"].to_numpy()


BASELINES = {"same-weekday-last-week": last_week, "yesterday": yesterday}

if __name__ == "__main__":
    scoring.run(read=days, inputs=INPUTS, score=missed, baselines=BASELINES, check=somebody_flew)
