"""Pages that bring several parts of the portal together."""

from django.urls import path

from apps.dashboard import web

urlpatterns = [
    path("", web.home, name="home"),
    path("theme/", web.choose_theme, name="theme"),
]
