"""The radar's drawing: blips → geometry, on the server and pure; templates draw it, style sheets colour it.

Four quadrants clockwise as the work flows, four rings from the inside. Units are those of an SVG of SIZE × SIZE.
The same blips always lie in the same places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

SIZE = 1000
CENTRE = SIZE / 2
RADIUS = 15.0
"""Of a blip: at the page's smallest drawn size 24 pixels across."""
RINGS = ("adopt", "trial", "assess", "hold")
EDGES = (0.0, 236.0, 340.0, 424.0, 496.0)
"""Where the rings end, from the inside."""
QUADRANTS = ("Data", "Build", "Ship", "Run and govern")
STAGES = {"data": 0, "build": 1, "ship": 2, "run": 3, "govern": 3}
FIRST_DEGREE = 180
"""The first quadrant lies top left."""
MOST_IN_A_CELL = 14
"""Blips of one ring and stage that are drawn; a list has them all."""
MOST_DRAWN = 100
"""Of more than this the first of each cell are drawn: more could not be read on a wall."""
LETTER = 6.3
LONGEST_LABEL = 22
STEPS = 26


@dataclass(frozen=True)
class Blip:
    """A tool on the radar; `moved` is new, in, out or empty."""

    slug: str
    name: str
    ring: str
    stage: str
    capability: str
    since: date
    moved: str = ""

    @property
    def quadrant(self) -> int:
        return STAGES[self.stage]


@dataclass(frozen=True)
class Spot:
    """A blip in its place; `label` is empty where its name did not fit."""

    blip: Blip
    number: int
    x: float
    y: float
    label: str

    @property
    def moved_words(self) -> str:
        return {"in": "moved in", "out": "moved out"}.get(self.blip.moved, self.blip.moved)

    @property
    def arrow(self) -> str:
        """A roof over the blip that moved in, a keel under one that moved out."""
        way = -1 if self.blip.moved == "in" else 1
        base, tip = self.y + way * 12, self.y + way * 23
        return f"M{self.x - 14:g} {base:g} {self.x:g} {tip:g} {self.x + 14:g} {base:g}"


@dataclass(frozen=True)
class Drawing:
    """`spots` in the order of their numbers; `quadrants` are (name, rings with their spots) for the list beside it."""

    spots: tuple[Spot, ...]
    quadrants: tuple[tuple[str, tuple[tuple[str, tuple[Spot, ...]], ...]], ...]


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def draw(blips: Sequence[Blip]) -> Drawing:
    """Blips come sorted by quadrant, ring and name; those outside the four rings are left out."""
    return _drawn(tuple(blips))


@lru_cache(maxsize=32)
def _drawn(blips: tuple[Blip, ...]) -> Drawing:
    """Finding places for a hundred names takes a while, and the radar changes seldom."""
    shown = [blip for blip in blips if blip.ring in RINGS]
    spots: list[Spot] = []
    taken: list[_Box] = []
    for number, blip in enumerate(shown, start=1):
        spot = _place(blip, number, taken)
        spots.append(spot)
        taken.extend(_boxes(spot))
    return Drawing(tuple(spots), tuple(_lists(spots)))


def _place(blip: Blip, number: int, taken: Sequence[_Box]) -> Spot:
    """With its name where that fits, else without, else anywhere in its cell."""
    label = blip.name if len(blip.name) <= LONGEST_LABEL else f"{blip.name[: LONGEST_LABEL - 1].rstrip()}…"
    here = [Spot(blip, number, round(x, 1), round(y, 1), label) for x, y in _places(blip, number)]
    bare = [replace(spot, label="") for spot in here]
    fitting = (spot for spot in [*here, *bare] if _inside(spot) and not _meets(spot, taken))
    return next(fitting, bare[0])


def _places(blip: Blip, number: int) -> Iterator[tuple[float, float]]:
    """Points of the blip's cell, spread by the golden ratio so that neighbours lie apart."""
    ring = RINGS.index(blip.ring)
    inner, outer = EDGES[ring] + RADIUS + 3, EDGES[ring + 1] - RADIUS - 3
    inner = max(inner, 2.2 * RADIUS)
    for step in range(STEPS * STEPS):
        turn = ((number * 7 + step) * 0.618034) % 1.0
        depth = ((number * 3 + step) * 0.754878) % 1.0
        radius = math.sqrt(inner**2 + depth * (outer**2 - inner**2))
        margin = math.degrees(math.asin(min(1.0, (RADIUS + 4) / radius)))
        degree = FIRST_DEGREE + 90 * blip.quadrant + margin + turn * (90 - 2 * margin)
        yield CENTRE + radius * math.cos(math.radians(degree)), CENTRE + radius * math.sin(math.radians(degree))


def _boxes(spot: Spot) -> list[_Box]:
    around = RADIUS + 2
    boxes = [_Box(spot.x - around, spot.y - around, spot.x + around, spot.y + around)]
    if spot.label:
        half = len(spot.label) * LETTER / 2 + 2
        boxes.append(_Box(spot.x - half, spot.y + RADIUS, spot.x + half, spot.y + RADIUS + 15))
    return boxes


def _meets(spot: Spot, taken: Sequence[_Box]) -> bool:
    return any(mine.meets(other) for mine in _boxes(spot) for other in taken)


def _inside(spot: Spot) -> bool:
    """Neither over the edge of the picture nor across the lines between quadrants."""
    left, upper = spot.blip.quadrant in (0, 3), spot.blip.quadrant in (0, 1)
    return all(_within(box, left, upper) for box in _boxes(spot))


def _within(box: _Box, left: bool, upper: bool) -> bool:
    across = box.right < CENTRE - 2 if left else box.left > CENTRE + 2
    along = box.bottom < CENTRE - 2 if upper else box.top > CENTRE + 2
    return across and along and box.left > 0 and box.right < SIZE and box.top > 0 and box.bottom < SIZE


def _lists(spots: Sequence[Spot]) -> Iterator[tuple[str, tuple[tuple[str, tuple[Spot, ...]], ...]]]:
    for number, name in enumerate(QUADRANTS):
        mine = [spot for spot in spots if spot.blip.quadrant == number]
        yield name, tuple((ring, tuple(spot for spot in mine if spot.blip.ring == ring)) for ring in RINGS)


def ring_labels() -> list[tuple[str, float]]:
    """Each ring's name and how high it stands, on the line between the upper quadrants."""
    return [(ring, CENTRE - edge + 20) for ring, edge in zip(RINGS, EDGES[1:], strict=True)]
