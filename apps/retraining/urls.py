"""Pages of retraining, below /retraining/."""

from django.urls import path

from apps.retraining import web

app_name = "retraining"
urlpatterns = [
    path("", web.requests, name="requests"),
    path("new/", web.choose, name="choose"),
    path("new/<slug:slug>/", web.new, name="new"),
    path("<int:request_id>/", web.request_page, name="request"),
    path("<int:request_id>/approve/", web.approve_request, name="approve-request"),
    path("<int:request_id>/reject/", web.reject_request, name="reject-request"),
    path("<int:request_id>/withdraw/", web.withdraw_request, name="withdraw-request"),
    path("<int:request_id>/cancel/", web.cancel, name="cancel"),
    path("<int:request_id>/cancel-segments/", web.cancel_segments, name="cancel-segments"),
    path("<int:request_id>/hold/", web.hold, name="hold"),
    path("<int:request_id>/resume/", web.resume, name="resume"),
    path("<int:request_id>/retry-failed/", web.retry, name="retry-failed"),
    path("workers/<str:name>/drain/", web.drain, name="drain"),
    path("workers/<str:name>/undrain/", web.undrain, name="undrain"),
    path("pipelines/", web.pipelines, name="pipelines"),
    path("pipelines/new/", web.new_pipeline, name="new-pipeline"),
    path("pipelines/<slug:slug>/", web.pipeline, name="pipeline"),
    path("pipelines/<slug:slug>/edit/", web.edit_pipeline, name="edit-pipeline"),
    path("pipelines/<slug:slug>/file/", web.pipeline_file, name="pipeline-file"),
    path("policies/", web.policies, name="policies"),
    path("policies/new/", web.choose, {"form": "retraining:new-policy"}, name="choose-policy"),
    path("policies/<int:policy_id>/", web.policy, name="policy"),
    path("policies/<int:policy_id>/edit/", web.edit_policy, name="edit-policy"),
    path("policies/<int:policy_id>/pause/", web.pause, name="pause-policy"),
    path("policies/<int:policy_id>/resume/", web.unpause, name="resume-policy"),
    path("policies/new/<slug:slug>/", web.new_policy, name="new-policy"),
    path("suggestions/<int:firing_id>/take/", web.take, name="take"),
    path("suggestions/<int:firing_id>/dismiss/", web.dismiss, name="dismiss"),
    path("signals/", web.signals, name="signals"),
    path("signals/<int:signal_id>/set-aside/", web.set_aside, name="set-aside"),
    path("incidents/<int:incident_id>/close/", web.close_incident, name="close-incident"),
    path("retry-recent/", web.retry_recent, name="retry-recent"),
    path("quotas/", web.set_quota, name="quota"),
    path("runs/<int:run_id>/", web.run_page, name="run"),
    path("runs/<int:run_id>/log.txt", web.run_log, name="run-log"),
    path("runs/<int:run_id>/retry/", web.retry_one, name="retry"),
]
