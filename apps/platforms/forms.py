"""Shapes of the pages of connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from apps.platforms.actions import LONGEST_ADDRESS, LONGEST_NAME, LONGEST_SECRET
from apps.platforms.kinds import KINDS
from apps.platforms.models import Connection, OutsideLink
from apps.platforms.templating import LONGEST_TEMPLATE


class ConnectionForm(forms.Form):
    """A new connection; the actions judge it."""

    kind = forms.ChoiceField(choices=lambda: [(name, kind.label) for name, kind in KINDS.items()])
    name = forms.CharField(max_length=64, help_text="Small letters, digits and hyphens; commands and pages call it so.")
    address = forms.CharField(
        max_length=LONGEST_ADDRESS,
        help_text="Such as https://mlflow.example.org or https://airflow.example.org/prod. Of S3 with its bucket and "
        "prefix, https://s3.example.org/lake/raw, perhaps with ?region=eu-central-1: whoever may see a version that "
        "names data below it can download them.",
    )
    secret = forms.CharField(
        max_length=LONGEST_SECRET,
        required=False,
        label="Credential",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="A token, or user:password; of S3 the key’s ID:SECRET; for Cloud Composer the JSON key of a service "
        "account, or google. It is stored encrypted and never shown again.",
    )

    def as_said(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class EditConnectionForm(ConnectionForm):
    """An empty credential keeps the one that is there."""

    kind = None  # type: ignore[assignment]  # stays as it is
    without_secret = forms.BooleanField(required=False, label="Take the credential away: call without one")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].help_text = "Empty keeps the stored one; a new address needs it again."

    def as_said(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        if said.pop("without_secret"):
            return said | {"secret": ""}
        return said | {"secret": said["secret"] or None}


class LinkForm(forms.Form):
    """A link out, new or changed; the actions judge it."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="What its button says, such as Open in Airflow.")
    template = forms.CharField(
        max_length=LONGEST_TEMPLATE,
        label="Address",
        widget=forms.TextInput({"spellcheck": "false", "class": "mono"}),
        help_text="Such as https://grafana.example.org/d/eta?var-city={segment}; what can be filled in is listed here.",
    )
    pages = forms.MultipleChoiceField(
        choices=OutsideLink.Page,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Only on",
        help_text="None chosen: wherever all that it names is known.",
    )
    connection = forms.ChoiceField(
        required=False, label="Only for what ran on", help_text="For an address that knows the runs of one platform."
    )

    def __init__(self, *args: Any, connections: Iterable[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["connection"].choices = [("", "Anywhere"), *((one.name, one.name) for one in connections)]  # type: ignore[attr-defined]


def link_initial(link: OutsideLink) -> dict[str, Any]:
    said = {"name": link.name, "template": link.template, "pages": link.pages}
    return said | {"connection": link.connection.name if link.connection else ""}


def initial(connection: Connection) -> dict[str, Any]:
    """The connection as the form shows it: everything but the credential."""
    return {"name": connection.name, "address": connection.address}
