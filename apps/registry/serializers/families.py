"""API shapes of families, their gates and segments."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.registry.models import ModelFamily, Segment
from apps.registry.serializers.gates import GateSerializer
from apps.registry.signatures import TYPES

Names = serializers.Field[Any, Any, Any, Any]


class ProtectedAliasSerializer(serializers.Serializer[Any]):
    """An alias that moves only by promotion or rollback; their order is the order of promotion."""

    name = serializers.SlugField(max_length=64)
    approvals_needed = serializers.IntegerField(
        min_value=0,
        max_value=5,
        allow_null=True,
        default=None,
        help_text="How many people must say yes; the family's own number if not said.",
    )


class ServingContractSerializer(serializers.Serializer[Any]):
    """What serving has, in MLflow's types: no version may ask for more, or answer another type."""

    inputs = serializers.DictField(child=serializers.ChoiceField(choices=TYPES), allow_empty=False)
    output = serializers.ChoiceField(choices=TYPES)


class FamilySerializer(serializers.ModelSerializer[ModelFamily]):
    team = serializers.CharField(source="team.slug")
    dimension = serializers.CharField(source="dimension.slug")
    approvers: Names = serializers.SlugRelatedField("username", many=True, read_only=True)
    on_call: Names = serializers.SlugRelatedField("username", many=True, read_only=True)
    serving_contract = ServingContractSerializer(allow_null=True)
    approvals = serializers.IntegerField(help_text="How many people must say yes to a promotion.")
    gates = GateSerializer(many=True)
    protected_aliases = ProtectedAliasSerializer(many=True)
    segments = serializers.IntegerField(source="segment_count", help_text="Segments of its dimension.")
    champions = serializers.IntegerField(source="champion_count", help_text="Segments that have a champion.")
    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = ModelFamily
        fields: ClassVar = [
            "slug",
            "name",
            "description",
            "team",
            "tier",
            "dimension",
            "metric",
            "unit",
            "direction",
            "evaluator",
            "baselines",
            "protected_aliases",
            "label_delay_days",
            "labelled_until",
            "freshness_days",
            "serving_contract",
            "fallback_order",
            "resolve_cache_seconds",
            "card_fields",
            "visibility",
            "approvers",
            "on_call",
            "approvals_needed",
            "approvals",
            "gates",
            "segments",
            "champions",
            "created_by",
            "created_at",
        ]


def _words(help_text: str) -> serializers.ListField:
    child = serializers.CharField(max_length=64)
    return serializers.ListField(child=child, max_length=30, required=False, help_text=help_text)


class FamilySettingsSerializer(serializers.Serializer[Any]):
    """What can be changed; only what is sent changes. The action checks the values."""

    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=20_000, allow_blank=True, required=False)
    tier = serializers.IntegerField(min_value=1, max_value=4, required=False)
    metric = serializers.CharField(max_length=64, required=False)
    unit = serializers.CharField(max_length=32, allow_blank=True, required=False)
    direction = serializers.ChoiceField(choices=ModelFamily.Direction.choices, required=False)
    evaluator = serializers.CharField(max_length=64, allow_blank=True, required=False)
    baselines = _words("Names of the evaluator's baselines; pages show the first.")
    serving_contract = ServingContractSerializer(allow_null=True, required=False)
    fallback_order = _words("Where resolve looks next: region, global, or the slug of a segment.")
    resolve_cache_seconds = serializers.IntegerField(min_value=0, max_value=86_400, required=False)
    card_fields = _words("What a version's card has to say.")
    approvers = _words("Usernames; they approve beside the leads of the owner team.")
    on_call = _words("Usernames; they may roll back at night.")
    protected_aliases = ProtectedAliasSerializer(many=True, required=False)
    label_delay_days = serializers.IntegerField(min_value=0, max_value=365, required=False)
    freshness_days = serializers.IntegerField(min_value=1, max_value=3_650, required=False)
    visibility = serializers.ChoiceField(choices=ModelFamily.Visibility.choices, required=False)
    approvals_needed = serializers.IntegerField(min_value=0, max_value=5, allow_null=True, required=False)


class NewFamilySerializer(FamilySettingsSerializer):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    metric = serializers.CharField(max_length=64)
    team = serializers.SlugField(help_text="The team that owns it.")
    dimension = serializers.SlugField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="What its segments are, such as city; without one it is one model for all, its segment is `all`.",
    )


class NewOwnerSerializer(serializers.Serializer[Any]):
    """Which team a family goes to, and why."""

    team = serializers.SlugField(max_length=64)
    reason = serializers.CharField(max_length=2_000)


class LabelledUntilSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="The newest day with labels.")


class NewBaselineSerializer(serializers.Serializer[Any]):
    """One of the evaluator's baselines, as a version of these segments."""

    name = serializers.CharField(max_length=64)
    segments = serializers.ListField(child=serializers.SlugField(max_length=64), min_length=1, max_length=1_000)


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    class Meta:
        model = Segment
        fields: ClassVar = ["slug", "name", "region", "latitude", "longitude", "is_fallback"]


class NewSegmentSerializer(serializers.Serializer[Any]):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    region = serializers.CharField(max_length=100, allow_blank=True, default="")
    latitude = serializers.FloatField(min_value=-90, max_value=90, allow_null=True, default=None)
    longitude = serializers.FloatField(min_value=-180, max_value=180, allow_null=True, default=None)
    is_fallback = serializers.BooleanField(
        default=False, help_text="Stands for many, a region or all: only a fallback order leads to it."
    )


class NewSegmentsSerializer(serializers.Serializer[Any]):
    segments = NewSegmentSerializer(many=True)
