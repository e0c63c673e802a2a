"""API shapes of capabilities, tools, positions and moves: people by username, teams, tools and needs by slug."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.catalog.models import TOOL_SOURCING, Capability, Position, Ring, RingMove, Tool
from apps.catalog.serializers.base import MOST_ROWS, named, prose


class CapabilitySerializer(serializers.ModelSerializer[Capability]):
    class Meta:
        model = Capability
        fields: ClassVar = ["slug", "name", "stage", "need"]


class NewCapabilitySerializer(serializers.Serializer[object]):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    stage = serializers.ChoiceField(Capability.Stage.choices)
    need = serializers.CharField(max_length=200)


class CapabilityEditSerializer(serializers.Serializer[object]):
    name = serializers.CharField(max_length=100, required=False)
    stage = serializers.ChoiceField(Capability.Stage.choices, required=False)
    need = serializers.CharField(max_length=200, required=False)


class PositionSerializer(serializers.ModelSerializer[Position]):
    """The company's opinion of a tool; `revision` counts its edits."""

    owner = named("username", null=True)
    team = named("slug", null=True)
    instead = named("slug", null=True)
    decision = named("label", null=True)
    experts: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField("username", read_only=True, many=True)

    class Meta:
        model = Position
        fields: ClassVar = [
            *("ring", "since", "owner", "team", "support", "when_to_use", "when_not", "getting_started"),
            *("instead", "next_review", "decision", "revision", "experts", "reviewed_on"),
        ]


class ToolSerializer(serializers.ModelSerializer[Tool]):
    """Facts about a tool; `position` is null where the company has no opinion of it."""

    capability = named("slug")
    position = PositionSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Tool
        fields: ClassVar = [
            *(
                "slug",
                "name",
                "summary",
                "capability",
                "sourcing",
                "homepage",
                "repo",
                "licence",
                "vendor",
                "ecosystem",
            ),
            *("foundation", "foundation_stage", "milestones", "offerings", "pypi_name", "latest_version"),
            *("released_on", "traction", "others", "learning_days_low", "learning_days_high", "unverified"),
            *("source", "gone_from_source", "position"),
        ]


class OfferingSerializer(serializers.Serializer[object]):
    """A provider that runs the tool for you; `ended` when they stopped."""

    name = serializers.CharField(max_length=100)
    url = serializers.URLField(max_length=200, required=False, allow_blank=True)
    ended = serializers.CharField(max_length=10, required=False, allow_null=True, help_text="A day, 2026-07-31.")


class ToolEditSerializer(serializers.Serializer[object]):
    name = serializers.CharField(max_length=100, required=False)
    summary = serializers.CharField(max_length=280, required=False)
    capability = serializers.SlugField(required=False)
    sourcing = serializers.ChoiceField(TOOL_SOURCING, required=False)
    homepage = serializers.URLField(max_length=200, required=False, allow_blank=True)
    licence = serializers.CharField(max_length=64, required=False, allow_blank=True)
    ecosystem = serializers.CharField(max_length=64, required=False, allow_blank=True)
    vendor = serializers.CharField(max_length=64, required=False, allow_blank=True)
    repo = serializers.URLField(max_length=200, required=False, allow_blank=True)
    foundation = serializers.CharField(max_length=64, required=False, allow_blank=True)
    foundation_stage = serializers.ChoiceField(Tool.FoundationStage.choices, required=False, allow_blank=True)
    pypi_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    latest_version = serializers.CharField(max_length=32, required=False, allow_blank=True)
    released_on = serializers.DateField(required=False, allow_null=True)
    learning_days_low = serializers.IntegerField(min_value=0, max_value=1000, required=False, allow_null=True)
    learning_days_high = serializers.IntegerField(min_value=0, max_value=1000, required=False, allow_null=True)
    offerings = serializers.ListField(child=OfferingSerializer(), required=False, max_length=50)


class NewToolSerializer(ToolEditSerializer):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    summary = serializers.CharField(max_length=280)
    capability = serializers.SlugField()
    sourcing = serializers.ChoiceField(TOOL_SOURCING)


class ViewpointSerializer(serializers.Serializer[object]):
    """What is sent is changed. Texts are Markdown."""

    owner = serializers.CharField(max_length=150, required=False, allow_null=True)
    team = serializers.SlugField(required=False, allow_null=True)
    support = serializers.CharField(max_length=200, required=False, allow_blank=True)
    when_to_use = prose()
    when_not = prose()
    getting_started = prose()
    instead = serializers.SlugField(required=False, allow_null=True)
    next_review = serializers.DateField(required=False, allow_null=True)
    decision = serializers.CharField(max_length=20, required=False, allow_null=True)


class PositionEditSerializer(ViewpointSerializer):
    """What is sent is changed, but for the ring, which moves by a proposal. `revision` is the one you looked at."""

    ring = serializers.ChoiceField(Ring.choices, required=False)
    revision = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False)
    experts = serializers.ListField(child=serializers.CharField(max_length=150), required=False, max_length=10)


class NewMoveSerializer(ViewpointSerializer):
    """A proposal: another `ring`, the `reason`, and what we would then say where that is different."""

    ring = serializers.ChoiceField(Ring.choices)
    reason = serializers.CharField(max_length=500)


class MoveSerializer(serializers.ModelSerializer[RingMove]):
    tool = named("slug")
    proposer = named("username")
    owner = named("username", null=True)
    team = named("slug", null=True)
    instead = named("slug", null=True)
    decision = named("label", null=True)

    class Meta:
        model = RingMove
        fields: ClassVar = [
            *(
                "id",
                "tool",
                "from_ring",
                "to_ring",
                "reason",
                "status",
                "proposer",
                "proposed_on",
                "applied_on",
                "note",
            ),
            *("owner", "team", "support", "when_to_use", "when_not", "getting_started", "instead"),
            *("next_review", "decision"),
        ]


class ReviewSerializer(serializers.Serializer[object]):
    next_review = serializers.DateField()


class ConfirmSerializer(serializers.Serializer[object]):
    """Names of fields that were unverified."""

    names = serializers.ListField(child=serializers.CharField(max_length=32), max_length=30)
