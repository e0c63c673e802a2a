"""Calls to a platform whose address an admin has set: JSON over HTTP, and one family of errors; free of Django."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpcore

from apps.platforms.outgoing import Refused, Unreachable

SECONDS = 30.0
LONGEST_ANSWER = 32 * 1024 * 1024  # bytes of JSON
SHOWN = 300  # characters of what it said


class Unknown(Refused):
    """The server does not know what was asked for."""


class Stranger(Refused):
    """What answers there is another product."""


class NotSignedIn(Refused):
    """It does not accept the credential, or asks for one."""


class NotAllowed(Refused):
    """It knows the credential, which may not do this."""


class InTrouble(Unreachable):
    """It answers with an error of its own, or wants to be left alone for a while."""


class Untrusted(Unreachable):
    """Its certificate can not be verified, or it does not speak TLS."""


class Remote:
    """A platform of somebody else's. Every call raises Unreachable (try again) or Refused (do not)."""

    product = "the platform"
    """Completes "does not answer as … does"."""
    seconds = SECONDS

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self.address = address.rstrip("/")
        self._headers = {"Host": urlsplit(address).netloc, "Accept": "application/json", **headers}

    def _get(self, path: str, /, **query: Any) -> dict[str, Any]:
        address = f"{path}?{urlencode(query)}" if query else path
        with self._answer("GET", address) as response:
            return self._read(response)

    def _call(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        sent = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(sent))}
        with self._answer(method, path, headers=headers, content=sent) as response:
            return self._read(response)

    def _read(self, response: httpcore.Response) -> dict[str, Any]:
        body = b""
        for part in response.iter_stream():
            body += part
            if len(body) > LONGEST_ANSWER:
                raise Refused(f"{self.address} answered more than {LONGEST_ANSWER} bytes.")
        try:
            found = json.loads(body or b"{}")
        except ValueError as error:
            raise Stranger(f"{self.address} does not answer as {self.product} does.") from error
        if not isinstance(found, dict):
            raise Stranger(f"{self.address} does not answer as {self.product} does.")
        return found

    @contextmanager
    def _answer(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes | Iterator[bytes] = b""
    ) -> Iterator[httpcore.Response]:
        timeout = {"connect": 10.0, "read": self.seconds, "write": self.seconds, "pool": self.seconds}
        try:
            with (
                httpcore.ConnectionPool() as pool,
                pool.stream(
                    method,
                    f"{self.address}{path}",
                    headers=list((self._headers | dict(headers or {})).items()),
                    content=content,
                    extensions={"timeout": timeout},
                ) as response,
            ):
                self._check(response)
                yield response
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise out_of_reach(self.address, error) from error

    def _check(self, response: httpcore.Response) -> None:
        if response.status < 300:
            return
        said = response.read()[:SHOWN].decode("utf-8", "replace")
        if response.status == 404:
            raise Unknown(f"{self.address} does not know it: {said}")
        if response.status == 401:
            raise NotSignedIn(f"{self.address} does not accept the credential.")
        if response.status == 403:
            raise NotAllowed(f"{self.address} does not let the credential do this.")
        if response.status in (408, 429) or response.status >= 500:
            raise InTrouble(f"{self.address} answered {response.status}: {said}")
        raise Refused(f"{self.address} answered {response.status}: {said}")


def out_of_reach(address: str, error: Exception) -> Unreachable:
    """In words that say which part to look at: the name, the port, the certificate."""
    cause = error.__cause__ or error.__context__ or error
    host = urlsplit(address).hostname
    if isinstance(error, httpcore.ProtocolError):
        return Unreachable(f"{address} does not speak HTTP: check the port, or write https://.")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Untrusted(f"The certificate of {host} is not trusted: {cause.verify_message.rstrip('.')}.")
    if isinstance(cause, ssl.SSLError):
        return Untrusted(f"{host} does not speak TLS there: check the port, or write http://.")
    if isinstance(cause, socket.gaierror):
        return Unreachable(f"The name {host} is not known here: check its spelling, and the DNS of this machine.")
    if isinstance(cause, ConnectionRefusedError):
        return Unreachable(f"{address} takes no connection: check the port, and whether the server runs.")
    if isinstance(cause, TimeoutError):
        return Unreachable(f"{address} does not answer: check the address, and the firewalls between us.")
    return Unreachable(f"{address} can not be reached ({type(error).__name__}).")


def credential(secret: str) -> dict[str, str]:
    if not secret:
        return {}
    if ":" in secret:
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {"Authorization": f"Bearer {secret}"}
