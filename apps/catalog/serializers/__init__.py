"""API shapes of the catalog."""

from apps.catalog.serializers.base import OptionalReasonSerializer, ReasonSerializer, VoteSerializer
from apps.catalog.serializers.decisions import (
    CloseSerializer,
    DecisionEditSerializer,
    DecisionSerializer,
    LookBackSerializer,
    NewDecisionSerializer,
    PostponeSerializer,
    SupersedeSerializer,
)
from apps.catalog.serializers.tools import (
    CapabilityEditSerializer,
    CapabilitySerializer,
    ConfirmSerializer,
    MoveSerializer,
    NewCapabilitySerializer,
    NewMoveSerializer,
    NewToolSerializer,
    PositionEditSerializer,
    ReviewSerializer,
    ToolEditSerializer,
    ToolSerializer,
)

__all__ = [
    "CapabilityEditSerializer",
    "CapabilitySerializer",
    "CloseSerializer",
    "ConfirmSerializer",
    "DecisionEditSerializer",
    "DecisionSerializer",
    "LookBackSerializer",
    "MoveSerializer",
    "NewCapabilitySerializer",
    "NewDecisionSerializer",
    "NewMoveSerializer",
    "NewToolSerializer",
    "OptionalReasonSerializer",
    "PositionEditSerializer",
    "PostponeSerializer",
    "ReasonSerializer",
    "ReviewSerializer",
    "SupersedeSerializer",
    "ToolEditSerializer",
    "ToolSerializer",
    "VoteSerializer",
]
