"""Pages of retraining, below /retraining/."""

from django.urls import path

from apps.retraining import web

app_name = "retraining"
urlpatterns = [
    path("", web.requests, name="requests"),
    path("new/", web.choose, name="choose"),
    path("new/<slug:slug>/", web.new, name="new"),
    path("<int:request_id>/", web.request_page, name="request"),
    path("<int:request_id>/cancel/", web.cancel, name="cancel"),
    path("<int:request_id>/retry-failed/", web.retry, name="retry-failed"),
    path("runs/<int:run_id>/", web.run_page, name="run"),
    path("runs/<int:run_id>/retry/", web.retry_one, name="retry"),
]
