"""Shapes of the accounts pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import validate_slug

from apps.accounts.actions import LONGEST_TOKEN_DAYS
from apps.core.permissions import READ_SCOPE, scopes


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


def _slugs(text: str) -> list[str]:
    """A name that is none would narrow a token to nothing in silence."""
    slugs = text.replace(",", " ").split()
    for slug in slugs:
        validate_slug(slug)
    return slugs
