"""Pages that bring several parts of the portal together."""

from django.urls import path

from apps.dashboard.web import home

urlpatterns = [
    path("", home.home, name="home"),
    path("theme/", home.choose_theme, name="theme"),
]
