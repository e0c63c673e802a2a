"""API shapes of decisions: people by username, teams, tools and needs by slug, decisions by label."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.catalog.actions import MOST_OPTIONS
from apps.catalog.costs import MOST
from apps.catalog.models import Decision, Option, Sourcing
from apps.catalog.serializers.base import MOST_ROWS, ReasonSerializer, named, prose


class OptionSerializer(serializers.ModelSerializer[Option]):
    tool = named("slug", null=True)

    class Meta:
        model = Option
        fields: ClassVar = ["label", "tool", "chosen", "why", "sourcing", "scores", "costs"]


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    """`number` is its label, such as ADR-0007."""

    number = serializers.CharField(source="label", read_only=True)
    capability = named("slug")
    author = named("username")
    proposer = named("username", null=True)
    decided_by = named("username", null=True)
    superseded_by = named("label", null=True)
    owner = named("username", null=True)
    team = named("slug", null=True)
    tool = named("slug", null=True)
    renews = named("label", null=True)
    moves_from = named("slug", null=True)
    trigger_tool = named("slug", null=True)
    trigger_gap: serializers.PrimaryKeyRelatedField[Any] = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True
    )
    options = OptionSerializer(many=True, read_only=True)

    class Meta:
        model = Decision
        fields: ClassVar = [
            *(
                "number",
                "kind",
                "title",
                "status",
                "sourcing",
                "capability",
                "context",
                "drivers",
                "criteria",
                "options",
            ),
            *("outcome", "consequences", "confirmation", "revisit_on", "look_again_on", "trigger"),
            *(
                "trigger_kind",
                "trigger_tool",
                "trigger_gap",
                "trigger_limit",
                "trigger_met_on",
                "weeks_saved",
                "postponed_times",
            ),
            *(
                "due_since",
                "due_because",
                "owner",
                "visibility",
                "team",
                "tool",
                "expires_on",
                "renews",
                "moves_from",
                "move_by",
            ),
            *("guide", "author", "proposer", "decided_by", "decided_on", "superseded_by", "closed_because", "known"),
            *("verdict", "looking_back", "looked_back_on"),
        ]


def amounts() -> serializers.ListField:
    """A range: [low, high]."""
    amount = serializers.FloatField(min_value=0, max_value=MOST)
    return serializers.ListField(child=amount, min_length=2, max_length=2, required=False)


class CostInputsSerializer(serializers.Serializer[object]):
    """Ranges [low, high] and numbers; without all of learning, people, integration, running and years: no number."""

    learning_days = amounts()
    people = serializers.FloatField(min_value=0, max_value=MOST, required=False)
    integration_weeks = amounts()
    running_weeks = amounts()
    money = amounts()
    years = serializers.FloatField(min_value=0, max_value=50, required=False)
    week_rate = serializers.FloatField(min_value=0, max_value=MOST, required=False)


class OptionDraftSerializer(serializers.Serializer[object]):
    """A tool of the catalog (its slug), or a label in your own words."""

    label = serializers.CharField(max_length=100, required=False, allow_blank=True)  # type: ignore[assignment]
    tool = serializers.SlugField(required=False, allow_null=True)
    chosen = serializers.BooleanField(default=False)
    why = serializers.CharField(max_length=500, required=False, allow_blank=True)
    sourcing = serializers.ChoiceField(Sourcing.choices, required=False, allow_blank=True)
    scores = serializers.DictField(child=serializers.FloatField(min_value=0, max_value=5), required=False)
    costs = CostInputsSerializer(required=False)


class CriterionSerializer(serializers.Serializer[object]):
    name = serializers.CharField(max_length=60)
    weight = serializers.IntegerField(min_value=1, max_value=5)


class DecisionEditSerializer(serializers.Serializer[object]):
    """`options`, when sent, replace the ones there are."""

    title = serializers.CharField(max_length=200, required=False)
    capability = serializers.SlugField(required=False)
    sourcing = serializers.ChoiceField(Sourcing.choices, required=False)
    kind = serializers.ChoiceField(Decision.Kind.choices, required=False)
    context = prose()  # type: ignore[assignment]
    drivers = prose()
    outcome = prose()
    consequences = prose()
    confirmation = prose()
    criteria = serializers.ListField(child=CriterionSerializer(), required=False, max_length=12)
    revisit_on = serializers.DateField(required=False, allow_null=True)
    trigger = serializers.CharField(max_length=300, required=False, allow_blank=True)
    trigger_kind = serializers.ChoiceField(Decision.Trigger.choices, required=False)
    trigger_tool = serializers.SlugField(required=False, allow_null=True)
    trigger_gap = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, allow_null=True)
    trigger_limit = serializers.IntegerField(min_value=0, max_value=MOST_ROWS, required=False, allow_null=True)
    weeks_saved = serializers.IntegerField(min_value=0, max_value=10_000, required=False, allow_null=True)
    owner = serializers.CharField(max_length=150, required=False, allow_null=True)
    visibility = serializers.ChoiceField(Decision.Visibility.choices, required=False)
    team = serializers.SlugField(required=False, allow_null=True)
    tool = serializers.SlugField(required=False, allow_null=True)
    expires_on = serializers.DateField(required=False, allow_null=True)
    renews = serializers.CharField(max_length=20, required=False, allow_null=True)
    moves_from = serializers.SlugField(required=False, allow_null=True)
    move_by = serializers.DateField(required=False, allow_null=True)
    guide = serializers.URLField(max_length=200, required=False, allow_blank=True)
    options = serializers.ListField(child=OptionDraftSerializer(), required=False, max_length=MOST_OPTIONS)


class NewDecisionSerializer(DecisionEditSerializer):
    title = serializers.CharField(max_length=200)
    capability = serializers.SlugField()
    sourcing = serializers.ChoiceField(Sourcing.choices)


class CloseSerializer(ReasonSerializer):
    """`trigger_met_on`, where the outside world delivered: the day on which it did."""

    trigger_met_on = serializers.DateField(required=False, allow_null=True)


class PostponeSerializer(ReasonSerializer):
    until = serializers.DateField()


class LookBackSerializer(serializers.Serializer[object]):
    verdict = serializers.ChoiceField(Decision.Verdict.choices)
    text = prose()


class SupersedeSerializer(serializers.Serializer[object]):
    by = serializers.CharField(max_length=20, help_text="The accepted decision that takes its place: ADR-0031.")
