"""All doors of the portal."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.core import web as core
from apps.dashboard.web import health
from apps.retraining import web as retraining

handler400 = "apps.core.web.bad_request"
handler403 = "apps.core.web.forbidden"
handler404 = "apps.core.web.page_missing"
handler500 = "apps.core.web.server_error"

urlpatterns = [
    path("healthz", core.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("apps.mlflow_protocol.urls")),
    path("", include("apps.dashboard.urls")),
    path("", include("apps.catalog.urls")),
    path("", include("apps.registry.urls")),
    path("accounts/", include("apps.accounts.urls")),
    path("retraining/", include("apps.retraining.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.platforms.urls")),
    path("", include("apps.lineage.urls")),
    path("", include("apps.retention.urls")),
    path("operations/", retraining.operations, name="operations"),
    path("api/v1/", include("apps.accounts.api_urls")),
    path("api/v1/", include("apps.catalog.api_urls")),
    path("api/v1/", include("apps.tracking.api_urls")),
    path("api/v1/", include("apps.registry.api_urls")),
    path("api/v1/", include("apps.retraining.api_urls")),
    path("api/v1/", include("apps.notifications.api_urls")),
    path("api/v1/", include("apps.platforms.api_urls")),
    path("api/v1/", include("apps.lineage.api_urls")),
    path("api/v1/", include("apps.retention.api_urls")),
    path("api/v1/", include("apps.dashboard.api_urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
]
