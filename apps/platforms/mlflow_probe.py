"""Tests an MLflow server step by step, and says at which one it ends. What the server answers is not repeated."""

from __future__ import annotations

import re
from collections.abc import Callable

from apps.platforms.calling import InTrouble, NotAllowed, NotSignedIn, Stranger, Unknown, Untrusted
from apps.platforms.mlflow import MlflowServer
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.probing import Finding, Trouble

VERSION = re.compile(r"(\d+)\.\d+(\.\w+)*")
OLDEST = 2  # MLflow 1 has neither aliases nor an artifact proxy to rely on
NOTHING = "portal-connection-test"
"""A folder that no server has: asking for it shows whether files are served, and lists nothing."""


def probe(address: str, secret: str) -> Finding:
    """Asks for its version, a model and a folder, in this order."""
    server = MlflowServer(address, secret)
    version = ""
    try:
        version = server.version()
        _check_version(version)
        server.first_model()
        _ask_for_files(server)
    except _Wrong as wrong:
        return Finding(wrong.trouble, str(wrong), version)
    except (Refused, Unreachable) as error:
        return Finding(*_explained(error, server, signs_in=bool(secret)), version)
    return Finding(None, f"It is MLflow {version}; models, runs and files can be read.", version)


class _Wrong(Exception):
    def __init__(self, trouble: Trouble, said: str) -> None:
        super().__init__(said)
        self.trouble = trouble


def _check_version(version: str) -> None:
    known = VERSION.fullmatch(version)
    if known is None:
        raise _Wrong(Trouble.ADDRESS, "Something answers there, but it is no MLflow server: check host, port and path.")
    if int(known[1]) < OLDEST:
        raise _Wrong(Trouble.VERSION, f"It is MLflow {version}; update it to {OLDEST}.0 or newer.")


def _ask_for_files(server: MlflowServer) -> None:
    try:
        server.listing(NOTHING)
    except (NotSignedIn, NotAllowed):
        raise
    except (Refused, Unreachable) as error:
        said = "Its models can be read, but it serves no files: start it with --serve-artifacts."
        raise _Wrong(Trouble.FILES, said) from error


def _explained(error: Exception, server: MlflowServer, *, signs_in: bool) -> tuple[Trouble, str]:
    for kind, (trouble, say) in _WORDS.items():
        if isinstance(error, kind):
            return trouble, say(error, signs_in)
    return Trouble.ADDRESS, f"{server.address} answers, but not as an MLflow server does: check host, port and path."


def _auth(error: Exception, signs_in: bool) -> str:
    if signs_in:
        return "It does not accept the credential: enter a valid token or user:password."
    return "It asks who we are, and no credential is stored: enter a token or user:password."


def _permission(error: Exception, signs_in: bool) -> str:
    return "It knows the credential, which may not read models or files there: give that account READ permission."


_WORDS: dict[type[Exception], tuple[Trouble, Callable[[Exception, bool], str]]] = {
    Untrusted: (Trouble.TLS, lambda error, signs_in: str(error)),
    NotSignedIn: (Trouble.AUTH, _auth),
    NotAllowed: (Trouble.PERMISSION, _permission),
    InTrouble: (
        Trouble.ADDRESS,
        lambda error, signs_in: "It answers with an error of its own: look into its log, then test again.",
    ),
    Unknown: (Trouble.ADDRESS, lambda error, signs_in: "Nothing of MLflow is at that address: check host and path."),
    Stranger: (Trouble.ADDRESS, lambda error, signs_in: str(error)),
    Unreachable: (Trouble.ADDRESS, lambda error, signs_in: str(error)),
}
