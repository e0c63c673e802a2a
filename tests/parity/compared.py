"""Two answers as what they mean: times and ids are named by the order in which they came, what is empty is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.parity.differences import FILLED, WORDINGS
from tests.parity.servers import Answer, Server

TIMES = ("creation_timestamp", "last_updated_timestamp")
KEYED = ("tags", "aliases")


@dataclass(frozen=True)
class Meaning:
    """What a client sees of an answer."""

    status: int
    error: str
    body: Any


def meaning(answer: Answer) -> Meaning:
    if answer.status >= 400:
        message = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
        return Meaning(answer.status, answer.error, _in_common(message))
    return Meaning(answer.status, "", _plain(answer.body))


def _in_common(message: str) -> str:
    for wording in WORDINGS:
        message = wording.pattern.sub(lambda found: "…".join(found.groups()), message)
    return message


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
        return _by_stage(part)
    return _plain(part)


def _by_stage(versions: Any) -> list[Any]:
    """One of each stage; MLflow shows them in no order."""
    return sorted((_plain(item) for item in versions), key=lambda item: str(item.get("current_stage")))


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
        if path.endswith("get-latest-versions"):
            for answer in (theirs, ours):
                if isinstance(answer.body, dict) and "model_versions" in answer.body:
                    answer.body["model_versions"] = _by_stage(answer.body["model_versions"])
        said = f"{method} {path} {sent}\nMLflow: {theirs}\nportal: {ours}"
        assert meaning(ours) == meaning(theirs), said
        return ours
