"""API addresses that need several parts of the portal, below /api/v1/."""

from django.urls import path

from apps.dashboard.api import CompareView, EcosystemView

urlpatterns = [
    path("catalog/ecosystem/", EcosystemView.as_view(), name="catalog-ecosystem"),
    path("families/<slug:slug>/compare/", CompareView.as_view(), name="family-compare"),
]
