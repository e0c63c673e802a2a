"""API shapes of evaluations."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import (
    Evaluation,
)


class AgainstSerializer(serializers.Serializer[Any]):
    """A baseline on the same rows; the difference is positive where the candidate is better."""

    metric = serializers.FloatField()
    difference = serializers.FloatField()
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    model = serializers.CharField(source="model.name")
    candidate = serializers.IntegerField(source="candidate.number")
    champion = serializers.IntegerField(source="champion.number", allow_null=True, default=None)
    shared = serializers.CharField(
        source="shared.model.name",
        allow_null=True,
        default=None,
        help_text="Name of the shared model where that stood in the champion's place.",
    )
    requested_by = serializers.CharField(source="requested_by.username")
    baselines = serializers.DictField(child=AgainstSerializer(), help_text="By name, on the same rows.")

    class Meta:
        model = Evaluation
        fields: ClassVar = [
            "id",
            "model",
            "candidate",
            "champion",
            "shared",
            "window_first",
            "window_last",
            "status",
            "attempt",
            "reason",
            "rows",
            "days",
            "candidate_metric",
            "champion_metric",
            "baseline_metric",
            "baselines",
            "difference",
            "lower",
            "upper",
            "data_digest",
            "evaluator",
            "evaluator_version",
            "requested_by",
            "requested_at",
            "finished_at",
        ]


class DailyErrorSerializer(serializers.Serializer[Any]):
    """Sums of the errors of one day's rows."""

    day = serializers.DateField()
    rows = serializers.IntegerField()
    candidate = serializers.FloatField(allow_null=True, default=None)
    champion = serializers.FloatField(allow_null=True, default=None)
    baselines = serializers.DictField(child=serializers.FloatField(), default=dict, help_text="By name.")


class BoundsSerializer(serializers.Serializer[Any]):
    """A paired difference; `lower` and `upper` are one-sided 95 % bounds."""

    difference = serializers.FloatField(allow_null=True)
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)


class RecomputedSerializer(serializers.Serializer[Any]):
    """The errors by day that were kept, what is stored, and the same computed from them once more."""

    daily = DailyErrorSerializer(many=True)
    stored = BoundsSerializer()
    recomputed = BoundsSerializer()
    baselines = serializers.DictField(child=AgainstSerializer(), help_text="Recomputed, by name.")
    agrees = serializers.BooleanField(help_text="Whether every stored number comes out again.")
    resamples = serializers.IntegerField()
    confidence = serializers.FloatField(help_text="Of each bound, one-sided.")
    seed = serializers.CharField(help_text="Depends only on which days have how many rows.")


class EvaluationDetailSerializer(EvaluationSerializer):
    daily = DailyErrorSerializer(many=True)

    class Meta(EvaluationSerializer.Meta):
        fields: ClassVar = [*EvaluationSerializer.Meta.fields, "daily"]


class NewEvaluationsSerializer(serializers.Serializer[Any]):
    """Without a window it is the family's newest whole month with labels."""

    family = serializers.SlugField()
    versions = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=1_000)
    window_first = serializers.DateField(allow_null=True, default=None)
    window_last = serializers.DateField(allow_null=True, default=None)


class WhichSegmentSerializer(serializers.Serializer[Any]):
    segment = serializers.SlugField(
        required=False, default="", allow_blank=True, help_text="Vintages of this one only; of all if not said."
    )


class VintageSerializer(serializers.Serializer[Any]):
    """Versions trained through one day, on one window: the mean of their metric and of the plain baseline there."""

    trained_through = serializers.DateField()
    window_last = serializers.DateField()
    versions = serializers.IntegerField()
    metric = serializers.FloatField()
    baseline = serializers.FloatField(allow_null=True)


class StepSerializer(serializers.Serializer[Any]):
    """From one window to the next: in how many of the segments the version that won still won."""

    month = serializers.DateField()
    following = serializers.DateField()
    segments = serializers.IntegerField(help_text="With at least two versions that were evaluated on both.")
    stayed = serializers.IntegerField()
    by_chance = serializers.FloatField(help_text="How many it would be if winning were a draw between the versions.")


class CourseSerializer(serializers.Serializer[Any]):
    """How versions did over time; the oldest first."""

    vintages = VintageSerializer(many=True)
    steps = StepSerializer(many=True, help_text="Of all segments.")
