"""API shapes of retention."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.retention.models import LONGEST, SHORTEST, SHORTEST_FILES, Cut
from apps.retention.terms import Kind, Terms


def _days(shortest: int, about: str) -> serializers.IntegerField:
    text = f"{about} Null, or not said: for good."
    return serializers.IntegerField(
        min_value=shortest, max_value=LONGEST, allow_null=True, required=False, default=None, help_text=text
    )


class RetentionTermsSerializer(serializers.Serializer[Any]):
    """How many days a family keeps what."""

    logs_days = _days(SHORTEST, "Logs of segment runs that are over.")
    attempts_days = _days(SHORTEST, "Attempts that another one followed.")
    metrics_days = _days(SHORTEST, "Points of metrics; the last of each metric always stays.")
    files_days = _days(SHORTEST_FILES, "Files of versions, runs and logged models that nothing needs.")

    def terms(self) -> Terms:
        """Of what was found valid."""
        return Terms(**{name: self.validated_data[name] for name in Terms().told})


class NewRetentionRuleSerializer(RetentionTermsSerializer):
    plan = serializers.CharField(
        max_length=64, allow_blank=True, default="", help_text="Of the preview of exactly these days."
    )


class RetentionRuleSerializer(RetentionTermsSerializer):
    set_by = serializers.CharField(allow_null=True, help_text="Null: nobody ever said, and everything is kept.")
    set_at = serializers.DateTimeField(allow_null=True)
    begins_at = serializers.DateTimeField(allow_null=True, help_text="Nothing is removed before.")
    rests = serializers.CharField(help_text="Why nothing is removed though the rule says so; empty where it is.")


class RetentionPartSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Kind.choices)
    days = serializers.IntegerField(allow_null=True)
    count = serializers.IntegerField(help_text="Logs, attempts, points, or sets of files.")
    bytes = serializers.IntegerField(source="size", allow_null=True, help_text="That become free.")
    oldest = serializers.DateTimeField(allow_null=True)


class RetentionPreviewSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(help_text="Digest of exactly what would go; a rule is set with it.")
    parts = RetentionPartSerializer(many=True)


class RetentionItemSerializer(serializers.Serializer[Any]):
    what = serializers.CharField(help_text="segment run, attempt, run, version or logged model")
    id = serializers.CharField()
    name = serializers.CharField()
    at = serializers.DateTimeField(help_text="Since when it is over.")
    amount = serializers.IntegerField(allow_null=True, help_text="Bytes, or points of metrics.")


class RetentionDaysSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=SHORTEST, max_value=LONGEST, help_text="Files: at least 30.")


class RetentionCutSerializer(serializers.ModelSerializer[Cut]):
    by = serializers.CharField(source="by.username", help_text="Who had set the rule.")
    terms = RetentionTermsSerializer()

    class Meta:
        model = Cut
        sums = ("logs", "log_bytes", "attempts", "points", "versions", "trees", "file_bytes")
        fields: ClassVar = ["id", "terms", "by", *sums, "started_at", "finished_at"]
