"""Pages of lineage."""

from django.urls import path

from apps.lineage import web

app_name = "lineage"
urlpatterns = [
    path("lineage/", web.told_runs, name="told-runs"),
    path("lineage/<int:pk>/", web.told_run, name="told-run"),
]
