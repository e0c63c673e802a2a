"""Two answers as what they mean: times and ids are named by the order in which they came, what is empty is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.parity.servers import Answer, Server

TIMES = ("creation_timestamp", "last_updated_timestamp")
FILLED = ("user_id", "model_id", "model_params", "model_metrics")
"""What MLflow leaves empty and the portal fills (see differences.py)."""
KEYED = ("tags", "aliases")
VALID_KEYS = re.compile(r"(Valid keys are|Only the|Valid keys).*", re.DOTALL)


@dataclass(frozen=True)
class Meaning:
    """What a client sees of an answer."""

    status: int
    error: str
    body: Any


def meaning(answer: Answer) -> Meaning:
    if answer.status >= 400:
        message = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
        return Meaning(answer.status, answer.error, VALID_KEYS.sub(r"\1", message))
    return Meaning(answer.status, "", _plain(answer.body))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _part(key, part) for key, part in sorted(value.items()) if _says_something(key, part)}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _says_something(key: str, part: Any) -> bool:
    return part not in ("", [], None) and key not in FILLED


def _part(key: str, part: Any) -> Any:
    if key in TIMES:
        return "a time in milliseconds" if isinstance(part, int) and part > 1_600_000_000_000 else part
    if key == "next_page_token":
        return "a token"
    if key in KEYED:
        return sorted((_plain(item) for item in part), key=str)
    if key == "latest_versions":
        return sorted((_plain(item) for item in part), key=lambda item: str(item.get("current_stage")))
    return _plain(part)


@dataclass(frozen=True)
class Both:
    """The two servers, asked the same."""

    mlflow: Server
    portal: Server

    def ask(self, method: str, path: str, /, **sent: Any) -> tuple[Answer, Answer]:
        return self.mlflow.call(method, path, sent), self.portal.call(method, path, sent)

    def same(self, method: str, path: str, /, **sent: Any) -> Answer:
        """The portal's answer, after both meant the same."""
        theirs, ours = self.ask(method, path, **sent)
        assert meaning(ours) == meaning(theirs), (method, path, sent)
        return ours
