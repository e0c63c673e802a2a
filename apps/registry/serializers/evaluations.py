"""API shapes of evaluations."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import (
    Evaluation,
)


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    model = serializers.CharField(source="model.name")
    candidate = serializers.IntegerField(source="candidate.number")
    champion = serializers.IntegerField(source="champion.number", allow_null=True, default=None)
    requested_by = serializers.CharField(source="requested_by.username")

    class Meta:
        model = Evaluation
        fields: ClassVar = [
            "id",
            "model",
            "candidate",
            "champion",
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
    baseline = serializers.FloatField(allow_null=True, default=None)


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
