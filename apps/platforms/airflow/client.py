"""One Airflow server: which version it is, how we sign in, what its errors mean.

A credential is `user:password`, exchanged for a token that is renewed (Basic where the server has no tokens); a token
that is sent as it is; or one for Google, which gives out tokens of an hour. The sign-in is remembered by the process,
never written down.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpcore

from apps.platforms.airflow.google import access_token, is_google
from apps.platforms.calling import (
    SHOWN,
    InTrouble,
    NotAllowed,
    NotSignedIn,
    Remote,
    Stranger,
    Unknown,
    credential,
)
from apps.platforms.outgoing import Refused

NOT_OURS = "Invalid JWT token"
"""What Airflow says with a 403 to a token that it never gave out, or gave out under another key."""
RENEW_BEFORE = 60.0  # seconds before a token ends
UNKNOWN_LIFE = 600.0  # seconds that a token is used which does not say when it ends
KEEP_DIALECT = 300.0  # seconds: an Airflow that was updated is noticed then


class Taken(Refused):
    """There is a run of that id already."""


@dataclass
class _Session:
    """What a process remembers of a server and a credential."""

    version: str = ""
    version_until: float = 0.0
    token: str = ""
    token_until: float = 0.0


_sessions: dict[str, _Session] = {}


class AirflowServer(Remote):
    """Calls in either dialect. Raises Unreachable (try again) or Refused (do not)."""

    product = "Airflow"
    seconds = 15.0

    def __init__(self, address: str, secret: str) -> None:
        super().__init__(address, {})
        self._secret = secret
        name = hashlib.sha256(f"{self.address}\0{secret}".encode()).hexdigest()
        self._session = _sessions.setdefault(name, _Session())

    @property
    def signs_in(self) -> bool:
        return bool(self._secret)

    @property
    def version(self) -> str:
        """Such as 3.3.2. Raises Stranger where no Airflow answers."""
        if time.monotonic() > self._session.version_until:
            self._session.version = self._ask_version()
            self._session.version_until = time.monotonic() + KEEP_DIALECT
        return self._session.version

    @property
    def remembered(self) -> str:
        """The version where it is known already; nothing is asked."""
        return self._session.version

    @property
    def dialect(self) -> int:
        """2 for `/api/v2` (Airflow 3), 1 for `/api/v1` (Airflow 2)."""
        return 1 if self.version.startswith("2.") else 2

    def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """`path` lies below the dialect's root."""
        return self._get(f"/api/v{self.dialect}/{path}", **query)

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call(method, f"/api/v{self.dialect}/{path}", body)

    def text(self, path: str) -> str:
        """An answer that is plain text."""
        with self._answer("GET", f"/api/v{self.dialect}/{path}", headers={"Accept": "text/plain"}) as response:
            return response.read().decode("utf-8", "replace")

    def health(self) -> dict[str, Any]:
        """Of metadatabase, scheduler, dag_processor …: each with a status and its last heartbeat."""
        return self._get("/api/v2/monitor/health") if self.dialect == 2 else self._get("/health")

    def sign_in(self) -> None:
        """Raises NotSignedIn where the credential is wrong."""
        self._authorization()

    def _ask_version(self) -> str:
        try:
            found = self._open("/api/v2/version", **self._known_before())
        except (Unknown, NotSignedIn, NotAllowed, Stranger):
            found = self._open("/api/v1/version", **self._known_before() or credential(self._secret))
        version = found.get("version")
        if not isinstance(version, str) or not version[:1].isdigit():
            raise Stranger(f"Something answers at {self.address}, but it is no Airflow: check host, port and path.")
        return version

    def _known_before(self) -> dict[str, str]:
        """Of a credential that needs no Airflow to become a token."""
        return self._by_google() if is_google(self._secret) else {}

    def _open(self, path: str, **headers: str) -> dict[str, Any]:
        """As it is said: for what is asked before it is known how to sign in, or whether we are."""
        with super()._answer("GET", path, headers=headers) as response:
            return self._read(response)

    @contextmanager
    def _answer(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: bytes | Iterator[bytes] = b""
    ) -> Iterator[httpcore.Response]:
        """Signed in; with a new token where the one that we had is no longer taken."""
        with ExitStack() as stack:
            try:
                signed = dict(headers or {}) | self._authorization()
                response = stack.enter_context(super()._answer(method, path, signed, content))
            except NotAllowed as error:
                raise self._meant_by(error) from error
            except NotSignedIn:
                if not self._session.token:
                    raise
                self._session.token = ""
                signed = dict(headers or {}) | self._authorization()
                response = stack.enter_context(super()._answer(method, path, signed, content))
            yield response

    def _meant_by(self, refused: NotAllowed) -> Refused:
        """Airflow 2 answers 403 to strangers, too: whoever may not even read DAGs is taken for one."""
        if self.dialect == 2:
            return refused
        try:
            self._open("/api/v1/dags?limit=1", **self._authorization())
        except NotAllowed:
            return NotSignedIn(f"{self.address} does not accept the credential, or its account may read nothing there.")
        return refused

    def _authorization(self) -> dict[str, str]:
        if is_google(self._secret):
            return self._by_google()
        if ":" not in self._secret or self.dialect == 1:
            return credential(self._secret)
        if not self._session.token or time.monotonic() > self._session.token_until:
            self._renew()
        return {"Authorization": f"Bearer {self._session.token}"} if self._session.token else credential(self._secret)

    def _by_google(self) -> dict[str, str]:
        if not self._session.token or time.monotonic() > self._session.token_until:
            self._session.token, life = access_token(self._secret)
            self._session.token_until = time.monotonic() + max(life - RENEW_BEFORE, 0.0)
        return {"Authorization": f"Bearer {self._session.token}"}

    def _renew(self) -> None:
        user, _, password = self._secret.partition(":")
        sent = json.dumps({"username": user, "password": password}).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(sent))}
        try:
            with super()._answer("POST", "/auth/token", headers=headers, content=sent) as response:
                token = str(self._read(response).get("access_token", ""))
        except Unknown:  # this server has no tokens: Basic
            token = ""
        self._session.token, self._session.token_until = token, time.monotonic() + _life(token)

    def _check(self, response: httpcore.Response) -> None:
        if response.status < 300:
            return
        said = detail(response.read())
        if response.status == 401 or (response.status == 403 and said == NOT_OURS):
            raise NotSignedIn(f"{self.address} does not accept the credential.")
        if response.status == 403:
            raise NotAllowed(f"Airflow does not let the portal's account do this: {said}")
        if response.status == 404:
            raise Unknown(said)
        if response.status == 409:
            raise Taken(said)
        if response.status in (408, 429) or response.status >= 500:
            raise InTrouble(f"Airflow answered {response.status}: {said}")
        raise Refused(f"Airflow refused it: {said}")


def detail(body: bytes) -> str:
    """What an error says of itself, in its first line: FastAPI's `detail` of three shapes, or RFC 7807."""
    text = body[:65_536].decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except ValueError:
        return "no sentence of Airflow's, but a page of something before it" if "<" in text else text[:SHOWN]
    told = said.get("detail") or said.get("title") if isinstance(said, dict) else said
    if isinstance(told, dict):
        told = told.get("message") or told.get("reason")
    if isinstance(told, list):
        told = "; ".join(f"{one.get('loc', [''])[-1]}: {one.get('msg', '')}" for one in told if isinstance(one, dict))
    return str(told).strip().splitlines()[0][:SHOWN] if told and str(told).strip() else "no reason was given"


def part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="~")


def _life(token: str) -> float:
    """Seconds for which a JWT may be used, as it says itself; nothing of it is trusted but that."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return max(float(claims["exp"]) - time.time() - RENEW_BEFORE, 0.0)
    except (IndexError, ValueError, KeyError, TypeError):
        return UNKNOWN_LIFE
