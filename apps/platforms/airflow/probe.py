"""Tests an Airflow step by step, and says at which one it ends. What the server answers is not repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.platforms.airflow import airflow
from apps.platforms.airflow.client import AirflowServer
from apps.platforms.airflow.google import NoToken
from apps.platforms.calling import InTrouble, NotAllowed, NotSignedIn, Stranger, Unknown, Untrusted
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.probing import Finding, Trouble

OLDEST = 2


def probe(address: str, secret: str) -> Finding:
    """Asks for its version, signs in, looks at a DAG, and at the processes behind it, in this order."""
    server = AirflowServer(address, secret)
    version = ""
    try:
        version = server.version
        if int(version.partition(".")[0]) < OLDEST:
            return Finding(Trouble.VERSION, f"It is Airflow {version}; update it to 3.", version)
        dags = airflow(address, secret).server.get("dags", limit=1)
        return _working(server.health(), version, int(dags.get("total_entries") or 0))
    except (Refused, Unreachable, ValueError) as error:
        return Finding(*_explained(error, server), version)


def _working(health: Mapping[str, Any], version: str, dags: int) -> Finding:
    """The API answers also while nothing behind it works: runs would wait for ever."""
    for name, words in PROCESSES.items():
        status = health.get(name, {}).get("status") if isinstance(health.get(name), dict) else None
        if status is not None and status != "healthy":
            return Finding(Trouble.SCHEDULER, words, version)
    return Finding(None, f"It is Airflow {version}; {dags} DAG{'s' if dags != 1 else ''} can be seen.", version)


PROCESSES = {
    "metadatabase": "Its database does not answer it: look into the API server's log.",
    "scheduler": "The scheduler has no heartbeat, so what is sent waits until somebody starts it.",
    "dag_processor": "The DAG processor has no heartbeat, so DAGs that change are not read until somebody starts it.",
}


def _explained(error: Exception, server: AirflowServer) -> tuple[Trouble, str]:
    if isinstance(error, Untrusted):
        return Trouble.TLS, str(error)
    if isinstance(error, NoToken):
        return Trouble.AUTH, str(error)
    if isinstance(error, NotSignedIn) or (isinstance(error, NotAllowed) and not server.signs_in):
        return Trouble.AUTH, _who(server)
    if isinstance(error, NotAllowed):
        return Trouble.PERMISSION, "It knows the credential, which may not read DAGs there: give that account a role."
    if isinstance(error, InTrouble):
        return Trouble.ADDRESS, "It answers with an error of its own: look into its log, then test again."
    if isinstance(error, Unknown):
        return Trouble.ADDRESS, "Nothing of Airflow is at that address: check host and path."
    if isinstance(error, Stranger | Unreachable):
        return Trouble.ADDRESS, str(error)
    return Trouble.ADDRESS, f"{server.address} answers, but not as Airflow does: check host, port and path."


def _who(server: AirflowServer) -> str:
    if not server.signs_in:
        return NONE
    return WRONG_OR_POWERLESS if server.remembered.startswith("2.") else WRONG


WRONG_OR_POWERLESS = (
    "It does not accept the credential, or its account has no role there, of which Airflow 2 says the same: enter a "
    "valid user:password, or give that account a role."
)
WRONG = "It does not accept the credential: enter a valid user:password, or a token."
NONE = "It asks who we are, and no credential is stored: enter user:password, or a token."
