"""API shapes of tracking."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.tracking import queries
from apps.tracking.models import Experiment, Metric, Run

NUMBER_OR_WORD = {"oneOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]}


def number(value: float) -> float | str:
    """JSON has no word for what is not finite; these are MLflow's."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


@extend_schema_field(NUMBER_OR_WORD)
class NumberField(serializers.Field[float, float, Any, Any]):
    """A number, or the words NaN, Infinity, -Infinity."""

    def to_representation(self, value: float) -> float | str:
        return number(value)


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    team = serializers.CharField(source="team.slug")
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = Experiment
        fields: ClassVar = ["id", "name", "team", "visibility", "created_by", "created_at"]


class RunSerializer(serializers.ModelSerializer[Run]):
    experiment = serializers.CharField(source="experiment.name")
    user = serializers.CharField(source="user.username")

    class Meta:
        model = Run
        fields: ClassVar = ["id", "experiment", "name", "status", "user", "started_at", "ended_at"]


class RunDetailSerializer(RunSerializer):
    params = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()
    reported = serializers.SerializerMethodField(help_text="Latest value per metric, as the training code said it.")
    files_digest = serializers.CharField(source="tree.digest", help_text="Empty until a version seals the files.")

    class Meta(RunSerializer.Meta):
        told = ("params", "tags", "reported", "history_cut_at", "files_digest")
        fields: ClassVar = [*RunSerializer.Meta.fields, *told]

    def get_params(self, run: Run) -> dict[str, str]:
        return dict(run.params.values_list("key", "value"))

    def get_tags(self, run: Run) -> dict[str, str]:
        return dict(run.tags.values_list("key", "value"))

    @extend_schema_field({"type": "object", "additionalProperties": NUMBER_OR_WORD})
    def get_reported(self, run: Run) -> dict[str, float | str]:
        return {key: number(value) for key, value in queries.reported(run).items()}


class MetricSerializer(serializers.ModelSerializer[Metric]):
    value = NumberField(read_only=True)

    class Meta:
        model = Metric
        fields: ClassVar = ["key", "value", "step", "timestamp"]


class FileSerializer(serializers.Serializer[Any]):
    """One file of a run."""

    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(source="blob_id")
    removed_at = serializers.DateTimeField(
        source="tree.cut_at", allow_null=True, help_text="When its bytes were given up; its digest stays."
    )
