"""Pages of connections and links out."""

from django.urls import path

from apps.platforms.web import connections, links

app_name = "platforms"
urlpatterns = [
    path("connections/", connections.connections, name="connections"),
    path("connections/new/", connections.new_connection, name="new-connection"),
    path("links/", links.links, name="links"),
    path("links/new/", links.new_link, name="new-link"),
    path("links/<int:pk>/", links.edit_link, name="edit-link"),
    path("links/<int:pk>/remove/", links.remove_link, name="remove-link"),
    path("connections/<str:name>/", connections.connection, name="connection"),
    path("connections/<str:name>/edit/", connections.edit_connection, name="edit-connection"),
    path("connections/<str:name>/workflows/", connections.workflows, name="workflows"),
    path("connections/<str:name>/test/", connections.test_connection, name="test-connection"),
    path("connections/<str:name>/remove/", connections.remove_connection, name="remove-connection"),
]
