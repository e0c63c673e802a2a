"""API shapes of gates, of the kinds there are, and of what other gates would say."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.registry.gates import Setting
from apps.registry.models import Gate, GateResult
from apps.registry.serializers.promotions import ScoreSerializer, VerdictSerializer, VersionCellSerializer


class GateSerializer(serializers.Serializer[Any]):
    """A gate as data; a setting that is not named has its default."""

    kind = serializers.ChoiceField(choices=Gate.Kind.choices)
    alias = serializers.CharField(
        max_length=64, allow_blank=True, default="", help_text="The protected alias it guards; empty: all of them."
    )
    settings = serializers.DictField(child=serializers.JSONField(), default=dict)


class GatesSerializer(serializers.Serializer[Any]):
    gates = GateSerializer(many=True)


class ProposedGatesSerializer(GatesSerializer):
    """Gates that are only tried out."""

    alias = serializers.SlugField(max_length=64, default="champion", help_text="For which alias they are tried.")


class KindChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class SettingSerializer(serializers.Serializer[Any]):
    """A field of a gate's editor."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()  # type: ignore[assignment]
    type = serializers.ChoiceField(choices=["number", "choice", "words", "text"])
    default = serializers.JSONField(allow_null=True, help_text="Null: it has to be given.")  # type: ignore[assignment]
    minimum = serializers.FloatField(allow_null=True)
    choices = serializers.SerializerMethodField()
    in_metric_unit = serializers.BooleanField(help_text="Counts in the unit of the family's metric.")

    @extend_schema_field(KindChoiceSerializer(many=True))
    def get_choices(self, setting: Setting) -> list[dict[str, str]]:
        return [{"value": value, "label": label} for value, label in setting.choices]


class GateKindSerializer(serializers.Serializer[Any]):
    """A kind of gate: what it asks, and its settings with their defaults."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()  # type: ignore[assignment]
    settings = SettingSerializer(many=True)


class GateKindsSerializer(serializers.Serializer[Any]):
    kinds = GateKindSerializer(many=True)


class PreviewRowSerializer(serializers.Serializer[Any]):
    segment = serializers.CharField()
    name = serializers.CharField()
    candidate = VersionCellSerializer()
    champion = VersionCellSerializer(allow_null=True)
    evaluation = ScoreSerializer(allow_null=True)
    outcome = serializers.ChoiceField(
        choices=GateResult.Outcome.choices, allow_null=True, help_text="Of the proposed gates; null: not evaluated."
    )
    now = serializers.ChoiceField(
        choices=GateResult.Outcome.choices, allow_null=True, help_text="Of the gates of now; null: not evaluated."
    )
    changes = serializers.BooleanField(help_text="Whether it would end otherwise than now.")
    verdicts = VerdictSerializer(many=True)
    why_not = serializers.CharField(help_text="Why there is no evaluation that counts.")


class GatePreviewSerializer(serializers.Serializer[Any]):
    """What gates would say of today's candidates."""

    alias = serializers.CharField()
    sentence = serializers.CharField()
    passed = serializers.IntegerField()
    inconclusive = serializers.IntegerField()
    failed = serializers.IntegerField()
    not_evaluated = serializers.IntegerField()
    changed = serializers.IntegerField()
    gates = GateSerializer(many=True)
    rows = PreviewRowSerializer(many=True)
