"""Writes into an MLflow server that somebody else runs, over its REST API; free of Django."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from apps.platforms.calling import Unknown
from apps.platforms.mlflow import API, ARTIFACTS, MlflowServer

CHUNK = 1024 * 1024
MOST_POINTS, MOST_PAIRS = 1_000, 100
"""What MLflow takes in one batch."""
READY = "LOGGED_MODEL_READY"
Pairs = Mapping[str, str]


class MlflowWriter(MlflowServer):
    """Each verb finds what an earlier call of it has made. Raises Unreachable (try again) or Refused (do not)."""

    def experiment(self, name: str) -> str:
        """Its id; made if it is not there."""
        try:
            return self._get(f"{API}/experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"]
        except Unknown:
            return self._send("POST", "experiments/create", {"name": name})["experiment_id"]

    def run_tagged(self, experiment: str, key: str, value: str) -> dict[str, Any] | None:
        """`info` of the run of that tag."""
        asked = {"experiment_ids": [experiment], "filter": f"tags.{key} = '{value}'", "max_results": 1}
        found = self._send("POST", "runs/search", asked).get("runs", [])
        return found[0]["info"] if found else None

    def begin_run(self, experiment: str, name: str, started: int, tags: Pairs) -> dict[str, Any]:
        """`info` of a new one; `started` is in milliseconds."""
        asked = {"experiment_id": experiment, "run_name": name, "start_time": started, "tags": _pairs(tags)}
        return self._send("POST", "runs/create", asked)["run"]["info"]

    def log(self, run: str, params: Pairs, points: Sequence[Mapping[str, Any]]) -> None:
        """Points and parameters that are there already change nothing."""
        told = _pairs(params)
        for at in range(0, len(told), MOST_PAIRS):
            self._send("POST", "runs/log-batch", {"run_id": run, "params": told[at : at + MOST_PAIRS]})
        for at in range(0, len(points), MOST_POINTS):
            self._send("POST", "runs/log-batch", {"run_id": run, "metrics": list(points[at : at + MOST_POINTS])})

    def end_run(self, run: str, status: str, ended: int) -> None:
        self._send("POST", "runs/update", {"run_id": run, "status": status, "end_time": ended})

    def logged_model_tagged(self, experiment: str, key: str, value: str) -> dict[str, Any] | None:
        """`info` of the logged model of that tag."""
        asked = {"experiment_ids": [experiment], "filter": f"tags.{key} = '{value}'", "max_results": 1}
        found = self._send("POST", "logged-models/search", asked).get("models", [])
        return found[0]["info"] if found else None

    def begin_logged_model(self, experiment: str, name: str, run: str, tags: Pairs, params: Pairs) -> dict[str, Any]:
        """`info` of a new one."""
        asked = {"experiment_id": experiment, "name": name, "tags": _pairs(tags), "params": _pairs(params)}
        return self._send("POST", "logged-models", asked | ({"source_run_id": run} if run else {}))["model"]["info"]

    def finish_logged_model(self, model_id: str) -> None:
        self._send("PATCH", f"logged-models/{model_id}", {"model_id": model_id, "status": READY})

    def upload(self, artifact_uri: str, path: str, file: Path) -> None:
        """The bytes, whatever was there before."""
        headers = {"Content-Length": str(file.stat().st_size), "Content-Type": "application/octet-stream"}
        address = f"{ARTIFACTS}/{quote(f'{self._place(artifact_uri)}/{path}')}"
        with self._answer("PUT", address, headers=headers, content=_chunks(file)) as response:
            response.read()

    def begin_model(self, name: str, description: str, tags: Pairs) -> bool:
        """False where it is there already."""
        try:
            self.model(name)
        except Unknown:
            asked = {"name": name, "description": description, "tags": _pairs(tags)}
            self._send("POST", "registered-models/create", asked)
            return True
        return False

    def add_version(self, name: str, said: Mapping[str, Any], tags: Pairs) -> int:
        """The number that the server gives it."""
        asked = {"name": name, **said, "tags": _pairs(tags)}
        return int(self._send("POST", "model-versions/create", asked)["model_version"]["version"])

    def drop_version(self, name: str, number: int) -> None:
        self._send("DELETE", "model-versions/delete", {"name": name, "version": str(number)})

    def set_stage(self, name: str, number: int, stage: str) -> None:
        asked = {"name": name, "version": str(number), "stage": stage, "archive_existing_versions": False}
        self._send("POST", "model-versions/transition-stage", asked)

    def set_alias(self, name: str, number: int, alias: str) -> None:
        self._send("POST", "registered-models/alias", {"name": name, "version": str(number), "alias": alias})

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call(method, f"{API}/{path}", body)


def _pairs(told: Pairs) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in told.items()]


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk
