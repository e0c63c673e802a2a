"""API shapes of retraining."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.queries import EvaluationCounts
from apps.retraining import queries
from apps.retraining.actions import Lent, Pushed
from apps.retraining.differences import Difference, Kind
from apps.retraining.estimates import Estimate
from apps.retraining.models import Attempt, Pipeline, RetrainingRequest, SegmentRun, TeamQuota, Worker
from apps.retraining.queries import audiences


class PipelineSerializer(serializers.ModelSerializer[Pipeline]):
    team = serializers.CharField(source="team.slug")
    families: Any = serializers.SlugRelatedField("slug", many=True, read_only=True)

    class Meta:
        model = Pipeline
        fields: ClassVar = ["slug", "name", "description", "team", "families", "version", "after_success"]


class PipelineDetailSerializer(PipelineSerializer):
    """With the JSON Schema (2020-12) of its parameters, its presets and its limits."""

    connection = serializers.CharField(
        source="connection.name", allow_null=True, default=None, help_text="The platform that runs it; null: workers."
    )
    schema = serializers.DictField(read_only=True)
    presets = serializers.DictField(child=serializers.DictField(), read_only=True)

    class Meta(PipelineSerializer.Meta):
        place = ("connection", "workflow", "segment_parameter", "platform_problem", "platform_notice", "looked_up_at")
        limits = ("seconds", "memory_mb", "max_concurrent", "max_attempts")
        terms = ("overlap", "canary", "stop_after", "requesters", "approval_above", "is_active")
        fields: ClassVar = [*PipelineSerializer.Meta.fields, "schema", "presets", *place, *limits, *terms]


class PipelineBeginningSerializer(serializers.Serializer[Any]):
    """A slug and a definition that can be put under it."""

    slug = serializers.CharField()
    definition = serializers.DictField()


class SettingDifferenceSerializer(serializers.Serializer[Difference]):
    """A setting by its dotted path; `before` of an added and `after` of a removed one are null."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    path = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class PushedSerializer(serializers.Serializer[Pushed]):
    """What became of a pipeline that was put, or would become of it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["new", "changed", "the same"])
    differences = SettingDifferenceSerializer(many=True)


class PipelineVersionSerializer(serializers.Serializer[queries.VersionShown]):
    """A definition as it stood in a pipelines file, and what it changed of the one before."""

    number = serializers.IntegerField(source="version.number")
    definition = serializers.DictField(source="version.definition")
    defined_by = serializers.CharField(
        source="version.defined_by.username",
        allow_null=True,
        default=None,
        help_text="null: from before this was kept.",
    )
    defined_at = serializers.DateTimeField(source="version.defined_at")
    differences = SettingDifferenceSerializer(many=True)


class PlanSerializer(serializers.Serializer[Any]):
    """What to retrain; without `segments` it is every segment of the family."""

    family = serializers.SlugField()
    parameters = serializers.DictField(required=False, default=dict)
    segments = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, allow_null=True, default=None, max_length=5_000
    )


class NewRequestSerializer(PlanSerializer):
    """A plan, why, and a key: the same key again answers the request that it made before."""

    pipeline = serializers.SlugField()
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)
    key = serializers.CharField(required=False, allow_null=True, default=None, max_length=100)


class EstimateSerializer(serializers.Serializer[Estimate]):
    """Seconds, from the requests of the past, or from their runs as long as none of some size is over."""

    median = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    history = serializers.IntegerField(help_text="How many runs it is made from.")


class PreviewSerializer(serializers.Serializer[queries.Preview]):
    """What sending would mean; nothing of it is stored."""

    runs = serializers.IntegerField()
    parameters = serializers.DictField(help_text="With the defaults filled in.")
    plan = serializers.DictField(help_text="What would be frozen.")
    digest = serializers.CharField(help_text="sha256 of the plan that would be frozen.")
    estimate = EstimateSerializer(allow_null=True, help_text="null without history.")
    being_retrained = serializers.ListField(child=serializers.CharField())
    queue_ahead = serializers.IntegerField()
    notice = serializers.CharField(help_text="Why the platform that runs it would not begin at once; empty: it would.")
    approvers = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="User names of those whose yes it would wait for; null: nobody's.",
    )


class ProgressSerializer(serializers.Serializer[queries.Progress]):
    """Runs by status."""

    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    sent = serializers.IntegerField()
    running = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    no_data = serializers.IntegerField()
    fraction = serializers.FloatField(help_text="0 to 1.")


class FailureSerializer(serializers.Serializer[queries.Failure]):
    """Runs that failed for the same reason."""

    cause = serializers.CharField()
    reason = serializers.CharField()
    count = serializers.IntegerField()
    segments = serializers.ListField(child=serializers.CharField(), help_text="Names; with the slug where needed.")


class EvaluationsSerializer(serializers.Serializer[EvaluationCounts]):
    """The request's versions by how far the newest evaluation of each is."""

    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    running = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()


class RequestSerializer(serializers.ModelSerializer[RetrainingRequest]):
    pipeline = serializers.CharField(source="pipeline.slug")
    family = serializers.CharField(source="family.slug")
    requester = serializers.CharField(source="requester.username")
    stopping = serializers.BooleanField(source="is_stopping", help_text="Cancelled, and not every process has ended.")
    held = serializers.BooleanField(source="is_held", help_text="What runs goes on, nothing more is sent.")
    closed_because = serializers.CharField(help_text="Why it was rejected or withdrawn, or expired.")
    progress = serializers.SerializerMethodField()

    class Meta:
        model = RetrainingRequest
        times = ("created_at", "started_at", "finished_at")
        what = ("id", "pipeline", "family", "parameters", "segments_total", "reason", "requester", "key", "digest")
        fields: ClassVar = [*what, "status", "stopping", "held", "held_because", "closed_because", "progress", *times]

    def get_progress(self, request: RetrainingRequest) -> ProgressSerializer:
        counted = self.context.get("progress")
        found = queries.progress(request) if counted is None else counted.get(request.pk, queries.Progress())
        return ProgressSerializer(found).data  # type: ignore[return-value]


class AnswerSerializer(serializers.Serializer[Any]):
    """What one person said."""

    user = serializers.CharField(source="user.username")
    verdict = serializers.CharField(help_text="yes or no.")
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class RequestApprovalSerializer(serializers.Serializer[RetrainingRequest]):
    """Whose yes the request needs, to exactly the digest of its plan."""

    status = serializers.CharField(source="approval.status")
    expires_at = serializers.DateTimeField(source="approval.expires_at")
    asked = serializers.SerializerMethodField(help_text="User names of who can still answer.")
    answers = AnswerSerializer(source="approval.votes", many=True)

    def get_asked(self, request: RetrainingRequest) -> list[str]:
        return [person.username for person in audiences.asked_about(request.pk)]


class RequestDetailSerializer(RequestSerializer):
    """With the frozen plan, who approves it, what failed (grouped by reason), and how far the evaluations are."""

    plan = serializers.DictField()
    approval = serializers.SerializerMethodField()
    failures = serializers.SerializerMethodField()
    evaluations = serializers.SerializerMethodField()
    waits_because = serializers.SerializerMethodField(help_text="What keeps an open request from going faster.")
    settled = serializers.SerializerMethodField(
        help_text="Nothing more comes of it by itself: every run and every evaluation is over."
    )

    class Meta(RequestSerializer.Meta):
        fields: ClassVar = [
            *RequestSerializer.Meta.fields,
            "plan",
            "approval",
            "failures",
            "evaluations",
            "waits_because",
            "settled",
            "follow_up_note",
            "wave",
        ]

    def get_approval(self, request: RetrainingRequest) -> RequestApprovalSerializer(allow_null=True):  # type: ignore[valid-type]
        return RequestApprovalSerializer(request).data if request.approval else None

    def get_failures(self, request: RetrainingRequest) -> FailureSerializer(many=True):  # type: ignore[valid-type]
        failures: Any = queries.failures(request)
        return FailureSerializer(failures, many=True).data

    def get_evaluations(self, request: RetrainingRequest) -> EvaluationsSerializer:
        return EvaluationsSerializer(queries.evaluations(request)).data  # type: ignore[return-value]

    def get_waits_because(self, request: RetrainingRequest) -> list[str]:
        return queries.why_they_wait([request]).get(request.pk, [])

    def get_settled(self, request: RetrainingRequest) -> bool:
        return queries.is_settled(request)


