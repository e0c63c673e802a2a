"""API addresses of the registry, below /api/v1/."""

from django.urls import include, path, register_converter
from django.urls.converters import StringConverter
from rest_framework.routers import SimpleRouter

from apps.registry import api


class ModelName(StringConverter):
    regex = api.NAME


class AliasName(StringConverter):
    regex = r"[A-Za-z0-9_-]{1,255}"


register_converter(ModelName, "model_name")
register_converter(AliasName, "alias_name")

router = SimpleRouter()
router.register("families", api.FamilyViewSet, basename="family")
router.register("models", api.ModelViewSet, basename="model")
router.register("versions", api.VersionViewSet, basename="version")
router.register("evaluations", api.EvaluationViewSet, basename="evaluation")
router.register("freezes", api.FreezeViewSet, basename="freeze")
router.register("rollbacks", api.RollbackViewSet, basename="rollback")
router.register("promotions", api.PromotionViewSet, basename="promotion")

urlpatterns = [
    path("gate-kinds/", api.GateKindListView.as_view(), name="gate-kinds"),
    path("families/<slug:slug>/gates/preview/", api.GatePreviewView.as_view(), name="family-gates-preview"),
    path("snapshot-key/", api.SnapshotKeyView.as_view(), name="snapshot-key"),
    path("families/<slug:slug>/resolve", api.ResolveView.as_view(), name="family-resolve"),
    path("families/<slug:slug>/snapshot/", api.SnapshotView.as_view(), name="family-snapshot"),
    path("families/<slug:slug>/unused-versions/", api.UnusedVersionView.as_view(), name="family-unused-versions"),
    path("families/<slug:slug>/worth-it/", api.WorthView.as_view(), name="family-worth-it"),
    path("families/<slug:slug>/course/", api.CourseView.as_view(), name="family-course"),
    path("families/<slug:slug>/card/", api.FamilyCardView.as_view(), name="family-card"),
    path("families/<slug:slug>/segments/", api.SegmentListView.as_view(), name="family-segments"),
    path("models/<model_name:name>/versions/", api.ModelVersionListView.as_view(), name="model-versions"),
    path("models/<model_name:name>/aliases/", api.AliasHistoryView.as_view(), name="model-aliases"),
    path("models/<model_name:name>/aliases/<alias_name:alias>/", api.AliasView.as_view(), name="model-alias"),
    path("versions/<int:version_id>/consumption/", api.ConsumptionView.as_view(), name="version-consumption"),
    path("versions/<int:version_id>/card/", api.VersionCardView.as_view(), name="version-card"),
    path("versions/<int:version_id>/data/", api.VersionDataView.as_view(), name="version-data"),
    path("versions/<int:version_id>/data/<int:number>/", api.VersionDatumView.as_view(), name="version-datum"),
    path("versions/<int:version_id>/files/", api.VersionFileListView.as_view(), name="version-files"),
    path("versions/<int:version_id>/files/<path:path>", api.VersionFileView.as_view(), name="version-file"),
    path("", include(router.urls)),
]
