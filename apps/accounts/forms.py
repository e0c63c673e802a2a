"""Shapes of the accounts pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from apps.accounts.actions import LONGEST_TOKEN_DAYS
from apps.core.permissions import READ_SCOPE, scopes

if TYPE_CHECKING:
    from django.http import HttpRequest

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


class PasswordForm(PasswordChangeForm):
    """The current password, which is tried as at the sign-in, so that guesses count there and here together, and a new
    one twice.
    """

    error_messages = PasswordChangeForm.error_messages | {
        "password_incorrect": "This is not your current password. Capitals matter.",
        "password_mismatch": "This differs from the new password above. Type both again.",
    }

    def __init__(self, request: HttpRequest, user: User) -> None:
        super().__init__(user, request.POST or None)
        self.request = request
        current, new, again = (self.fields[name] for name in ("old_password", "new_password1", "new_password2"))
        current.label, again.label = "Current password", "New password, once more"
        new.help_text = "At least 8 characters; no common one, and not like your user name or address."
        again.help_text = ""

    def clean_old_password(self) -> str:
        typed: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=typed) != self.user:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return typed

    def validate_password_for_user(self, user: User, password_field_name: str = "") -> None:
        """What is wrong with the new password stands where it is typed first, and not where it is repeated."""
        super().validate_password_for_user(user, "new_password1")


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
