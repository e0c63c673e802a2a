"""Reads that bring several parts of the portal together."""

from apps.dashboard.queries.blast import (
    Hit,
    Radius,
    WhoUses,
    families_of,
    radii,
    radius,
    tools_of,
    users_to_declare,
)
from apps.dashboard.queries.comparing import Column, Comparison, Month, Score, comparison
from apps.dashboard.queries.evidence import RunPage, experiment, experiment_lines, run_page
from apps.dashboard.queries.fleets import FleetPage, Happening, fleet_page, fleet_rows, happenings, not_evaluated
from apps.dashboard.queries.home import Health, MyWork, Running, my_work, waiting_count
from apps.dashboard.queries.inbox import Task
from apps.dashboard.queries.lineage import Lineage, lineage_of_run, lineage_of_version
from apps.dashboard.queries.links import links_of_segment, links_of_tracked, links_of_version
from apps.dashboard.queries.naming import champion_and_newest, named_versions, with_a_rival
from apps.dashboard.queries.overview import FamilyLine, family_line, family_lines
from apps.dashboard.queries.readiness import Readiness, readiness
from apps.dashboard.queries.version_lists import (
    Asked,
    Course,
    PairLine,
    VersionsPage,
    asked,
    course,
    pairs_page,
    versions_page,
)
from apps.dashboard.queries.versions import CHAMPION, SegmentPage, VersionPage, segment_page, version_page
from apps.dashboard.queries.worth import WorthPage, worth_page

__all__ = [
    "CHAMPION",
    "Asked",
    "Column",
    "Comparison",
    "Course",
    "FamilyLine",
    "FleetPage",
    "Happening",
    "Health",
    "Hit",
    "Lineage",
    "Month",
    "MyWork",
    "PairLine",
    "Radius",
    "Readiness",
    "RunPage",
    "Running",
    "Score",
    "SegmentPage",
    "Task",
    "VersionPage",
    "VersionsPage",
    "WhoUses",
    "WorthPage",
    "asked",
    "champion_and_newest",
    "comparison",
    "course",
    "experiment",
    "experiment_lines",
    "families_of",
    "family_line",
    "family_lines",
    "fleet_page",
    "fleet_rows",
    "happenings",
    "lineage_of_run",
    "lineage_of_version",
    "links_of_segment",
    "links_of_tracked",
    "links_of_version",
    "my_work",
    "named_versions",
    "not_evaluated",
    "pairs_page",
    "radii",
    "radius",
    "readiness",
    "run_page",
    "segment_page",
    "tools_of",
    "users_to_declare",
    "version_page",
    "versions_page",
    "waiting_count",
    "with_a_rival",
    "worth_page",
]
