"""A receiver that may be reached, a webhook that calls it, and the outbox read as far as it is settled."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from apps.accounts.models import User
from apps.notifications import actions
from apps.notifications.models import Webhook
from tests.notifications.receivers import Receiver, receiving
from tests.registry.conftest import atlanta, boston, evaluate, family, make_champion, make_version

__all__ = ["atlanta", "boston", "evaluate", "family", "make_champion", "make_version"]

MakeWebhook = Callable[..., Webhook]


@pytest.fixture(autouse=True)
def inside_is_allowed(settings: Settings) -> None:
    settings.WEBHOOK_SCHEMES = ["http", "https"]
    settings.WEBHOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def make_webhook(admin: User, receiver: Receiver) -> MakeWebhook:
    def make(**chosen: Any) -> Webhook:
        known: dict[str, Any] = {
            "actor": admin,
            "name": "ci",
            "url": receiver.address,
            "events": ["model_version.created"],
        }
        return actions.create_webhook(**known | chosen)

    return make


def read_everything() -> None:
    """Reads the outbox until it has passed what this test wrote: any transaction of the server, of other tests too,
    holds it back.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(transaction), 0) FROM audit_auditevent")
        ((last,),) = cursor.fetchall()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            actions.read_outbox()
            cursor.execute("SELECT coalesce(max(transaction), 0) FROM notifications_cursor")
            if cursor.fetchone() == (last,):
                return
            time.sleep(0.05)
    raise AssertionError("the outbox was held back for a minute")
