"""Pages of connections."""

from django.urls import path

from apps.platforms import web

app_name = "platforms"
urlpatterns = [
    path("connections/", web.connections, name="connections"),
    path("connections/new/", web.new_connection, name="new-connection"),
    path("connections/<str:name>/", web.connection, name="connection"),
    path("connections/<str:name>/edit/", web.edit_connection, name="edit-connection"),
    path("connections/<str:name>/workflows/", web.workflows, name="workflows"),
    path("connections/<str:name>/test/", web.test_connection, name="test-connection"),
    path("connections/<str:name>/remove/", web.remove_connection, name="remove-connection"),
]
