"""Pages of the catalog."""

from django.urls import path

from apps.catalog import web

app_name = "catalog"
urlpatterns = [
    path("tools/", web.tools, name="tools"),
    path("tools/<slug:slug>/", web.tool, name="tool"),
    path("tools/<slug:slug>/position/", web.edit_position, name="edit-position"),
    path("decisions/", web.decisions, name="decisions"),
    path("decisions/<slug:number>/", web.decision, name="decision"),
    path("decisions/<slug:number>/accept/", web.accept, name="accept"),
    path("decisions/<slug:number>/send-back/", web.send_back, name="send-back"),
    path("decisions/<slug:number>/close/", web.close, name="close"),
]
