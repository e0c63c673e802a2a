"""Numbers → SVG geometry, on the server and pure: templates draw it, style sheets colour it.

Widths and heights are in the SVG's own units; y grows downward as in SVG.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.core.figures import number

MIDDLES_SHOWN = 0.9
LETTER = 8.75
"""Width of one in a label, on a phone, where they are larger."""
SHORTEST_LABEL = len("Jul 2013")
Values = Sequence[float | None]
"""A series; None is a gap."""


@dataclass(frozen=True)
class Point:
    x: float
    y: float


@dataclass(frozen=True)
class Scale:
    """A linear map from [low, high] to [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high != self.low else 0.5
        return round(self.start + share * (self.end - self.start), 2)


@dataclass(frozen=True)
class Sparkline:
    """A line without axes: paths of `line` and `area`, and the newest point."""

    width: int
    height: int
    line: str
    area: str
    last: Point | None
    summary: str


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Series:
    name: str
    values: Values


@dataclass(frozen=True)
class Drawn:
    """One series of a chart: its path, its points, and `number` 1-4 for the style."""

    name: str
    number: int
    line: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LineChart:
    """A chart with axes; `rows` (label, then a value per series) is its twin as a table."""

    width: int
    height: int
    left: float
    bottom: float
    series: tuple[Drawn, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    label: str
    value: str


@dataclass(frozen=True)
class BarChart:
    width: int
    height: int
    left: float
    bottom: float
    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Whisker:
    """An interval with its middle, and where zero lies (None if it is out of the picture)."""

    width: int
    height: int
    start: float
    end: float
    mark: float
    zero: float | None
    summary: str
    beyond: str = ""  # "left" or "right" where the middle lies outside the picture


@dataclass(frozen=True)
class Part:
    """A count of a whole; `tone` ok, warn, bad, info, accent or idle."""

    label: str
    count: int
    tone: str


@dataclass(frozen=True)
class Share:
    """A part's place on a bar that is 100 wide."""

    label: str
    count: int
    tone: str
    x: float
    width: float


def sparkline(values: Values, *, width: int = 96, height: int = 24) -> Sparkline:
    """The course of a series at a glance; fewer than two numbers give no line."""
    known = _known(values)
    if not known:
        return Sparkline(width, height, "", "", None, "no values")
    points = _points(values, _steps(len(values), 2, width - 2), _fitted(known, height - 3, 3))
    line = path(points)
    real = [point for point in points if point]
    area = f"{line}L{real[-1].x:g} {height}L{real[0].x:g} {height}Z" if None not in points and len(real) > 1 else ""
    summary = (
        f"from {number(known[0])} to {number(known[-1])}, lowest {number(min(known))}, highest {number(max(known))}"
    )
    return Sparkline(width, height, line, area, real[-1], summary)


def line_chart(
    series: Sequence[Series], labels: Sequence[str], *, width: int = 480, height: int = 200, from_zero: bool = False
) -> LineChart:
    """Up to four series over the same labels. Raises ValueError if a series has another length than the labels."""
    if any(len(one.values) != len(labels) for one in series):
        raise ValueError("Every series needs one value per label.")
    left, bottom = 44.0, height - 24.0
    ticks = _ticks([value for one in series for value in _known(one.values)], from_zero=from_zero)
    y = Scale(ticks[0], ticks[-1], bottom, 10)
    widest = LETTER * max([SHORTEST_LABEL, *map(len, labels)])
    xs = _steps(len(labels), left + 8, width - _half_of_last(labels, most=width / 4))
    shown = _thinned(list(zip(xs, labels, strict=True)), max(1, int((width - left) / widest)))
    return LineChart(
        width, height, left, bottom,
        series=tuple(_draw(one, nth, xs, y) for nth, one in enumerate(series, start=1)),
        x_ticks=tuple(Tick(x, label) for x, label in shown),
        y_ticks=_axis(ticks, y),
        rows=tuple((label, *(number(one.values[nth]) for one in series)) for nth, label in enumerate(labels)),
    )  # fmt: skip


def bar_chart(values: Sequence[float], labels: Sequence[str], *, width: int = 640, height: int = 180) -> BarChart:
    """Bars from zero; negative values hang below it."""
    left, bottom = 44.0, height - 24.0
    ticks = _ticks(values, from_zero=True)
    y = Scale(ticks[0], ticks[-1], bottom, 10)
    step = (width - left - 8) / max(len(values), 1)
    bars = tuple(
        _bar(left + 4 + nth * step, step, y, value, label)
        for nth, (value, label) in enumerate(zip(values, labels, strict=True))
    )
    middles = _thinned([(round(bar.x + bar.width / 2, 2), bar.label) for bar in bars])
    x_ticks = tuple(Tick(x, label) for x, label in middles)
    return BarChart(width, height, left, bottom, bars, x_ticks, _axis(ticks, y))


def whisker(lower: float, upper: float, value: float, *, reach: float, width: int = 120, height: int = 16) -> Whisker:
    """An interval on an axis from -reach to +reach, the same for all rows of a table; what is beyond is cut off."""
    x = Scale(-reach, reach, 2, width - 2)
    start, end, mark = (x(max(-reach, min(reach, at))) for at in (lower, upper, value))
    summary = f"{number(value)}, between {number(lower)} and {number(upper)}"
    beyond = "right" if value > reach else "left" if value < -reach else ""
    return Whisker(width, height, start, end, mark, x(0), summary, beyond)


def common_reach(intervals: Iterable[tuple[float | None, float | None, float | None]]) -> float:
    """One reach for (lower, middle, upper) of a table: nine middles of ten fit, the few far ones end in an arrow."""
    middles = sorted(abs(middle) for lower, middle, upper in intervals if None not in (lower, upper) and middle)
    return 1.1 * middles[math.ceil(len(middles) * MIDDLES_SHOWN) - 1] if middles else 1.0


def shares(parts: Sequence[Part]) -> tuple[Share, ...]:
    """The parts of a whole side by side on a bar 100 wide; empty parts are left out."""
    whole = sum(part.count for part in parts)
    drawn: list[Share] = []
    at = 0.0
    for part in parts:
        if part.count:
            width = 100 * part.count / whole
            drawn.append(Share(part.label, part.count, part.tone, round(at, 3), round(width, 3)))
            at += width
    return tuple(drawn)


def path(points: Sequence[Point | None]) -> str:
    """An SVG path; a None lifts the pen."""
    words: list[str] = []
    down = False
    for point in points:
        if point is not None:
            words.append(f"{'L' if down else 'M'}{point.x:g} {point.y:g}")
        down = point is not None
    return "".join(words)


def _draw(one: Series, nth: int, xs: Sequence[float], y: Scale) -> Drawn:
    points = _points(one.values, xs, y)
    return Drawn(one.name, nth, path(points), tuple(point for point in points if point))


def _bar(x: float, step: float, y: Scale, value: float, label: str) -> Bar:
    top, foot = sorted((y(value), y(0)))
    return Bar(round(x + step * 0.15, 2), top, round(step * 0.7, 2), round(foot - top, 2), label, number(value))


def _known(values: Values) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _points(values: Values, xs: Sequence[float], y: Scale) -> list[Point | None]:
    pairs = zip(xs, values, strict=True)
    return [Point(x, y(value)) if value is not None and math.isfinite(value) else None for x, value in pairs]


def _steps(count: int, start: float, end: float) -> list[float]:
    """`count` places from start to end; a single one lies in the middle."""
    if count == 1:
        return [(start + end) / 2]
    return [round(start + (end - start) * nth / max(count - 1, 1), 2) for nth in range(count)]


def _half_of_last(labels: Sequence[str], *, most: float) -> float:
    """Room right of the last point: its label stands below, in the middle."""
    return min(most, max([10.0, *(math.ceil(LETTER * len(label) / 2) for label in labels[-1:])]))


def _fitted(known: Sequence[float], start: float, end: float) -> Scale:
    return Scale(min(known), max(known), start, end)


def _ticks(known: Sequence[float], *, from_zero: bool) -> list[float]:
    """Three to six round numbers around the values."""
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    size = max(abs(low), abs(high), 1e-6)
    if high - low <= 1e-9 * size:  # as good as one value: finer steps would vanish in its digits
        low, high = low - size / 2, high + size / 2
    step = _round_step((high - low) / 4)
    return [nth * step for nth in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _axis(ticks: Sequence[float], y: Scale) -> tuple[Tick, ...]:
    """Ticks with as many decimals as their distance needs, the same for all."""
    step = ticks[1] - ticks[0]
    decimals = next((n for n in range(9) if round(step * 10**n, 6).is_integer()), 9)
    return tuple(Tick(y(tick), f"{tick:,.{decimals}f}") for tick in ticks)


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)


def _thinned(ticks: list[tuple[float, str]], most: int = 8) -> list[tuple[float, str]]:
    """Every n-th label, so that at most `most` stand beside each other."""
    return ticks[:: math.ceil(len(ticks) / most)] if ticks else []
