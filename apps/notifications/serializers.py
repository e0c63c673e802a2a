"""API shapes of webhooks and deliveries."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.accounts.queries import teams
from apps.notifications import mlflow_events
from apps.notifications.actions.webhooks import LONGEST_DESCRIPTION, LONGEST_SECRET
from apps.notifications.models import Attempt, Channel, Delivery, Kind, MailChoice, Webhook

EVENTS = mlflow_events.CHOICES


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A webhook. Its secret is never answered; `signed` says whether there is one."""

    id: Any = serializers.UUIDField(source="uuid")
    team: Any = serializers.SlugRelatedField("slug", read_only=True, help_text="Null: hears of all unrestricted.")
    signed = serializers.SerializerMethodField()
    created_by: Any = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = Webhook
        fields: ClassVar = [
            *("id", "name", "url", "events", "description", "status", "team"),
            *("signed", "created_by", "created_at", "updated_at"),
        ]

    def get_signed(self, webhook: Webhook) -> bool:
        return bool(webhook.sealed_secret)


class ChangedWebhookSerializer(serializers.Serializer[object]):
    """What may change; what is left out stays. An empty secret takes it away."""

    name = serializers.CharField(max_length=63, required=False)
    url = serializers.CharField(max_length=2_000, required=False)
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS), required=False, max_length=20)
    description = serializers.CharField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)
    secret = serializers.CharField(max_length=LONGEST_SECRET, required=False, allow_blank=True, write_only=True)
    status = serializers.ChoiceField(choices=Webhook.Status.choices, required=False)


class NewWebhookSerializer(ChangedWebhookSerializer):
    """A new webhook; without a team (platform admins only) it hears of everything unrestricted."""

    name = serializers.CharField(max_length=63)
    url = serializers.CharField(max_length=2_000)
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS), max_length=20)
    team: Any = serializers.SlugRelatedField("slug", queryset=teams(), required=False, allow_null=True)


class TestEventSerializer(serializers.Serializer[object]):
    event = serializers.ChoiceField(choices=EVENTS, required=False, help_text="The webhook's first if left out.")


class TestResultSerializer(serializers.Serializer[object]):
    """What came back. The body is answered to platform admins only."""

    success = serializers.BooleanField(source="taken")
    response_status = serializers.IntegerField(source="status", allow_null=True)
    response_body = serializers.CharField(source="body")
    problem = serializers.CharField()


class DeliveryAttemptSerializer(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields: ClassVar = ["number", "at", "seconds", "response_status", "problem"]


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event on its way to one webhook; `id` is what the receiver knows it by."""

    id: Any = serializers.UUIDField(source="uuid")
    event = serializers.CharField(source="event.action", help_text="The audit's word for what happened.")
    of = serializers.CharField(source="event.target_name")
    next_try: Any = serializers.SerializerMethodField()
    attempts = DeliveryAttemptSerializer(many=True)

    class Meta:
        model = Delivery
        fields: ClassVar = [
            *("id", "event", "of", "status", "response_status", "problem", "next_try"),
            *("created_at", "ended_at", "attempts"),
        ]

    def get_next_try(self, delivery: Delivery) -> str | None:
        return delivery.next_at.isoformat() if delivery.status == Delivery.Status.WAITING else None


class MailChoiceSerializer(serializers.Serializer[MailChoice]):
    unwanted = serializers.ListField(
        child=serializers.ChoiceField(choices=Kind.choices), max_length=20, help_text="Kinds that are not mailed."
    )
    muted_until = serializers.DateTimeField(required=False, allow_null=True, help_text="Nothing is mailed before.")


class ChannelSerializer(serializers.Serializer[Channel]):
    team = serializers.CharField(source="team.slug")
    host = serializers.CharField(help_text="What may be shown of the address; empty: the team has no channel.")


class NewChannelSerializer(serializers.Serializer[object]):
    address = serializers.CharField(max_length=2_000, help_text="Of a Slack-compatible incoming webhook.")
