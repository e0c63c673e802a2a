"""API shapes of gaps, requests, usage, editions, measures and imports."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from apps.catalog.exchange.sheet import MOST_BYTES
from apps.catalog.models import FeatureGap, RadarEdition, ToolRequest, Usage
from apps.catalog.serializers.base import MOST_ROWS, named, prose


class GapSerializer(serializers.ModelSerializer[FeatureGap]):
    tool = named("slug")
    better = named("slug", null=True)
    reporter = named("username")
    hurts: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField("slug", read_only=True, many=True)

    class Meta:
        model = FeatureGap
        fields: ClassVar = [
            *("id", "tool", "title", "pain", "hurts", "workaround", "upstream_url", "upstream", "better", "reporter"),
            *("opened_on", "closed_on"),
        ]


class GapEditSerializer(serializers.Serializer[object]):
    title = serializers.CharField(max_length=200, required=False)
    pain = serializers.IntegerField(min_value=1, max_value=5, required=False)
    workaround = prose()
    upstream_url = serializers.URLField(max_length=200, required=False, allow_blank=True)
    upstream = serializers.ChoiceField(FeatureGap.Upstream.choices, required=False)
    better = serializers.SlugField(required=False, allow_null=True)
    hurts = serializers.ListField(child=serializers.SlugField(), required=False, max_length=50)


class NewGapSerializer(GapEditSerializer):
    tool = serializers.SlugField()
    title = serializers.CharField(max_length=200)


class ToolRequestSerializer(serializers.ModelSerializer[ToolRequest]):
    tool = named("slug", null=True)
    capability = named("slug")
    team = named("slug")
    requester = named("username")
    decision = named("label", null=True)
    answered_by = named("username", null=True)

    class Meta:
        model = ToolRequest
        fields: ClassVar = [
            *(
                "id",
                "name",
                "tool",
                "capability",
                "need",
                "why_not_existing",
                "team",
                "people",
                "connects_to",
                "status",
            ),
            *("requester", "asked_on", "outcome", "decision", "gap", "duplicate_of", "answer", "answered_by"),
            "answered_on",
        ]


class WhatIfQuestionSerializer(serializers.Serializer[object]):
    capability = serializers.SlugField()
    tool = serializers.SlugField(required=False, allow_null=True)
    people = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    team = serializers.SlugField(required=False, allow_null=True)


class NewToolRequestSerializer(WhatIfQuestionSerializer):
    name = serializers.CharField(max_length=100)
    need = prose(required=True, allow_blank=False)
    why_not_existing = prose(required=True, allow_blank=False)
    team = serializers.SlugField()
    people = serializers.IntegerField(min_value=1, max_value=10_000)
    connects_to = serializers.CharField(max_length=300, required=False, allow_blank=True)


class WhatIfSerializer(serializers.Serializer[object]):
    """`learning_days` is a range in words; null where nobody has said how long it takes."""

    nearest = serializers.SlugField(allow_null=True)
    gaps = GapSerializer(many=True)
    same_need = serializers.ListField(child=serializers.SlugField())
    in_use = serializers.IntegerField()
    learning_days = serializers.CharField(allow_null=True)
    team_uses = serializers.ListField(child=serializers.SlugField())


class AnswerSerializer(serializers.Serializer[object]):
    """`outcome`, and what it names: decision (for an exception too), gap or duplicate_of."""

    outcome = serializers.ChoiceField(ToolRequest.Outcome.choices)
    words = serializers.CharField(max_length=500, required=False, allow_blank=True)
    decision = serializers.CharField(max_length=20, required=False, allow_null=True)
    gap = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, allow_null=True)
    duplicate_of = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, required=False, allow_null=True)


class UsageSerializer(serializers.ModelSerializer[Usage]):
    tool = named("slug")
    team = named("slug", null=True)

    class Meta:
        model = Usage
        fields: ClassVar = [
            *("id", "tool", "kind", "name", "team", "how", "version", "evidence", "since", "last_seen", "until"),
        ]


class NewUsageSerializer(serializers.Serializer[object]):
    tool = serializers.SlugField()
    kind = serializers.ChoiceField(Usage.Kind.choices)
    name = serializers.CharField(max_length=200)
    team = serializers.SlugField()
    evidence = serializers.CharField(max_length=300, required=False, allow_blank=True)


class EditionSerializer(serializers.ModelSerializer[RadarEdition]):
    publisher = named("username")

    class Meta:
        model = RadarEdition
        fields: ClassVar = ["name", "published_on", "publisher", "blips"]


class NewEditionSerializer(serializers.Serializer[object]):
    name = serializers.SlugField(max_length=32)


class MeasureSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    value = serializers.CharField()
    formula = serializers.CharField()


class SignSerializer(serializers.Serializer[object]):
    tool = serializers.SlugField(source="tool.slug")
    what = serializers.CharField()
    since = serializers.DateField(allow_null=True)


class OverviewSerializer(serializers.Serializer[object]):
    """Measures with their formulas, and what got weaker."""

    measures = MeasureSerializer(many=True)
    signs = SignSerializer(many=True)


class NewImportSerializer(serializers.Serializer[object]):
    """The text of a file of any known format. `dry_run` only says what would change."""

    content = serializers.CharField(max_length=MOST_BYTES, trim_whitespace=False)
    source = serializers.CharField(max_length=200, required=False, allow_blank=True)  # type: ignore[assignment]
    dry_run = serializers.BooleanField(default=True)
    team = serializers.SlugField(required=False, allow_null=True)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ProblemSerializer(serializers.Serializer[object]):
    line = serializers.IntegerField()
    sentence = serializers.CharField()


class DifferenceSerializer(serializers.Serializer[object]):
    format = serializers.CharField()
    items = serializers.IntegerField()
    written = serializers.BooleanField()
    added = serializers.ListField(child=serializers.CharField())
    changed = serializers.ListField(child=serializers.CharField())
    kept = serializers.ListField(child=serializers.CharField(), help_text="People here wrote it: it stays.")
    proposed = serializers.ListField(child=serializers.CharField())
    gone = serializers.ListField(child=serializers.CharField())
    same = serializers.IntegerField()
    problems = ProblemSerializer(many=True)
