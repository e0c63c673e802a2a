"""Reads that bring several parts of the portal together."""

from apps.dashboard.queries.blast import Hit, Radius, WhoUses, radii, radius, tools_of, users_to_declare
from apps.dashboard.queries.evidence import RunPage, experiment, experiment_lines, run_page
from apps.dashboard.queries.fleets import FleetPage, Happening, fleet_page, fleet_rows, happenings, not_evaluated
from apps.dashboard.queries.home import Health, MyWork, Running, my_work, waiting_count
from apps.dashboard.queries.inbox import Task
from apps.dashboard.queries.overview import FamilyLine, family_line, family_lines
from apps.dashboard.queries.versions import CHAMPION, SegmentPage, VersionPage, segment_page, version_page

__all__ = [
    "CHAMPION",
    "FamilyLine",
    "FleetPage",
    "Happening",
    "Health",
    "Hit",
    "MyWork",
    "Radius",
    "RunPage",
    "Running",
    "SegmentPage",
    "Task",
    "VersionPage",
    "WhoUses",
    "experiment",
    "experiment_lines",
    "family_line",
    "family_lines",
    "fleet_page",
    "fleet_rows",
    "happenings",
    "my_work",
    "not_evaluated",
    "radii",
    "radius",
    "run_page",
    "segment_page",
    "tools_of",
    "users_to_declare",
    "version_page",
    "waiting_count",
]
