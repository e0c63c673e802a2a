"""Two answers as what they mean: times and ids have names instead, and what is empty is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.parity.differences import ADDRESSES, FILLED, NOT_SERVED, UNBOUNDED, WORDINGS
from tests.parity.servers import Answer, Server

TIMES = (
    *("creation_timestamp", "last_updated_timestamp", "creation_time", "last_update_time"),
    *("creation_timestamp_ms", "last_updated_timestamp_ms"),
)
UNORDERED = ("tags", "aliases", "params", "model_inputs", "model_outputs", "dataset_inputs")
NO_IDS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Twin:
    """One thing, by the id that each of the two servers gave it."""

    mlflow: str
    portal: str

    def of(self, server: Server) -> str:
        return self.mlflow if server.name == "mlflow" else self.portal

    def __format__(self, spec: str) -> str:
        return f"«{self.mlflow}|{self.portal}»"


IN_TEXT = re.compile("«([^|»]*)[|]([^»]*)»")
"""A twin inside of a text that is sent, such as a filter or an address."""


ID = re.compile(r"m-[0-9a-f]{32}|[0-9a-f]{32}|(?<=\bid=)\d+|(?<=\b(?:ID|id) )\d+|(?<=\bexperiment )\d+|(?<=\bID ')\d+")


@dataclass(frozen=True)
class Meaning:
    """What a client sees of an answer."""

    status: int
    error: str
    body: Any


def meaning(answer: Answer, ids: Mapping[str, str] = NO_IDS) -> Meaning:
    """`ids` names this server's ids."""
    if answer.status >= 400:
        message = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
        return Meaning(answer.status, answer.error, in_common(_named(message, ids)))
    return Meaning(answer.status, "", _plain(answer.body, ids))


def in_common(message: str) -> str:
    for wording in WORDINGS:
        message = wording.pattern.sub(lambda found: "…".join(found.groups()), message)
    return message


def _named(text: str, ids: Mapping[str, str]) -> str:
    """Short ids, which are numbers, only where a sentence says that they are some."""
    return ID.sub(lambda found: ids.get(found[0], found[0]), text)


def _plain(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _part(key, part, ids) for key, part in sorted(value.items()) if _says_something(key, part, value)}
    if isinstance(value, list):
        return [_plain(item, ids) for item in value]
    return _named(value, ids) if isinstance(value, str) else value


def _says_something(key: str, part: Any, of: Mapping[str, Any]) -> bool:
    own = key in (*ADDRESSES, *NOT_SERVED, "user_id") or (key in FILLED and "current_stage" in of)
    return part not in ("", [], {}, None) and not own


def _part(key: str, part: Any, ids: Mapping[str, str]) -> Any:
    if key == "value":
        return UNBOUNDED.get(part, part) if isinstance(part, float) else _plain(part, ids)
    if key == "experiment_id":
        return ids.get(part, part)
    if key in TIMES:
        return "a time in milliseconds" if isinstance(part, int) and part > 1_600_000_000_000 else part
    if key == "next_page_token":
        return "a token"
    if key in UNORDERED or (key == "metrics" and isinstance(part, list)):
        return sorted((_plain(item, ids) for item in part), key=str)
    if key == "latest_versions":
        return _by_stage(part, ids)
    return _plain(part, ids)


def _by_stage(versions: Any, ids: Mapping[str, str]) -> list[Any]:
    """One of each stage; MLflow shows them in no order."""
    return sorted((_plain(item, ids) for item in versions), key=lambda item: str(item.get("current_stage")))


@dataclass(frozen=True)
class Both:
    """The two servers, asked the same."""

    mlflow: Server
    portal: Server
    ids: dict[str, dict[str, str]] = field(default_factory=lambda: {"mlflow": {}, "portal": {}})
    """What each server's ids are called here."""

    def ask(self, method: str, path: str, /, **sent: Any) -> tuple[Answer, Answer]:
        theirs, ours = (
            server.call(method, _sent_to(server, path), _sent_to(server, sent)) for server in (self.mlflow, self.portal)
        )
        return theirs, ours

    def same(self, method: str, path: str, /, **sent: Any) -> Answer:
        """The portal's answer, after both meant the same."""
        return self._alike(method, path, sent)[1]

    def made(self, where: str, method: str, path: str, /, **sent: Any) -> Twin:
        """What both have made: its ids lie in the answers at `where`, such as "run.info.run_id"."""
        theirs, ours = (_within(answer.body, where.split(".")) for answer in self.ask(method, path, **sent))
        made = f"the id {len(self.ids['mlflow'])}"
        self.ids["mlflow"][theirs] = self.ids["portal"][ours] = made
        return Twin(theirs, ours)

    def _alike(self, method: str, path: str, sent: dict[str, Any]) -> tuple[Answer, Answer]:
        theirs, ours = self.ask(method, path, **sent)
        if path.endswith("get-latest-versions"):
            for answer in (theirs, ours):
                if isinstance(answer.body, dict) and "model_versions" in answer.body:
                    answer.body["model_versions"] = _by_stage(answer.body["model_versions"], NO_IDS)
        self.check_alike(theirs, ours, f"{method} {path} {sent}")
        return theirs, ours

    def check_alike(self, theirs: Answer, ours: Answer, asked: str) -> None:
        said = f"{asked}\nMLflow: {theirs}\nportal: {ours}"
        assert meaning(ours, self.ids["portal"]) == meaning(theirs, self.ids["mlflow"]), said


def _sent_to(server: Server, sent: Any) -> Any:
    if isinstance(sent, Twin):
        return sent.of(server)
    if isinstance(sent, str):
        return IN_TEXT.sub(lambda found: found[1] if server.name == "mlflow" else found[2], sent)
    if isinstance(sent, dict):
        return {key: _sent_to(server, value) for key, value in sent.items()}
    return [_sent_to(server, item) for item in sent] if isinstance(sent, list) else sent


def _within(body: Any, where: list[str]) -> str:
    for name in where:
        body = body[name]
    return str(body)
