"""The gates of a promotion as pure functions: facts in, verdicts with their numbers and a sentence out."""

from apps.registry.gates.comparing import NO_CHAMPION
from apps.registry.gates.defaults import default_gates
from apps.registry.gates.facts import (
    Against,
    Compared,
    Contents,
    Facts,
    GateSpec,
    Outcome,
    Signature,
    Trained,
    Verdict,
)
from apps.registry.gates.judging import (
    check_gates,
    gates_for,
    judge,
    objections,
    outcome_of,
    passes,
)
from apps.registry.gates.kinds import KINDS, Kind
from apps.registry.gates.settings import Setting
from apps.registry.gates.wording import day

__all__ = [
    "KINDS",
    "NO_CHAMPION",
    "Against",
    "Compared",
    "Contents",
    "Facts",
    "GateSpec",
    "Kind",
    "Outcome",
    "Setting",
    "Signature",
    "Trained",
    "Verdict",
    "check_gates",
    "day",
    "default_gates",
    "gates_for",
    "judge",
    "objections",
    "outcome_of",
    "passes",
]
