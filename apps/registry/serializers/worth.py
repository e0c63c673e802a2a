"""API shapes of whether a model of its own is worth it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.registry.worth import Winner


class RivalSerializer(serializers.Serializer[Any]):
    """On the same rows; the difference is positive where the segment's own model is better."""

    metric = serializers.FloatField()
    difference = serializers.FloatField()
    lower = serializers.FloatField(allow_null=True, help_text="One-sided 95 % bound.")
    upper = serializers.FloatField(allow_null=True, help_text="One-sided 95 % bound.")


class WorthRowSerializer(serializers.Serializer[Any]):
    """A segment's own model beside the shared one and the plain baseline."""

    segment = serializers.SlugField()
    name = serializers.CharField()
    region = serializers.CharField()
    evaluation = serializers.IntegerField(help_text="Its errors by day: /api/v1/evaluations/{id}/daily/.")
    rows = serializers.IntegerField()
    days = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Of its own model.")
    trained_from = serializers.DateField(allow_null=True)
    trained_through = serializers.DateField(allow_null=True)
    own = serializers.FloatField(help_text="Metric of its own model.")
    shared = RivalSerializer()
    shared_model = serializers.CharField()
    shared_version = serializers.IntegerField()
    shared_from = serializers.DateField(allow_null=True)
    shared_through = serializers.DateField(allow_null=True)
    baseline = RivalSerializer(allow_null=True)
    winner = serializers.ChoiceField(choices=[str(one) for one in Winner])
    is_sure = serializers.BooleanField(help_text="The bounds say so too.")


class TallySerializer(serializers.Serializer[Any]):
    """How many segments each wins, and how often segments' own models beat each rival alone."""

    total = serializers.IntegerField()
    own = serializers.IntegerField()
    shared = serializers.IntegerField()
    baseline = serializers.IntegerField()
    surely_own = serializers.IntegerField()
    beats_shared = serializers.IntegerField()
    beats_baseline = serializers.IntegerField()
    with_baseline = serializers.IntegerField()
    unfair = serializers.IntegerField(help_text="Trained on other days than the shared model.")
    own_mean = serializers.FloatField(allow_null=True)
    shared_mean = serializers.FloatField(allow_null=True)
    baseline_mean = serializers.FloatField(allow_null=True)


class MonthSerializer(serializers.Serializer[Any]):
    month = serializers.CharField(source="key")
    first = serializers.DateField()
    last = serializers.DateField()
    tally = TallySerializer()


class WorthSerializer(serializers.Serializer[Any]):
    """Every month in sum, the newest first, and one of them segment by segment."""

    family = serializers.SlugField(source="family.slug")
    baseline = serializers.CharField(help_text="Name of the plain baseline; empty where the family has none.")
    months = MonthSerializer(many=True)
    total = TallySerializer(help_text="Of all months together.")
    month = serializers.CharField(source="month.key", allow_null=True, default=None)
    rows = WorthRowSerializer(many=True)
    being_compared = serializers.IntegerField()


class WhichMonthSerializer(serializers.Serializer[Any]):
    month = serializers.CharField(
        required=False, default="", max_length=20, help_text="Such as 2013-07; the newest if not said."
    )
