"""Shapes of the accounts pages."""

from typing import Any

from django import forms
from django.conf import settings

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(scope, scope) for scope in scopes()]  # type: ignore[attr-defined]
