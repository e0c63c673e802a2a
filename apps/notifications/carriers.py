"""How a message leaves the portal: one function for each kind of destination. None of them touches a row."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from apps.core.errors import Unavailable
from apps.core.keyring import unseal
from apps.notifications.addresses import rules
from apps.notifications.mlflow_events import Announcement
from apps.platforms import outgoing

if TYPE_CHECKING:
    from apps.notifications.models import Channel, Webhook
    from apps.notifications.notices import Message

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


def post_chat(channel: Channel, message: Message) -> Outcome:
    """As Slack's incoming webhooks take it, and Mattermost, Rocket.Chat and others after them."""
    if not channel.sealed_address:
        return Outcome(problem="The channel was taken away meanwhile.", dropped=True)
    lines = [f"*{_chat(message.subject)}*", *(_chat(line) for line in message.details), f"<{message.link}|Open it>"]
    try:
        address = unseal(channel.sealed_address)
    except Unavailable as error:
        return Outcome(problem=error.message, final=True)
    return post_json(address, json.dumps({"text": "\n".join(lines)}), {})


def mail(address: str, message: Message, *, delivery: UUID) -> Outcome:
    """One mail to one person. Its Message-ID is the delivery's, so that a mailbox can tell a repetition."""
    if not address:
        return Outcome(problem="The person has no mail address any more.", dropped=True)
    host = urlsplit(settings.PORTAL_URL).hostname or "portal"
    headers = {"Message-ID": f"<{delivery}@{host}>", "Auto-Submitted": "auto-generated"}
    sent = EmailMessage(f"[ML Portal] {message.subject}"[:200], _letter(message), None, [address], headers=headers)
    try:
        sent.send()
    except SMTPRecipientsRefused as error:
        return _refused(*error.recipients[address])
    except SMTPResponseException as error:
        return _refused(error.smtp_code, error.smtp_error)
    except (SMTPException, OSError) as error:
        return Outcome(problem=f"The mail server can not be reached: {error}."[:500])
    return Outcome()


def _refused(code: int, said: bytes | str) -> Outcome:
    """A mail server's no; 5xx to a recipient is for good, but for a refused sign-in, which an operator can mend."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    final = code >= 500 and code not in (530, 534, 535)
    return Outcome(problem=f"The mail server said {code} {words}"[:500], final=final, status=code)


def _letter(message: Message) -> str:
    choose = f"{settings.PORTAL_URL}/notices/"
    parts = [message.subject + ".", *message.details, message.link, f"{message.why} Choose your mails: {choose}"]
    return "\n\n".join(parts) + "\n"


def _chat(text: str) -> str:
    """Slack's three characters that mean something."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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
