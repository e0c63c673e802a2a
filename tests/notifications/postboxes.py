"""A real mail server on loopback that keeps what it is given, or refuses it as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Postbox:
    mails: list[EmailMessage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # answers to the next recipients, such as "550 No such user"
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def letter(self, to: str) -> str:
        """The text of the one mail to this address."""
        (mail,) = [mail for mail in self.mails if mail["To"] == to]
        return str(mail.get_content())


@contextmanager
def mail_server() -> Iterator[Postbox]:
    postbox = Postbox()
    controller = _Anywhere(postbox, hostname="127.0.0.1", port=0)
    controller.start()
    postbox.port = controller.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield postbox
    finally:
        controller.stop()


class _Anywhere(Controller):
    """On a free port: the original asks the port it was given whether it answers."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()
