"""Segments by how their champions stand, for a form that asks which of them to retrain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from apps.registry import queries as registry
from apps.registry.queries import Standing

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, Segment

MUCH_WORSE = 0.1
"""By this share worse than when it was promoted, a champion has fallen; less is the weather."""
LONGEST_AGE = 100_000  # days


@dataclass(frozen=True)
class Pick:
    """Segments that have something in common; `key` stands in an address as `champions=`."""

    key: str
    label: str
    segments: Sequence[str]


@dataclass(frozen=True)
class Place:
    """A segment of the form: the keys of its picks, and its champion's age in days."""

    segment: "Segment"
    picks: str
    age_days: int | None


KINDS: Mapping[str, tuple[str, Callable[[Standing | None], bool]]] = {
    "worse": ("worse than the baseline", lambda one: one is not None and (one.against_baseline or 0) > 0),
    "fallen": ("fallen since promoted", lambda one: one is not None and (one.since_promoted or 0) > MUCH_WORSE),
    "stale": ("stale", lambda one: one is not None and one.is_fresh is False),
    "none": ("without champion", lambda one: one is None),
}


class Fleet:
    """A family's segments with their champions' standings, read once, and only when somebody asks."""

    def __init__(self, family: "ModelFamily", segments: "Sequence[Segment]") -> None:
        self._family = family
        self._slugs = [one.slug for one in segments if not one.is_fallback]

    @cached_property
    def _standings(self) -> Mapping[str, Standing]:
        return registry.standings(self._family)

    def picks(self) -> list[Pick]:
        """Those that hold anything."""
        found = (Pick(key, label, self._of(holds)) for key, (label, holds) in KINDS.items())
        return [pick for pick in found if pick.segments]

    def place(self, segment: "Segment") -> Place:
        standing = self._standings.get(segment.slug)
        keys = [key for key, (_, holds) in KINDS.items() if holds(standing)]
        return Place(segment, " ".join(keys), standing.age_days if standing else None)

    def asked(self, query: Mapping[str, str]) -> list[str] | None:
        """What an address asks for: `champions=stale`, `older_than=120` (days); None where it asks for neither."""
        key, days = query.get("champions", ""), query.get("older_than", "")
        if key in KINDS:
            return self._of(KINDS[key][1])
        if days.isdecimal() and len(days) <= len(str(LONGEST_AGE)):
            return self._of(lambda one: one is not None and (one.age_days or 0) > int(days))
        return None

    def _of(self, holds: Callable[[Standing | None], bool]) -> list[str]:
        return [slug for slug in self._slugs if holds(self._standings.get(slug))]
