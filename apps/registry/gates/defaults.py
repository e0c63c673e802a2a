"""Which gates a new family begins with: the more a mistake costs, the more is asked."""

from apps.registry.gates.facts import GateSpec
from apps.registry.gates.kinds import (
    BASELINE,
    CARD,
    ENOUGH_DATA,
    FILES,
    NO_LEAKAGE,
    REPRODUCIBLE,
    SERVING_CONTRACT,
    SIGNIFICANCE,
)

EVERYWHERE = (SIGNIFICANCE, BASELINE, ENOUGH_DATA, NO_LEAKAGE, FILES)
IN_TIER_1 = (SERVING_CONTRACT, CARD, REPRODUCIBLE)


def default_gates(tier: int, *, has_contract: bool = False) -> tuple[GateSpec, ...]:
    """Tier 1 asks for everything; below it a serving contract counts where there is one."""
    if tier == 1:
        return _gates(*EVERYWHERE, *IN_TIER_1)
    return _gates(*EVERYWHERE, *((SERVING_CONTRACT,) if has_contract else ()))


def _gates(*kinds: str) -> tuple[GateSpec, ...]:
    return tuple(GateSpec(kind) for kind in kinds)
