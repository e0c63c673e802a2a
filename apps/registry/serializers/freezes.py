"""API shapes of freezes."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import Freeze


class FreezeSerializer(serializers.ModelSerializer[Freeze]):
    family = serializers.CharField(source="family.slug", allow_null=True, default=None, help_text="Null: all families.")
    by = serializers.CharField(source="by.username")
    lifted_by = serializers.CharField(source="lifted_by.username", allow_null=True, default=None)

    class Meta:
        model = Freeze
        fields: ClassVar = ["id", "family", "reason", "by", "at", "expires_at", "lifted_by", "lifted_at"]


class NewFreezeSerializer(serializers.Serializer[Any]):
    family = serializers.SlugField(allow_null=True, default=None, help_text="Null freezes all families.")
    reason = serializers.CharField(max_length=2_000)
    until = serializers.DateTimeField(help_text="When it ends by itself, within 92 days.")


class LiftSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2_000, allow_blank=True, default="")
