"""Nightshift: a small batch server, and the package that docs/own-platform.md makes for it, installed."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from apps.platforms import kinds
from apps.platforms.base import Handed, Order, Platform
from portal.local.ports import free_port

PAGE = Path(__file__).parents[2] / "docs" / "own-platform.md"
TOKEN = "token-of-nightshift"
JOB = {
    "name": "retrain_city",
    "title": "Retrain a city",
    "text": "Trains one city anew.",
    "tags": ["retrain"],
    "schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 28}, "mode": {}},
    },
}
ENDS = {"succeed": "done", "fail": "broken"}


@dataclass
class Nightshift:
    """What it has, and how it misbehaves; a run goes one step with each look at it."""

    address: str = ""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    harm: str = ""

    def start(self, asked: dict[str, Any]) -> dict[str, Any]:
        fresh = {"key": asked["key"], "params": asked["params"], "state": "waiting", "error": "", "result": {}}
        return self.runs.setdefault(asked["key"], {**fresh, "started_at": None, "lines": ["begins"]})

    def step(self, run: dict[str, Any]) -> dict[str, Any]:
        before = dict(run)
        if run["state"] == "waiting":
            run |= {"state": "working", "started_at": datetime.now(UTC).isoformat()}
        elif run["state"] == "working" and run["params"]["mode"] in ENDS:
            run["state"] = ENDS[run["params"]["mode"]]
            run["lines"].append(f"{run['params']['city']} is {run['state']}")
            run |= {"result": {"mae": 6.5}} if run["state"] == "done" else {"error": "The matrix is singular."}
        return before

    def answer(self, method: str, path: str, query: str, body: dict[str, Any]) -> Any:
        """None: not known."""
        if path == "/health":
            return {"version": "4.2"}
        if path == "/jobs":
            return {"jobs": [JOB]}
        if path == "/runs":
            return self.start(body) if method == "POST" else {"runs": [self.step(run) for run in self.runs.values()]}
        _, _, key, *verb = path.split("/")
        run = self.runs.get(key)
        return self._of_one(run, verb[0] if verb else "", query) if run else None

    def _of_one(self, run: dict[str, Any], verb: str, query: str) -> Any:
        if verb == "stop":
            run |= {"state": "broken", "error": "Stopped."}
        if verb == "again":
            run |= {"state": "waiting", "params": {**run["params"], "mode": "succeed"}}
        if verb == "log":
            return {"lines": run["lines"][int(query.removeprefix("after=")) :]}
        return dict(run)


def _door(server: Nightshift) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._say(401, {"said": "Who are you?"})
            if server.harm in ("500", "garbage"):
                return self._say(500 if server.harm == "500" else 200, None, b"<html>Nothing of that kind</html>")
            if server.harm == "slow":
                time.sleep(1)
            parts = urlsplit(self.path)
            found = server.answer(method, parts.path, parts.query, body)
            if server.harm == "lost":
                return self._say(502, {"said": "The proxy gave up."})
            return self._say(200 if found is not None else 404, found)

        def _say(self, status: int, said: Any, raw: bytes = b"") -> None:
            sent = raw or json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            with suppress(BrokenPipeError):  # who was too slow for it has gone
                self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            pass

    return Door


@contextmanager
def nightshift() -> Iterator[Nightshift]:
    made = Nightshift()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _door(made))
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def code_of_page() -> dict[str, str]:
    """The files of the package, as the page shows them, by their names."""
    return dict(re.findall(r"^`(\S+)`:\n\n```\w+\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE))


@contextmanager
def installed(files: dict[str, str]) -> Iterator[None]:
    """The package as pip would leave it, and the portal's list of kinds as it is after a start."""
    known, modules = dict(kinds.KINDS), set(sys.modules)
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text)
        points = re.search(r'\[project\.entry-points\."(.*?)"\]\n(.*?)\n\n', files["pyproject.toml"], re.DOTALL)
        assert points
        about = Path(folder) / "nightshift_portal-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nightshift-portal\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{points[1]}]\n{points[2].replace(chr(34), '')}\n")
        sys.path.insert(0, folder)
        try:
            kinds.load_own()
            yield
        finally:
            sys.path.remove(folder)
            kinds.PROBLEMS.clear()
            kinds.KINDS.clear()
            kinds.KINDS.update(known)
            for name in set(sys.modules) - modules:
                if name.startswith("nightshift"):
                    del sys.modules[name]


class Rig:
    """Of the contract test."""

    workflow, tag = "retrain_city", "retrain"

    def __init__(self, server: Nightshift) -> None:
        self.server = server
        self.platform = self._platform(server.address, TOKEN)

    def _platform(self, address: str, secret: str) -> Platform:
        make: Callable[[str, str], Platform] | None = kinds.kind_of("nightshift").platform
        assert make
        return make(address, secret)

    def order(self, mode: str = "succeed") -> Order:
        return Order(Handed(self.workflow, f"portal-{uuid4()}-1"), {"city": "atlanta", "days": 28, "mode": mode}, "Hi.")

    def keys(self) -> list[str]:
        return list(self.server.runs)

    def forget(self) -> None:
        self.server.runs.clear()

    @contextmanager
    def harm(self, harm: str) -> Iterator[None]:
        inner: Any = self.platform._inner  # type: ignore[attr-defined]  # the example's own
        before = (inner.server.address, inner.server.seconds)
        if harm == "down":
            inner.server.address = f"http://127.0.0.1:{free_port()}"
        if harm == "slow":
            inner.server.seconds = 0.25
        self.server.harm = harm
        yield
        self.server.harm = ""
        inner.server.address, inner.server.seconds = before

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        self.server.harm = "lost"
        yield
        self.server.harm = ""

    def stranger(self) -> Platform:
        return self._platform(self.server.address, "wrong")


@contextmanager
def rig() -> Iterator[Rig]:
    with installed(code_of_page()), nightshift() as server:
        yield Rig(server)
