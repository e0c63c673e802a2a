"""A server that answers as MLflow 3.17.2 did: the shapes are recorded from a real one, the content is the test's."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
API = "/api/2.0/mlflow/"
BEGAN = 1_600_000_000_000  # milliseconds
PAGE = 2  # points of a metric at once


@dataclass
class Elsewhere:
    """What the server has. `files` maps places of its artifact root to bytes; `broken` answers that many times 503."""

    files: dict[str, bytes] = field(default_factory=dict)
    logged_models: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, list[Any]] = field(default_factory=dict)
    points: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    broken: int = 0
    version: str = "3.17.2"
    refuses: int = 0  # a status for everything but the version
    broken_at: str = ""  # part of an address that is answered 503
    cut: bool = False  # files end in the middle
    calls: list[str] = field(default_factory=list)
    authorization: set[str] = field(default_factory=set)
    address: str = ""

    def log_model(self, model_id: str, run_id: str, files: dict[str, bytes], **params: str) -> None:
        root = f"1/models/{model_id}/artifacts"
        self.files |= {f"{root}/{path}": content for path, content in files.items()}
        self.logged_models[model_id] = {
            "info": {
                "model_id": model_id,
                "artifact_uri": f"mlflow-artifacts:/{root}",
                "source_run_id": run_id,
                "status": "LOGGED_MODEL_READY",
            },
            "data": {
                "params": [{"key": key, "value": value} for key, value in params.items()],
                "metrics": [
                    {"key": "mae", "value": 5.0, "timestamp": 1, "step": 0, "model_id": model_id, "run_id": run_id}
                ],
            },
        }

    def log_run(self, run_id: str, files: dict[str, bytes], **history: list[Any]) -> None:
        """It ran for a minute; `history` is the points of each metric: (value, step)."""
        root = f"1/{run_id}/artifacts"
        self.files |= {f"{root}/{path}": content for path, content in files.items()}
        self.points |= {(run_id, key): points for key, points in history.items()}
        info = {
            "run_id": run_id,
            "run_name": "sweet-bee-1",
            "experiment_id": "1",
            "artifact_uri": f"mlflow-artifacts:/{root}",
            "status": "FINISHED",
            "start_time": BEGAN,
            "end_time": BEGAN + 60_000,
        }
        last = [_point(key, *points[-1]) for key, points in history.items()]
        tags = [{"key": "mlflow.user", "value": "ada"}]
        data = {"params": [{"key": "alpha", "value": "1"}], "metrics": last, "tags": tags}
        dataset = {"name": "trips", "digest": "d1", "source_type": "local", "source": "{}"}
        used = {"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": dataset}
        self.runs[run_id] = {"info": info, "data": data, "inputs": {"dataset_inputs": [used]}}

    def register(self, name: str, number: int, model_id: str, created: int = 1_600_000_000_000, **facts: Any) -> None:
        version = {
            "name": name,
            "version": str(number),
            "creation_timestamp": created,
            "last_updated_timestamp": created,
            "current_stage": "None",
            "source": f"models:/{model_id}",
            "run_id": self.logged_models[model_id]["info"]["source_run_id"],
            "status": "READY",
            "run_link": "",
            "model_id": model_id,
        }
        self.versions.setdefault(name, []).append(version | facts)
        known = {"name": name, "creation_timestamp": created, "last_updated_timestamp": created}
        self.models.setdefault(name, known)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    state = Elsewhere()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(state: Elsewhere) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            state.calls.append(self.path)
            state.authorization.add(self.headers.get("Authorization", ""))
            if state.broken:
                state.broken -= 1
                self._say(503, b"{}")
            elif state.broken_at and state.broken_at in self.path:
                self._say(503, b"{}")
            elif parts.path == "/version":
                self._say(200, state.version.encode())
            elif state.refuses:
                self._say(state.refuses, b"secrets of the inside")
            elif parts.path.startswith(f"{ARTIFACTS}/"):
                self._file(unquote(parts.path.removeprefix(f"{ARTIFACTS}/")))
            elif parts.path == ARTIFACTS:
                self._json({"files": _listed(state.files, query.get("path", ""))})
            else:
                self._json(_answered(state, unquote(parts.path.removeprefix(API)), query))

        def _file(self, place: str) -> None:
            content = state.files.get(place)
            if content is None:
                self._say(404, b"{}")
            else:
                self._say(200, content, cut=state.cut)

        def _json(self, body: Any) -> None:
            missing = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"}).encode()
            self._say(404, missing) if body is None else self._say(200, json.dumps(body).encode())

        def _say(self, status: int, body: bytes, *, cut: bool = False) -> None:
            body = body[: len(body) // 2] if cut else body
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            return

    return Handler


def _answered(state: Elsewhere, path: str, query: dict[str, str]) -> Any:
    if path.startswith("logged-models/"):
        found = state.logged_models.get(path.removeprefix("logged-models/"))
        return found and {"model": found}
    if path == "runs/get":
        found = state.runs.get(query["run_id"])
        return found and {"run": found}
    if path == "experiments/get":
        return {"experiment": {"experiment_id": "1", "name": "trips"}}
    if path == "metrics/get-history":
        return _history(state.points[query["run_id"], query["metric_key"]], query)
    if path == "registered-models/search":
        prompts = "is_prompt" in query.get("filter", "")
        return {} if prompts else {"registered_models": list(state.models.values())}
    if path == "registered-models/get":
        return {"registered_model": state.models[query["name"]]}
    if path == "model-versions/search":
        return {"model_versions": state.versions[query["filter"].partition("=")[2].strip("'\"")][::-1]}
    return None


def _history(points: list[Any], query: dict[str, str]) -> dict[str, Any]:
    at = int(query.get("page_token", 0))
    page = {"metrics": [_point(query["metric_key"], *point) for point in points[at : at + PAGE]]}
    return page | ({"next_page_token": str(at + PAGE)} if at + PAGE < len(points) else {})


def _point(key: str, value: float | str, step: int) -> dict[str, Any]:
    return {"key": key, "value": value, "step": step, "timestamp": BEGAN + step}


def _listed(files: dict[str, bytes], folder: str) -> list[dict[str, Any]]:
    below = {
        place.removeprefix(f"{folder}/"): content for place, content in files.items() if place.startswith(f"{folder}/")
    }
    here = [
        {"path": name, "is_dir": False, "file_size": len(content)} for name, content in below.items() if "/" not in name
    ]
    return here + [
        {"path": name, "is_dir": True} for name in sorted({name.split("/")[0] for name in below if "/" in name})
    ]
