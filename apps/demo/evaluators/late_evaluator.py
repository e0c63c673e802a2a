"""Scores models of *Late arrivals*: AUC, how often a late trip had been given a higher risk than a punctual one.

AUC is no mean over trips, but it is one over their *placements*: a late trip's is the share of punctual ones ranked
below it, a punctual trip's the share of late ones above it. Each trip's score is AUC plus its placement's distance from
it, weighted so that the mean of all is AUC and the variance of that mean is DeLong's (Biometrics 44, 1988). Summed by
day they are what the portal draws again.

Models are shown what is known hours before departure: not the delay of the departure.
"""

import os
import sys
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, os.environ["PORTAL_INPUTS"])
import scoring

NUMBERS = ["hour", "temp_f", "wind_mph", "precip_in", "visibility_mi"]
CATEGORIES = ["origin", "carrier"]
INPUTS = NUMBERS + CATEGORIES
TARGET = "arr_delay_min"
LATE_MINUTES = 15
BASELINE_MONTHS = 3


def trips(segment: str, first: date, last: date) -> scoring.Window:
    months = [f"month={month}/segment={segment}.csv" for month in pd.period_range(first, last, freq="M")]
    lines = scoring.read_days([scoring.DATA / name for name in months], first, last)
    rows = scoring.table_of(lines, text=CATEGORIES)
    usable = rows.dropna(subset=[*INPUTS, TARGET]) if lines else rows
    return scoring.window(lines, usable, segment=segment, first=first, last=last)


def late(trips: pd.DataFrame) -> pd.Series:
    return trips[TARGET] > LATE_MINUTES


def tells_apart(window: scoring.Window) -> None:
    if late(window.rows).nunique() < 2:
        trips = f"The trips of {window.segment} were all late or all punctual"
        raise scoring.Refused(f"{trips}: there is nothing to tell apart.")


def ranked(risk: Any, window: scoring.Window) -> Any:
    return placements(risk, late(window.rows).to_numpy())


def placements(risk: Any, is_late: np.ndarray) -> Any:
    """One score for each trip, whose mean is AUC; NaN everywhere where there is no risk to rank by."""
    if np.isnan(risk).any():
        return np.nan
    lates, others = risk[is_late], risk[~is_late]
    above = (lates[:, None] > others) + 0.5 * (lates[:, None] == others)
    auc = above.mean()
    scores = np.full(len(risk), auc)
    scores[is_late] += (above.mean(axis=1) - auc) * len(risk) / len(lates)
    scores[~is_late] += (above.mean(axis=0) - auc) * len(risk) / len(others)
    return scores


def usual_share(window: scoring.Window) -> Any:
    """How many trips of that hour were late in the months before the window; NaN when there was no trip."""
    begin = (pd.Timestamp(window.first) - pd.DateOffset(months=BASELINE_MONTHS)).date()
    before = trips(window.segment, begin, window.first - timedelta(days=1)).rows
    if before.empty:
        return np.full(len(window.rows), np.nan)
    shares = late(before).groupby(before["hour"]).mean()
    return window.rows["hour"].map(shares).fillna(late(before).mean()).to_numpy()


BASELINES = {"usual-share-of-the-hour": usual_share}

if __name__ == "__main__":
    scoring.run(read=trips, inputs=INPUTS, score=ranked, baselines=BASELINES, check=tells_apart)
