"""A family's fleet as its page shows it: rows, what a reader asks of them, sums and the map of cells."""

from apps.dashboard.fleet.heat import MEASURES, Cell, Heat, Measure, heat
from apps.dashboard.fleet.rows import WHISKER_WIDTH, Badge, Row, State, judged, state_of
from apps.dashboard.fleet.sums import Summary, summarised
from apps.dashboard.fleet.wishes import (
    FILTERS,
    LONGEST_SEARCH,
    MAP,
    SORTS,
    TABLE,
    Chip,
    Wanted,
    chips,
    chosen,
    made_by,
    ticked,
    wanted,
)

__all__ = [
    "FILTERS",
    "LONGEST_SEARCH",
    "MAP",
    "MEASURES",
    "SORTS",
    "TABLE",
    "WHISKER_WIDTH",
    "Badge",
    "Cell",
    "Chip",
    "Heat",
    "Measure",
    "Row",
    "State",
    "Summary",
    "Wanted",
    "chips",
    "chosen",
    "heat",
    "judged",
    "made_by",
    "state_of",
    "summarised",
    "ticked",
    "wanted",
]
