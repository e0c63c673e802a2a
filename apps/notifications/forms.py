"""Shapes of the pages of webhooks."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from apps.accounts.queries import team
from apps.core.permissions import allowed
from apps.notifications import mlflow_events, queries
from apps.notifications.actions.webhooks import LONGEST_DESCRIPTION, LONGEST_SECRET
from apps.notifications.models import Kind, MailChoice, Webhook

if TYPE_CHECKING:
    from apps.accounts.models import User

EVENTS = mlflow_events.CHOICES
USUAL = ["model_version.created", "model_version_alias.created"]


class WebhookForm(forms.Form):
    """What a webhook is; the actions judge it."""

    name = forms.CharField(max_length=63, help_text="Letters, digits, dots, underscores and hyphens.")
    url = forms.CharField(
        label="Address", max_length=2_000, help_text="Is called with POST. It must be reachable when you save."
    )
    events = forms.MultipleChoiceField(
        choices=EVENTS, widget=forms.CheckboxSelectMultiple, initial=USUAL, help_text="In MLflow's words."
    )
    description = forms.CharField(max_length=LONGEST_DESCRIPTION, required=False)
    secret = forms.CharField(
        max_length=LONGEST_SECRET,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="Signs what is sent (X-MLflow-Signature). It is stored encrypted and never shown again.",
    )

    def as_said(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class NewWebhookForm(WebhookForm):
    """With whose things it hears of, which stays as it is."""

    team = forms.ChoiceField(
        required=False,
        label="Hears of",
        help_text="A team's own things, or everything that is not restricted to teams.",
    )
    field_order = ("name", "url", "team", "events")

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        whole = [("", "Everything unrestricted")] if allowed(actor, "notifications.create_webhook") else []
        choices = [*whole, *((owner.slug, owner.name) for owner in queries.owners(actor))]
        self.fields["team"].choices = choices  # type: ignore[attr-defined]

    def as_said(self) -> dict[str, Any]:
        slug = self.cleaned_data["team"]
        return self.cleaned_data | {"team": team(slug=slug) if slug else None}


class EditWebhookForm(WebhookForm):
    """An empty secret keeps the one that is there."""

    status = forms.ChoiceField(choices=Webhook.Status, label="State")
    without_secret = forms.BooleanField(required=False, label="Take the secret away: send unsigned")
    field_order = ("name", "url", "status", "events")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].help_text = "Leave it empty to keep the one that is stored."

    def as_said(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        if said.pop("without_secret"):
            return said | {"secret": ""}
        return said | {"secret": said["secret"] or None}


class TestForm(forms.Form):
    """Which event's example is sent."""

    event = forms.ChoiceField(choices=EVENTS)


def initial(webhook: Webhook) -> dict[str, Any]:
    """The webhook as the form shows it: everything but the secret."""
    return {name: getattr(webhook, name) for name in ("name", "url", "events", "description", "status")}


class MailForm(forms.Form):
    """What I am mailed."""

    wanted = forms.MultipleChoiceField(
        choices=Kind, required=False, widget=forms.CheckboxSelectMultiple, label="Mail me when there is"
    )
    muted_until = forms.DateField(
        required=False,
        label="Not before",
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="Until that day nothing is mailed to you; your inbox on the home page shows it all the same.",
    )

    def as_said(self) -> dict[str, Any]:
        day = self.cleaned_data["muted_until"]
        unwanted = [kind for kind in Kind.values if kind not in self.cleaned_data["wanted"]]
        return {"unwanted": unwanted, "muted_until": day and datetime.combine(day, time(), tzinfo=UTC)}


class ChannelForm(forms.Form):
    """Where a team is told."""

    address = forms.CharField(
        max_length=2_000,
        help_text="Of an incoming webhook of Slack, Mattermost or alike. Stored encrypted, never shown again.",
    )


def chosen(choice: MailChoice) -> dict[str, Any]:
    """The person's choice as the form shows it."""
    until = choice.muted_until
    wanted = [kind for kind in Kind.values if kind not in choice.unwanted]
    return {"wanted": wanted, "muted_until": until.date() if until and until > timezone.now() else None}
