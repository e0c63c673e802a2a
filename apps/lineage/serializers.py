"""API shapes of lineage."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.lineage.models import ToldDataset, ToldRun


class ToldDatasetSerializer(serializers.ModelSerializer[ToldDataset]):
    """A data set or a feature view; `fields` are its columns with their types."""

    class Meta:
        model = ToldDataset
        fields: ClassVar = ["role", "namespace", "name", "kind", "version", "address", "fields", "is_feature_view"]

    role = serializers.CharField(help_text="input or output")
    is_feature_view = serializers.BooleanField()
    fields = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]


class ToldRunSerializer(serializers.ModelSerializer[ToldRun]):
    """A run elsewhere, what it read and wrote; `run` is ours that it is about, null where nobody knows."""

    told_by: Any = serializers.SlugRelatedField("username", read_only=True)
    datasets = ToldDatasetSerializer(many=True)
    run: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)

    class Meta:
        model = ToldRun
        fields: ClassVar = [
            *("id", "key", "namespace", "job", "state", "started_at", "ended_at", "last_at", "run", "told_by"),
            *("producer", "outside_id", "commit", "repository", "error", "datasets"),
        ]


class HeardSerializer(serializers.Serializer[object]):
    """What became of an event, in a sentence; `run` is the run of ours that it is about."""

    said = serializers.CharField()
    new = serializers.BooleanField(help_text="False for an event that was there already.")
    run = serializers.CharField(allow_null=True)
