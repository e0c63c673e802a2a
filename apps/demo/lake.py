"""The demo company's data: one small file of trips per month and destination, one of days per destination.

    lake/month=2013-07/segment=atlanta.csv      day,hour,origin,carrier,…,air_time_min
    demand/segment=atlanta.csv                  day,scheduled,cancelled,arrived,…,wind_mph

Only what is *labelled* is there: `reveal` and `reveal_demand` add what happened up to a day, so that training and
evaluation see what the company would have known then. A training script reads a few files of about 100 rows.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DATA = Path(__file__).parent / "data"
YEAR = 2013  # the trips carry month and day; all of them were flown in this year
COLUMNS = (
    "day",
    "hour",
    "origin",
    "carrier",
    "distance_mi",
    "dep_delay_min",
    "temp_f",
    "wind_mph",
    "precip_in",
    "visibility_mi",
    "air_time_min",
    "arr_delay_min",
)
DEMAND_COLUMNS = ("day", "scheduled", "cancelled", "arrived", "late15", "temp_f", "precip_in", "wind_mph")


@dataclass(frozen=True)
class Destination:
    """A segment of the demo: where real flights went."""

    slug: str
    city: str
    region: str
    airport: str
    latitude: float
    longitude: float


def destinations() -> list[Destination]:
    """The 81 destinations, the busiest first."""
    with (DATA / "eta_segments.csv").open(newline="", encoding="utf-8") as lines:
        return [_destination(row) for row in csv.DictReader(lines)]


def reveal(lake: Path, until: date) -> int:
    """Writes the trips up to and including `until`; returns how many files changed.

    What is revealed stays revealed: an earlier `until` removes nothing, and the same one changes nothing.
    """
    return sum(_grow(lake / name, text) for name, text in _partitions(until).items())


def reveal_demand(folder: Path, until: date) -> int:
    """The same for the flights of each day: one file per destination, with every day from 1 January on."""
    return sum(_grow(folder / name, text) for name, text in _daily_files(until).items())


def labelled_until(lake: Path) -> date | None:
    """The newest day with trips, or None when nothing is revealed."""
    months = sorted(lake.glob("month=*"))
    if not months:
        return None
    return max(date.fromisoformat(_last_day(file)) for file in months[-1].glob("segment=*.csv"))


def _destination(row: dict[str, str]) -> Destination:
    place = (row["slug"], row["city"], row["region"], row["airport"])
    return Destination(*place, latitude=float(row["latitude"]), longitude=float(row["longitude"]))


def _partitions(until: date) -> dict[str, str]:
    """Relative file name → the whole text of the file, rows in the order of days."""
    rows: dict[str, list[str]] = defaultdict(list)
    for slug, trip in _trips():
        if trip["day"] <= until.isoformat():
            rows[f"month={trip['day'][:7]}/segment={slug}.csv"].append(",".join(trip[c] for c in COLUMNS))
    header = ",".join(COLUMNS)
    return {name: "\n".join([header, *sorted(lines), ""]) for name, lines in rows.items()}


def _daily_files(until: date) -> dict[str, str]:
    rows: dict[str, list[str]] = defaultdict(list)
    for slug, day in _days():
        if day["day"] <= until.isoformat():
            rows[f"segment={slug}.csv"].append(",".join(day[c] for c in DEMAND_COLUMNS))
    return {name: "\n".join([",".join(DEMAND_COLUMNS), *sorted(lines), ""]) for name, lines in rows.items()}


def _days() -> Iterator[tuple[str, dict[str, str]]]:
    slugs = _slugs()
    with gzip.open(DATA / "demand_by_city_daily.csv.gz", "rt", newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            yield slugs[row["segment"]], row | {"day": row["date"]}


def _trips() -> Iterator[tuple[str, dict[str, str]]]:
    slugs = _slugs()
    with gzip.open(DATA / "eta_by_city.csv.gz", "rt", newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            row["day"] = date(YEAR, int(row["month"]), int(row["day"])).isoformat()
            yield slugs[row["segment"]], row


def _slugs() -> dict[str, str]:
    """The portal's name of each destination by the airport's code in the files."""
    with (DATA / "eta_segments.csv").open(newline="", encoding="utf-8") as lines:
        return {row["segment"]: row["slug"] for row in csv.DictReader(lines)}


def _grow(file: Path, text: str) -> bool:
    if file.exists() and file.stat().st_size >= len(text.encode()):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)  # a script that reads meanwhile sees the old file or the new one, never half of one
    return True


def _last_day(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip().rsplit("\n", 1)[-1][:10]
