"""Pages of retention."""

from django.urls import path

from apps.retention import web

app_name = "retention"
urlpatterns = [
    path("models/<slug:slug>/retention/", web.rule, name="rule"),
    path("models/<slug:slug>/retention/<slug:kind>/", web.going, name="going"),
]
