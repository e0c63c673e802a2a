"""How a message leaves the portal: one function for each kind of destination. None of them touches a row."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from apps.core.errors import Unavailable
from apps.core.keyring import unseal
from apps.notifications.addresses import rules
from apps.notifications.mlflow_events import Announcement
from apps.platforms import outgoing

if TYPE_CHECKING:
    from apps.notifications.models import Webhook

TRY_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Outcome:
    """How one try ended. `problem` is "" when it was taken; `final` when another try changes nothing; `dropped` when
    nothing was sent because nobody wants it any more.

    `status` is the receiver's HTTP status and `body` what it said, where it answered; `wait` the seconds it asked for.
    """

    problem: str = ""
    final: bool = False
    dropped: bool = False
    status: int | None = None
    body: str = ""
    wait: float | None = None

    @property
    def taken(self) -> bool:
        return not self.problem


def post_webhook(webhook: Webhook, announcement: Announcement, *, delivery: UUID, at: datetime) -> Outcome:
    """As MLflow sends it. `at` is when the thing happened; the timestamp that is signed is when it is sent."""
    body = json.dumps(announcement.body(at))
    try:
        headers = _headers(webhook, str(delivery), str(int(time.time())), body)
    except Unavailable as error:
        return Outcome(problem=error.message, final=True)
    return post_json(webhook.url, body, headers)


def signature(secret: str, delivery: str, timestamp: str, body: str) -> str:
    """`v1,<base64 of HMAC-SHA256>` over delivery id, timestamp and body, joined by dots."""
    digest = hmac.new(secret.encode(), f"{delivery}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def post_json(address: str, body: str, headers: dict[str, str]) -> Outcome:
    headers = {"Content-Type": "application/json", "User-Agent": "ml-platform-portal", **headers}
    try:
        answer = outgoing.post(
            address,
            body=body.encode(),
            headers=headers,
            rules=rules(),
            seconds=settings.WEBHOOK_TIMEOUT_SECONDS,
        )
    except outgoing.Refused as error:
        return Outcome(problem=f"Not sent. {error}", final=True)
    except outgoing.Unreachable as error:
        return Outcome(problem=str(error))
    return _judged(answer)


def _headers(webhook: Webhook, delivery: str, timestamp: str, body: str) -> dict[str, str]:
    headers = {"X-MLflow-Delivery-Id": delivery, "X-MLflow-Timestamp": timestamp}
    if webhook.sealed_secret:
        secret = unseal(webhook.sealed_secret)
        headers["X-MLflow-Signature"] = signature(secret, delivery, timestamp, body)
    return headers


def _judged(answer: outgoing.Answer) -> Outcome:
    told = {"status": answer.status, "body": answer.body, "wait": answer.retry_after}
    if answer.status < 300:
        return Outcome(**told)  # type: ignore[arg-type]
    if answer.status < 400:
        return Outcome(problem=_REDIRECTS, final=True, **told)  # type: ignore[arg-type]
    passing = answer.status >= 500 or answer.status in TRY_AGAIN
    return Outcome(problem=f"It answered {answer.status}.", final=not passing, **told)  # type: ignore[arg-type]


_REDIRECTS = "It redirects, and no redirect is followed: enter the address it leads to."
