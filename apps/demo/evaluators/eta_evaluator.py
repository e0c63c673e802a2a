"""Scores models of *Trip ETA*: minutes missed, on average. The baseline is the median of the three months before.

Models are shown what is known at departure. What all evaluators do is in `scoring`, which the portal hands to them.
"""

import os
import sys
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, os.environ["PORTAL_INPUTS"])
import scoring

NUMBERS = ["distance_mi", "hour", "dep_delay_min", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
CATEGORIES = ["origin", "carrier"]
INPUTS = NUMBERS + CATEGORIES
TARGET = "air_time_min"
BASELINE_MONTHS = 3
EVERYWHERE = "global"


def trips(segment: str, first: date, last: date) -> scoring.Window:
    """Of the segment; those of every destination for `global`, the one model for all."""
    name = f"segment={'*' if segment == EVERYWHERE else segment}.csv"
    months = [scoring.DATA / f"month={month}" for month in pd.period_range(first, last, freq="M")]
    lines = scoring.read_days([file for month in months for file in sorted(month.glob(name))], first, last)
    rows = scoring.table_of(lines, text=CATEGORIES)
    usable = rows.dropna(subset=[*INPUTS, TARGET]) if lines else rows
    return scoring.window(lines, usable, segment=segment, first=first, last=last)


def missed(minutes: Any, window: scoring.Window) -> Any:
    return np.abs(minutes - window.rows[TARGET].to_numpy())


def usual_minutes(window: scoring.Window) -> Any:
    """The plain median of the months before the window; NaN when there was no trip."""
    begin = (pd.Timestamp(window.first) - pd.DateOffset(months=BASELINE_MONTHS)).date()
    before = trips(window.segment, begin, window.first - timedelta(days=1)).rows
    return np.full(len(window.rows), np.nan if before.empty else float(before[TARGET].median()))


BASELINES = {"median-of-3-months": usual_minutes}

if __name__ == "__main__":
    scoring.run(read=trips, inputs=INPUTS, score=missed, baselines=BASELINES)
