"""API shapes of the catalog: people by username, teams, tools and capabilities by slug, decisions by label."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.catalog.actions import MOST_OPTIONS
from apps.catalog.models import LONGEST_TEXT, TOOL_SOURCING, Capability, Decision, Option, Position, Sourcing, Tool


def named(by: str, *, null: bool = False) -> serializers.SlugRelatedField[Any]:
    """A related thing by one of its own words."""
    return serializers.SlugRelatedField(by, read_only=True, allow_null=null)


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

    class Meta:
        model = Position
        fields: ClassVar = [
            *("ring", "since", "owner", "team", "support", "when_to_use", "when_not", "getting_started"),
            *("instead", "next_review", "decision", "revision"),
        ]


class ToolSerializer(serializers.ModelSerializer[Tool]):
    """Facts about a tool; `position` is null where the company has no opinion of it."""

    capability = named("slug")
    position = PositionSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Tool
        fields: ClassVar = [
            *("slug", "name", "summary", "capability", "sourcing", "homepage", "licence", "ecosystem", "position"),
        ]


class ToolEditSerializer(serializers.Serializer[object]):
    name = serializers.CharField(max_length=100, required=False)
    summary = serializers.CharField(max_length=280, required=False)
    capability = serializers.SlugField(required=False)
    sourcing = serializers.ChoiceField(TOOL_SOURCING, required=False)
    homepage = serializers.URLField(max_length=200, required=False, allow_blank=True)
    licence = serializers.CharField(max_length=64, required=False, allow_blank=True)
    ecosystem = serializers.CharField(max_length=64, required=False, allow_blank=True)


class NewToolSerializer(ToolEditSerializer):
    slug = serializers.SlugField(max_length=64)
    name = serializers.CharField(max_length=100)
    summary = serializers.CharField(max_length=280)
    capability = serializers.SlugField()
    sourcing = serializers.ChoiceField(TOOL_SOURCING)


class PositionEditSerializer(serializers.Serializer[object]):
    """What is sent is changed; moving to another `ring` needs a `reason`. `revision` is the one you looked at."""

    ring = serializers.ChoiceField(Position.Ring.choices, required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    owner = serializers.CharField(max_length=150, required=False, allow_null=True)
    team = serializers.SlugField(required=False, allow_null=True)
    support = serializers.CharField(max_length=200, required=False, allow_blank=True)
    when_to_use = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)
    when_not = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)
    getting_started = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)
    instead = serializers.SlugField(required=False, allow_null=True)
    next_review = serializers.DateField(required=False, allow_null=True)
    decision = serializers.CharField(max_length=20, required=False, allow_null=True)


class OptionSerializer(serializers.ModelSerializer[Option]):
    tool = named("slug", null=True)

    class Meta:
        model = Option
        fields: ClassVar = ["label", "tool", "chosen", "why"]


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    """`number` is its label, such as ADR-0007."""

    number = serializers.CharField(source="label", read_only=True)
    capability = named("slug")
    author = named("username")
    proposer = named("username", null=True)
    decided_by = named("username", null=True)
    superseded_by = named("label", null=True)
    options = OptionSerializer(many=True, read_only=True)

    class Meta:
        model = Decision
        fields: ClassVar = [
            *("number", "title", "status", "sourcing", "capability", "context", "options", "outcome"),
            *("revisit_on", "trigger", "author", "proposer", "decided_by", "decided_on", "superseded_by"),
            "closed_because",
        ]


class OptionDraftSerializer(serializers.Serializer[object]):
    """A tool of the catalog (its slug), or a label in your own words."""

    label = serializers.CharField(max_length=100, required=False, allow_blank=True)  # type: ignore[assignment]
    tool = serializers.SlugField(required=False, allow_null=True)
    chosen = serializers.BooleanField(default=False)
    why = serializers.CharField(max_length=500, required=False, allow_blank=True)


class DecisionEditSerializer(serializers.Serializer[object]):
    """`options`, when sent, replace the ones there are."""

    title = serializers.CharField(max_length=200, required=False)
    capability = serializers.SlugField(required=False)
    sourcing = serializers.ChoiceField(Sourcing.choices, required=False)
    context = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)  # type: ignore[assignment]
    outcome = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)
    revisit_on = serializers.DateField(required=False, allow_null=True)
    trigger = serializers.CharField(max_length=300, required=False, allow_blank=True)
    options = serializers.ListField(child=OptionDraftSerializer(), required=False, max_length=MOST_OPTIONS)


class NewDecisionSerializer(DecisionEditSerializer):
    title = serializers.CharField(max_length=200)
    capability = serializers.SlugField()
    sourcing = serializers.ChoiceField(Sourcing.choices)


class NoteSerializer(serializers.Serializer[object]):
    note = serializers.CharField(max_length=500, default="", allow_blank=True)


class ReasonSerializer(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=500)


class SupersedeSerializer(serializers.Serializer[object]):
    by = serializers.CharField(max_length=20, help_text="The accepted decision that takes its place: ADR-0031.")
