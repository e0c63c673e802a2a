"""Pages of webhooks, below /webhooks/."""

from django.urls import path

from apps.notifications import web

app_name = "notifications"
urlpatterns = [
    path("", web.webhooks, name="webhooks"),
    path("new/", web.new_webhook, name="new-webhook"),
    path("<uuid:webhook_id>/", web.webhook, name="webhook"),
    path("<uuid:webhook_id>/edit/", web.edit_webhook, name="edit-webhook"),
    path("<uuid:webhook_id>/delete/", web.delete_webhook, name="delete-webhook"),
    path("<uuid:webhook_id>/test/", web.test_webhook, name="test-webhook"),
    path("deliveries/<uuid:delivery_id>/send-again/", web.send_again, name="send-again"),
]