class SegmentRunSerializer(serializers.ModelSerializer[SegmentRun]):
    request = serializers.IntegerField(source="request_id")
    family = serializers.CharField(source="request.family.slug")
    segment = serializers.CharField(source="segment.slug")
    model = serializers.CharField(source="version.model.name", allow_null=True, default=None)
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    run = serializers.CharField(source="run_id", allow_null=True, help_text="The tracking run.")
    stopping = serializers.BooleanField(source="is_stopping", help_text="To end, and its process may not have ended.")

    class Meta:
        model = SegmentRun
        state = ("status", "stopping", "attempt", "progress", "message", "cause", "reason", "worker")
        times = ("heartbeat_at", "started_at", "finished_at")
        fields: ClassVar = ["id", "request", "family", "segment", *state, "run", "model", "version", *times]


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    run = serializers.CharField(source="run_id")

    class Meta:
        model = Attempt
        outside: ClassVar = ["outside_id", "accepted_at"]
        fields: ClassVar = ["number", "worker", *outside, "run", "started_at", "ended_at", "end", "cause", "reason"]


class SegmentRunDetailSerializer(SegmentRunSerializer):
    """With every attempt at it, and the distributions that the script had loaded."""

    attempts = AttemptSerializer(many=True)
    libraries = serializers.DictField(
        source="libraries.distributions",
        child=serializers.CharField(),
        allow_null=True,
        default=None,
        help_text="Distribution → version; null while it is not known.",
    )

    class Meta(SegmentRunSerializer.Meta):
        removed: ClassVar = ["log_cut_at", "attempts_cut_at"]
        fields: ClassVar = [*SegmentRunSerializer.Meta.fields, "attempts", "libraries", *removed]


class LogSerializer(serializers.Serializer[SegmentRun]):
    """The end of what the script printed (64 KB)."""

    log = serializers.CharField()


class RunKeySerializer(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=250, help_text="What the platform knows the run by: Airflow's `dag_run_id`.")


class RunTokenSerializer(serializers.Serializer[Lent]):
    """For plain MLflow: `MLFLOW_RUN_ID` and `MLFLOW_TRACKING_TOKEN`; the tracking URI is the portal's address."""

    run_id = serializers.CharField()
    token = serializers.CharField(help_text="Can do the work of that run only, and ends with it.")


class ApproveRequestSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(max_length=64, help_text="Of the plan that you looked at.")
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class RejectRequestSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField(max_length=64, help_text="Of the plan that you looked at.")
    reason = serializers.CharField(max_length=2_000, help_text="Whoever sent it reads this.")


class CancelSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=2_000)


class HoldSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2_000, help_text="Stands on the request until it is resumed.")


class CancelSegmentsSerializer(CancelSerializer):
    """Some segments of a request, by slug."""

    segments = serializers.ListField(child=serializers.CharField(max_length=64), min_length=1, max_length=5_000)


class RetryFailedSerializer(serializers.Serializer[Any]):
    """Without a reason all that failed, else only what failed for exactly that one."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)


class QuotaSerializer(serializers.ModelSerializer[TeamQuota]):
    """How many runs of a team's families may be on their way at a time."""

    team = serializers.CharField(source="team.slug", read_only=True)

    class Meta:
        model = TeamQuota
        fields: ClassVar = ["team", "max_concurrent"]


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    alive = serializers.SerializerMethodField()
    busy = serializers.SerializerMethodField(help_text="Segment runs that it works on.")

    class Meta:
        model = Worker
        state = ("busy", "alive", "draining_since", "isolation", "release", "started_at", "seen_at")
        fields: ClassVar = ["name", "host", "pid", "queues", "slots", *state]

    def get_alive(self, worker: Worker) -> bool:
        return queries.is_alive(worker)

    def get_busy(self, worker: Worker) -> int:
        return worker.busy  # type: ignore[attr-defined,no-any-return]


class QueueSerializer(serializers.Serializer[queries.QueueDepth]):
    """Open segment runs of everybody."""

    status = serializers.CharField()
    count = serializers.IntegerField()
    oldest = serializers.FloatField(help_text="Seconds since the oldest of them was asked for.")
