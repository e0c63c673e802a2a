"""API shapes of aliases at a time, and of rollbacks that wait for a review."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import AliasMove, Rollback
from apps.registry.serializers.promotions import ScoreSerializer, VerdictSerializer, VersionCellSerializer


class AliasMoveSerializer(serializers.ModelSerializer[AliasMove]):
    alias = serializers.CharField(source="name")
    before = serializers.IntegerField(source="before.number", allow_null=True, default=None)
    after = serializers.IntegerField(source="after.number", allow_null=True, default=None)
    promotion = serializers.IntegerField(source="promotion.wave_id", allow_null=True, default=None)
    rollback = serializers.IntegerField(source="rollback_id", allow_null=True)
    by = serializers.CharField(source="by.username")

    class Meta:
        model = AliasMove
        fields: ClassVar = ["alias", "before", "after", "kind", "promotion", "rollback", "by", "reason", "at"]


class AliasAtSerializer(serializers.Serializer[Any]):
    """What the alias pointed to at that moment, who moved it there, and on which evidence."""

    model = serializers.CharField()
    alias = serializers.CharField()
    at = serializers.DateTimeField()
    version = VersionCellSerializer(allow_null=True)
    move = AliasMoveSerializer(allow_null=True)
    promotion = serializers.IntegerField(source="wave", allow_null=True)
    evaluation = ScoreSerializer(allow_null=True)
    verdicts = VerdictSerializer(many=True)
    approved_by = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()


class PointSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="The number of the version.")
    reason = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class RestoreSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, help_text="The number that serves again; it held the alias before."
    )
    reason = serializers.CharField(max_length=2_000)
    alias = serializers.SlugField(default="champion", max_length=64)


class DecidedRollbackSerializer(serializers.ModelSerializer[Rollback]):
    family = serializers.CharField(source="family.slug")
    by = serializers.CharField(source="by.username")
    reviewed_by = serializers.CharField(source="reviewed_by.username", allow_null=True, default=None)
    promotion = serializers.IntegerField(source="wave_id", allow_null=True, help_text="The wave that it undid.")

    class Meta:
        model = Rollback
        fields: ClassVar = [
            "id",
            "family",
            "alias",
            "reason",
            "segments",
            "promotion",
            "by",
            "at",
            "reviewed_by",
            "reviewed_at",
            "review",
        ]


class RollbackReviewSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=2_000, allow_blank=True, default="")
