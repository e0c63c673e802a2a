"""Under which name a failed sign-in is counted: people type their password into the wrong field, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.crypto import salted_hmac

from apps.accounts.models import User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

DIGITS = 24


def counted_as(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The user's name; of what is nobody's name only a keyed digest, by which it is known again and never read."""
    typed = str((credentials or request.POST).get("username") or "")
    if "\0" not in typed and User.objects.filter(username=typed).exists():
        return typed
    digest = salted_hmac("apps.accounts.guessing", typed, algorithm="sha256").hexdigest()
    return f"nobody {digest[:DIGITS]}"
