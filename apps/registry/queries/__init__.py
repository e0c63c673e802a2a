"""Reads of the registry."""

from apps.registry.queries.candidacies import Candidacy, candidacies, gate_specs
from apps.registry.queries.evaluations import (
    EvaluationCounts,
    evaluation,
    evaluation_counts,
    evaluations,
    evaluations_due,
)
from apps.registry.queries.families import approvers, families, family, segments
from apps.registry.queries.fleet import FleetRow, FleetSummary, ScoreCell, VersionCell, fleet, summary
from apps.registry.queries.versions import (
    alias_history,
    all_versions,
    champion_of,
    model,
    models,
    version,
    versions,
    versions_by_id,
)
from apps.registry.queries.waves import (
    WAVE_STATUSES,
    ParameterChange,
    PromotionRow,
    Totals,
    WaveView,
    dry_run,
    may_decide,
    waiting_for,
    wave,
    wave_view,
    waves,
)
from apps.registry.queries.ways_back import WayBack, ways_back
from apps.registry.queries.windows import Window, newest_window

__all__ = [
    "WAVE_STATUSES",
    "Candidacy",
    "EvaluationCounts",
    "FleetRow",
    "FleetSummary",
    "ParameterChange",
    "PromotionRow",
    "ScoreCell",
    "Totals",
    "VersionCell",
    "WaveView",
    "WayBack",
    "Window",
    "alias_history",
    "all_versions",
    "approvers",
    "candidacies",
    "champion_of",
    "dry_run",
    "evaluation",
    "evaluation_counts",
    "evaluations",
    "evaluations_due",
    "families",
    "family",
    "fleet",
    "gate_specs",
    "may_decide",
    "model",
    "models",
    "newest_window",
    "segments",
    "summary",
    "version",
    "versions",
    "versions_by_id",
    "waiting_for",
    "wave",
    "wave_view",
    "waves",
    "ways_back",
]
