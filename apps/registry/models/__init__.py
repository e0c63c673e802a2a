"""The registry's nouns: families of models, their versions, evaluations, gates, waves of promotions."""

from apps.registry.models.alias import Alias, AliasMove
from apps.registry.models.evaluation import Evaluation
from apps.registry.models.family import Dimension, Gate, ModelFamily, Segment
from apps.registry.models.promotion import GateResult, Promotion, Wave
from apps.registry.models.version import ModelVersion, RegisteredModel

__all__ = [
    "Alias",
    "AliasMove",
    "Dimension",
    "Evaluation",
    "Gate",
    "GateResult",
    "ModelFamily",
    "ModelVersion",
    "Promotion",
    "RegisteredModel",
    "Segment",
    "Wave",
]
