"""API shapes for those who serve models."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import Consumption
from apps.registry.queries import UNUSED_DAYS


class ResolvedSerializer(serializers.Serializer[Any]):
    """The version of one segment, as `models:/<model>/<version>` of an MLflow client."""

    segment = serializers.CharField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    version_id = serializers.IntegerField(help_text="Its id in this API.")
    digest = serializers.CharField(help_text="sha256 of its sealed files; empty where they are not kept here.")
    fallback = serializers.CharField(
        allow_null=True, help_text="The segment whose version this is, where the asked one has none; else null."
    )


class ResolutionSerializer(serializers.Serializer[Any]):
    family = serializers.CharField()
    alias = serializers.CharField()
    resolved = ResolvedSerializer(many=True)
    without = serializers.ListField(
        child=serializers.CharField(), help_text="Segments that have no version, not even by the fallback order."
    )


class SnapshotSerializer(serializers.Serializer[Any]):
    payload = serializers.CharField(help_text="JSON as it was signed: the family's aliases by segment.")
    public_key = serializers.CharField(help_text="Base64 of its 32 bytes; believe only the one that you keep.")
    signature = serializers.CharField(help_text="Base64 of the 64 bytes of Ed25519 over the payload.")


class SnapshotKeySerializer(serializers.Serializer[Any]):
    algorithm = serializers.CharField()
    key_id = serializers.CharField()
    public_key = serializers.CharField(help_text="Base64 of its 32 bytes.")


class ConsumptionSerializer(serializers.ModelSerializer[Consumption]):
    user = serializers.CharField(source="user.username")

    class Meta:
        model = Consumption
        fields: ClassVar = ["user", "kind", "place", "times", "first_at", "last_at"]


class ServingSerializer(serializers.Serializer[Any]):
    place = serializers.CharField(max_length=100, help_text="Such as 'eta-api, eu-1'.")


class UnusedSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=3_650, default=UNUSED_DAYS)


class DeleteUnusedSerializer(UnusedSerializer):
    versions = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=500)
