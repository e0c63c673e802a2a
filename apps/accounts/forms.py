"""Shapes of the accounts pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.validators import validate_slug

from apps.accounts.actions import LONGEST_TOKEN_DAYS
from apps.core.permissions import READ_SCOPE, scopes

if TYPE_CHECKING:
    from apps.accounts.models import User


class TokenForm(forms.Form):
    """Name, scopes and life of a new API token."""

    name = forms.CharField(max_length=100, help_text="What will use it, for example “laptop” or “nightly CI”.")
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        initial=[READ_SCOPE],
        help_text="Never more than you may do yourself.",
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_TOKEN_DAYS,
        initial=settings.API_TOKEN_DAYS,
        label="Days until it expires",
    )

    families = forms.CharField(
        max_length=1_000,
        required=False,
        label="Only for the families",
        help_text="Their names in addresses, apart by spaces. Empty: all.",
    )
    teams = forms.CharField(
        max_length=1_000, required=False, label="Only for the teams", help_text="Likewise. Empty: all."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(scope, scope) for scope in scopes()]  # type: ignore[attr-defined]

    def clean_families(self) -> list[str]:
        return _slugs(self.cleaned_data["families"])

    def clean_teams(self) -> list[str]:
        return _slugs(self.cleaned_data["teams"])


class ServiceTokenForm(TokenForm):
    """A token for one of a team's service accounts."""

    account = forms.ChoiceField(label="For")
    field_order = ("account", "name", "days")

    def __init__(self, *args: Any, accounts: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].choices = [(one.username, one.username) for one in accounts]  # type: ignore[attr-defined]


class ServiceAccountForm(forms.Form):
    """A new service account; the action judges its name."""

    username = forms.CharField(
        max_length=150, label="User name", help_text="Such as ci-rides; it is not changed later."
    )
    name = forms.CharField(max_length=150, required=False, label="What it is", help_text="Such as “Nightly build”.")


def _slugs(text: str) -> list[str]:
    """A name that is none would narrow a token to nothing in silence."""
    slugs = text.replace(",", " ").split()
    for slug in slugs:
        validate_slug(slug)
    return slugs
