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
    path("<int:request_id>/cancel-segments/", web.cancel_segments, name="cancel-segments"),
    path("<int:request_id>/hold/", web.hold, name="hold"),
    path("<int:request_id>/resume/", web.resume, name="resume"),
    path("<int:request_id>/retry-failed/", web.retry, name="retry-failed"),
    path("workers/<str:name>/drain/", web.drain, name="drain"),
    path("workers/<str:name>/undrain/", web.undrain, name="undrain"),
    path("quotas/", web.set_quota, name="quota"),
    path("runs/<int:run_id>/", web.run_page, name="run"),
    path("runs/<int:run_id>/retry/", web.retry_one, name="retry"),
]
