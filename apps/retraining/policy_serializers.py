"""API shapes of signals, incidents and policies."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.retraining.models import Firing, Incident, Pipeline, Policy, Signal
from apps.retraining.queries.watching import LONGEST_REHEARSAL_DAYS, Rehearsed
from apps.retraining.reports import READERS


class SignalSerializer(serializers.ModelSerializer[Signal]):
    family = serializers.CharField(source="family.slug")
    segment = serializers.CharField(source="segment.slug", allow_null=True, default=None)
    sent_by = serializers.CharField(source="sent_by.username")
    readings = serializers.ListField(child=serializers.DictField(), help_text="The report's findings, as it says them.")

    class Meta:
        model = Signal
        times = ("window_first", "window_last", "observed_at", "received_at", "settled_at")
        aside = ("set_aside_at", "set_aside_because")
        what = ("id", "family", "segment", "source", "kind", "is_alarm", "summary", "readings", "sent_by")
        fields: ClassVar = [*what, "incident", *times, *aside]


class NewSignalSerializer(serializers.Serializer[Any]):
    """A report as its tool wrote it, and what it is about."""

    family = serializers.SlugField()
    segment = serializers.CharField(required=False, allow_blank=True, default="", max_length=64)
    source: Any = serializers.ChoiceField(choices=sorted(READERS), help_text="`api` is the plain form.")
    report = serializers.JSONField()
    observed_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    window_first = serializers.DateField(required=False, allow_null=True, default=None)
    window_last = serializers.DateField(required=False, allow_null=True, default=None)


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    family = serializers.CharField(source="family.slug")
    segments = serializers.IntegerField(help_text="How many segments it is about.")
    closed_by = serializers.CharField(source="closed_by.username", allow_null=True, default=None)

    class Meta:
        model = Incident
        fields: ClassVar = ["id", "family", "kind", "segments", "opened_at", "closed_at", "closed_by", "note"]


class PolicySerializer(serializers.ModelSerializer[Policy]):
    family = serializers.CharField(source="family.slug")
    pipeline = serializers.CharField(source="pipeline.slug")
    owner = serializers.CharField(source="owner.username")
    parameters = serializers.DictField()

    class Meta:
        model = Policy
        when = ("trigger", "cron", "time_zone", "kinds", "in_a_row", "worse_by", "yardstick")
        what = ("parameters", "segments", "starts", "after_success", "cool_down_hours", "daily_cap")
        paused = ("paused_at", "paused_because")
        fields: ClassVar = ["id", "name", "family", "pipeline", "owner", *when, *what, *paused, "created_at"]


class PolicyTermsSerializer(serializers.Serializer[Any]):
    """When it fires, what it asks for, and how much at most."""

    name = serializers.CharField(max_length=100)
    family = serializers.SlugField()
    pipeline = serializers.SlugField()
    trigger = serializers.ChoiceField(choices=Policy.Trigger.choices)
    cron = serializers.CharField(required=False, allow_blank=True, default="", max_length=100)
    time_zone = serializers.CharField(required=False, default="UTC", max_length=64)
    kinds = serializers.ListField(child=serializers.CharField(max_length=16), required=False, default=list)
    in_a_row = serializers.IntegerField(required=False, default=1)
    worse_by = serializers.IntegerField(
        required=False, default=10, help_text="Percent by which a champion is worse on the newest month with labels."
    )
    yardstick = serializers.ChoiceField(
        choices=Policy.Yardstick.choices, required=False, default=Policy.Yardstick.PROMOTED.value
    )
    parameters = serializers.DictField(required=False, default=dict)
    segments = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, allow_null=True, default=None, max_length=5_000
    )
    starts = serializers.BooleanField(required=False, default=False)
    after_success = serializers.ChoiceField(
        choices=Pipeline.AfterSuccess.choices, required=False, allow_blank=True, default=""
    )
    cool_down_hours = serializers.IntegerField(required=False, default=24)
    daily_cap = serializers.IntegerField(required=False, default=200)


class FiringSerializer(serializers.ModelSerializer[Firing]):
    policy = serializers.IntegerField(source="policy_id")
    decided_by = serializers.CharField(source="decided_by.username", allow_null=True, default=None)

    class Meta:
        model = Firing
        fields: ClassVar = ["id", "policy", "outcome", "reason", "segments", "signals", "request", "at", "decided_by"]


class RehearsalSerializer(serializers.Serializer[Any]):
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_REHEARSAL_DAYS, required=False, default=31)


class RehearsedSerializer(serializers.Serializer[Rehearsed]):
    """What it would have decided then."""

    at = serializers.DateTimeField()
    fires = serializers.BooleanField()
    reason = serializers.CharField()
    segments = serializers.ListField(child=serializers.CharField())


class WhySerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2_000)


class NoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=2_000)
