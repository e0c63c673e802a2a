"""Pages of notifications."""

from django.urls import include, path

from apps.notifications.web import notices, webhooks

of_notices = [
    path("", notices.notices, name="notices"),
    path("channels/<slug:slug>/", notices.set_channel, name="set-channel"),
    path("channels/<slug:slug>/test/", notices.test_channel, name="test-channel"),
    path("channels/<slug:slug>/remove/", notices.remove_channel, name="remove-channel"),
]
of_webhooks = [
    path("", webhooks.webhooks, name="webhooks"),
    path("new/", webhooks.new_webhook, name="new-webhook"),
    path("<uuid:webhook_id>/", webhooks.webhook, name="webhook"),
    path("<uuid:webhook_id>/edit/", webhooks.edit_webhook, name="edit-webhook"),
    path("<uuid:webhook_id>/delete/", webhooks.delete_webhook, name="delete-webhook"),
    path("<uuid:webhook_id>/test/", webhooks.test_webhook, name="test-webhook"),
    path("deliveries/<uuid:delivery_id>/send-again/", webhooks.send_again, name="send-again"),
]
app_name = "notifications"
urlpatterns = [path("notices/", include(of_notices)), path("webhooks/", include(of_webhooks))]
