"""Numbers as people read them."""

import math
from dataclasses import dataclass

NOTHING = "–"
_STEPS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))


def number(value: float | None) -> str:
    """Two decimals where they matter, thousands apart, a dash for nothing."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    size = abs(value)
    if size >= 1_000 or (size >= 100 and value == round(value)):
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.01 or size == 0 else f"{value:.2g}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return NOTHING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    rounded = round(seconds)
    for size, unit, part, part_unit in _STEPS:
        if rounded >= size:
            whole, rest = divmod(rounded, size)
            return f"{whole} {unit} {rest // part} {part_unit}" if rest // part else f"{whole} {unit}"
    return f"{rounded} s"


@dataclass(frozen=True)
class Delta:
    """A change with its judgement: `tone` ok, bad or idle; `word` better, worse, the same or more, less."""

    arrow: str
    size: str
    tone: str
    word: str


def delta(change: float | None, better: str = "lower") -> Delta | None:
    """The change of a metric, judged by which direction is better (`lower`, `higher`, or "" for neither)."""
    if change is None or not math.isfinite(change):
        return None
    size = number(abs(change))
    if change == 0 or float(size.replace(",", "")) == 0:
        return Delta("=", size, "idle", "the same")
    arrow = "▲" if change > 0 else "▼"
    if better not in ("lower", "higher"):
        return Delta(arrow, size, "idle", "more" if change > 0 else "less")
    good = (change > 0) == (better == "higher")
    return Delta(arrow, size, "ok" if good else "bad", "better" if good else "worse")
