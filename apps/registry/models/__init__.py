"""The registry's nouns: families of models, their versions, evaluations, gates, waves of promotions."""

from apps.registry.models.alias import Alias, AliasMove, Rollback
from apps.registry.models.evaluation import Evaluation
from apps.registry.models.family import Dimension, ModelFamily, ProtectedAlias, Segment
from apps.registry.models.freeze import Freeze
from apps.registry.models.gate import Gate
from apps.registry.models.promotion import GateResult, LiveValue, Promotion, Wave
from apps.registry.models.serving import Consumption, Snapshot
from apps.registry.models.version import ModelVersion, RegisteredModel, Stage

__all__ = [
    "Alias",
    "AliasMove",
    "Consumption",
    "Dimension",
    "Evaluation",
    "Freeze",
    "Gate",
    "GateResult",
    "LiveValue",
    "ModelFamily",
    "ModelVersion",
    "Promotion",
    "ProtectedAlias",
    "RegisteredModel",
    "Rollback",
    "Segment",
    "Snapshot",
    "Stage",
    "Wave",
]
