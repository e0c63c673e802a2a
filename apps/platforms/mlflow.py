"""An MLflow server that somebody else runs, over its REST API; free of Django."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from apps.platforms.calling import Remote, credential
from apps.platforms.outgoing import Refused

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PAGE = 100
POINTS = 5_000
DEEPEST = 20
MOST_FILES = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RemoteFile:
    """`path` counts from the folder that was asked for, `place` from the server's own artifact root."""

    path: str
    place: str
    size: int


@dataclass(frozen=True)
class Found:
    """A logged model or a run of the server: where its files are, and what it reported."""

    artifact_uri: str
    run_id: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class RemoteRun:
    """A run as the server tells it; `datasets` are its inputs in MLflow's shape, `metrics` the names of its curves."""

    id: str
    name: str
    experiment: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[str, ...]
    datasets: tuple[Mapping[str, Any], ...] = ()


class MlflowServer(Remote):
    """`secret` is a token, or `user:password`. Every call raises Unreachable (try again) or Refused (do not)."""

    product = "an MLflow server"

    def __init__(self, address: str, secret: str) -> None:
        super().__init__(address, credential(secret))

    def logged_model(self, model_id: str) -> Found:
        """Raises Unknown."""
        model = self._get(f"{API}/logged-models/{quote(model_id, safe='')}")["model"]
        info, data = model["info"], model.get("data", {})
        params = pairs(data.get("params", []))
        return Found(info["artifact_uri"], info.get("source_run_id", ""), params, tuple(data.get("metrics", [])))

    def run(self, run_id: str) -> Found:
        """Raises Unknown."""
        run = self._get(f"{API}/runs/get", run_id=run_id)["run"]
        data = run.get("data", {})
        params = pairs(data.get("params", []))
        metrics = tuple({**metric, "run_id": run_id} for metric in data.get("metrics", []))
        return Found(run["info"]["artifact_uri"], run_id, params, metrics)

    def version(self) -> str:
        """As it says itself; empty where something else answers."""
        with self._answer("GET", "/version") as response:
            return response.read()[:64].decode("ascii", "replace").strip()

    def first_model(self) -> None:
        """Asks for one registered model, to see whether it answers."""
        self._get(f"{API}/registered-models/search", max_results=1)

    def whole_run(self, run_id: str) -> RemoteRun:
        """Raises Unknown."""
        run = self._get(f"{API}/runs/get", run_id=run_id)["run"]
        info, data = run["info"], run.get("data", {})
        experiment = self._get(f"{API}/experiments/get", experiment_id=info["experiment_id"])["experiment"]
        return RemoteRun(
            id=run_id,
            name=info.get("run_name", ""),
            experiment=experiment["name"],
            status=info["status"],
            started_at=moment(info["start_time"]),
            ended_at=moment(info["end_time"]) if info.get("end_time") else None,
            params=pairs(data.get("params", [])),
            tags=pairs(data.get("tags", [])),
            metrics=tuple(metric["key"] for metric in data.get("metrics", [])),
            datasets=tuple(run.get("inputs", {}).get("dataset_inputs", [])),
        )

    def history(self, run_id: str, key: str) -> Iterator[list[Mapping[str, Any]]]:
        """Every point of a metric, in pages."""
        asked = {"run_id": run_id, "metric_key": key, "max_results": POINTS}
        for page in self._page_after_page("metrics/get-history", asked):
            yield page.get("metrics", [])

    def names(self) -> list[str]:
        """Of every registered model, prompts too."""
        return [*self._names(""), *self._names("tag.`mlflow.prompt.is_prompt` = 'true'")]

    def model(self, name: str) -> dict[str, Any]:
        """In MLflow's shape. Raises Unknown."""
        return self._get(f"{API}/registered-models/get", name=name)["registered_model"]

    def versions(self, name: str) -> list[dict[str, Any]]:
        """All of a model's versions, the oldest first."""
        quoted = '"' + name + '"' if "'" in name else f"'{name}'"
        found = self._pages("model-versions/search", "model_versions", filter=f"name={quoted}", max_results=1_000)
        return sorted(found, key=lambda version: int(version["version"]))

    def files(self, artifact_uri: str) -> list[RemoteFile]:
        """Everything below an address of the server's own artifact proxy. Raises Refused for files elsewhere."""
        found: list[RemoteFile] = []
        for file in self._below(self._place(artifact_uri), "", DEEPEST):
            found.append(file)
            if len(found) > MOST_FILES:
                raise Refused(f"There are more than {MOST_FILES} files in {artifact_uri}.")
        return found

    def download(self, file: RemoteFile, to: BinaryIO) -> None:
        with self._answer("GET", f"{ARTIFACTS}/{quote(file.place)}") as response:
            for part in response.iter_stream():
                to.write(part)

    def listing(self, place: str) -> list[dict[str, Any]]:
        """What lies in a folder of its artifact root; nothing where there is no such folder."""
        return self._get(ARTIFACTS, path=place).get("files", [])

    def _names(self, only: str) -> Iterator[str]:
        for model in self._pages("registered-models/search", "registered_models", filter=only, max_results=PAGE):
            yield model["name"]

    def _pages(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        for page in self._page_after_page(path, query):
            yield from page.get(key, [])

    def _page_after_page(self, path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            asked = {**query, "page_token": token} if token else query
            page = self._get(f"{API}/{path}", **asked)
            yield page
            token = page.get("next_page_token", "")
            if not token:
                return

    def _below(self, root: str, folder: str, depth: int) -> Iterator[RemoteFile]:
        place = f"{root}/{folder}".rstrip("/")
        for entry in self.listing(place):
            name = str(entry["path"]).rsplit("/", 1)[-1]
            path = f"{folder}/{name}".lstrip("/")
            if not entry.get("is_dir"):
                yield RemoteFile(path, f"{root}/{path}", int(entry.get("file_size") or 0))
            elif depth:
                yield from self._below(root, path, depth - 1)
            else:
                raise Refused(f"The folders of {root} are nested more than {DEEPEST} deep.")

    def _place(self, artifact_uri: str) -> str:
        """Where on the server's own proxy an artifact URI points."""
        parts = urlsplit(artifact_uri)
        if parts.scheme == "mlflow-artifacts":
            return parts.path.strip("/")
        own = f"{self.address}{ARTIFACTS}/"
        if artifact_uri.startswith(own):
            return artifact_uri.removeprefix(own).strip("/")
        raise Refused(
            f"Its files are in {artifact_uri}, which {self.address} does not serve itself (--serve-artifacts)."
        )


def pairs(told: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """MLflow's `[{"key": …, "value": …}]`; a value that is not sent is empty."""
    return {pair["key"]: pair.get("value", "") for pair in told}


def moment(milliseconds: float) -> datetime:
    """Raises Refused for what is no time."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, TypeError, ValueError) as error:
        raise Refused(f"It names {milliseconds} as a time in milliseconds since 1970.") from error
