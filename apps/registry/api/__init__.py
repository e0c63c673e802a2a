"""API of the registry: families and their fleet, models, versions, evaluations, promotions."""

from apps.registry.api.bodies import NAME
from apps.registry.api.evaluations import CourseView, EvaluationViewSet
from apps.registry.api.families import FamilyViewSet, SegmentListView
from apps.registry.api.freezes import FreezeViewSet, RollbackViewSet
from apps.registry.api.gates import GateKindListView, GatePreviewView
from apps.registry.api.models import AliasHistoryView, AliasView, ModelVersionListView, ModelViewSet
from apps.registry.api.promotions import PromotionViewSet
from apps.registry.api.serving import ConsumptionView, ResolveView, SnapshotKeyView, SnapshotView, UnusedVersionView
from apps.registry.api.versions import (
    FamilyCardView,
    VersionCardView,
    VersionDataView,
    VersionDatumView,
    VersionFileListView,
    VersionFileView,
    VersionViewSet,
)
from apps.registry.api.worth import WorthView

__all__ = [
    "NAME",
    "AliasHistoryView",
    "AliasView",
    "ConsumptionView",
    "CourseView",
    "EvaluationViewSet",
    "FamilyCardView",
    "FamilyViewSet",
    "FreezeViewSet",
    "GateKindListView",
    "GatePreviewView",
    "ModelVersionListView",
    "ModelViewSet",
    "PromotionViewSet",
    "ResolveView",
    "RollbackViewSet",
    "SegmentListView",
    "SnapshotKeyView",
    "SnapshotView",
    "UnusedVersionView",
    "VersionCardView",
    "VersionDataView",
    "VersionDatumView",
    "VersionFileListView",
    "VersionFileView",
    "VersionViewSet",
    "WorthView",
]
