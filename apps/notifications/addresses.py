"""Which addresses the portal calls for a person: the rules of the settings, in this app's words."""

import re
from collections.abc import Sequence

from django.conf import settings

from apps.core.errors import Invalid
from apps.notifications import mlflow_events
from apps.platforms import outgoing

NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", re.IGNORECASE)


def rules() -> outgoing.Rules:
    return outgoing.Rules.of(settings.WEBHOOK_SCHEMES, settings.WEBHOOK_PRIVATE_NETWORKS)


def check_url(url: str) -> str:
    """Looks the host up, so not inside a transaction. Raises Invalid, in MLflow's words where it has some."""
    if not url.strip():
        raise Invalid(f"Webhook URL cannot be empty or just whitespace: {url!r}", field="url")
    try:
        outgoing.check(url, rules())
    except outgoing.WrongScheme as error:
        raise Invalid(f"Invalid webhook URL {error}", field="url") from error
    except (outgoing.Refused, outgoing.Unreachable) as error:
        raise Invalid(f"Invalid webhook URL {url[:200]!r}: {error}", field="url") from error
    return url


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Invalid(
            f"Webhook name {name[:100]!r} is invalid. It must start and end with a letter or digit, be less than 63 "
            "characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).",
            field="name",
        )
    return name


def check_events(events: Sequence[str]) -> list[str]:
    """Each once, in MLflow's order."""
    unknown = [name for name in events if name not in mlflow_events.EXAMPLES]
    if unknown:
        raise Invalid(f"There is no webhook event {unknown[0][:100]!r}.", field="events")
    if not events:
        raise Invalid("Webhook events must be a non-empty list: choose at least one.", field="events")
    return [name for name in mlflow_events.NAMES if name in events]
