"""Upload, download, list and delete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.http.response import HttpResponseBase

from apps.artifacts.paths import check_path
from apps.artifacts.queries import file, files_in
from apps.artifacts.sending import send_range
from apps.core.errors import Invalid, Missing
from apps.mlflow_protocol.artifacts.bodies import body_of
from apps.mlflow_protocol.artifacts.places import no_such, place_of
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import text
from apps.mlflow_protocol.tracking.experiments import ARTIFACTS
from apps.mlflow_protocol.tracking.runs import RUN, artifacts_of, run_of
from apps.mlflow_protocol.words import without_empty
from apps.registry.actions import count_download
from apps.tracking import queries

if TYPE_CHECKING:
    from apps.artifacts.models import Tree


def upload(call: Call) -> Body:
    place = place_of(call, call.places["path"])
    if not place.path:
        raise Invalid("Name the file below the address of its run, model or upload.", field="path")
    place.put(place.path, body_of(call.request))
    return {}


def download(call: Call) -> HttpResponseBase:
    """The bytes, verified before the first one leaves; one range of them where the client asks for one."""
    address = call.places["path"]
    place = place_of(call, address)
    if place.tree is None or not place.path:
        raise no_such(address)
    try:
        found = file(tree=place.tree, path=place.path)
    except Missing as error:
        raise no_such(address) from error
    if place.version:
        count_download(actor=call.actor, version=place.version)
    return send_range(found, wanted=call.request.META.get("HTTP_RANGE", ""))


def delete(call: Call) -> Body:
    """A file, or a folder with all in it."""
    place = place_of(call, call.places["path"])
    if place.tree is None:
        raise no_such(call.places["path"])
    place.remove(place.path)
    return {}


def listing(call: Call) -> Body:
    """What lies directly in the folder; an unknown one is empty."""
    if not call["path"].strip("/"):
        return {}
    try:
        place = place_of(call, call["path"])
    except Missing:
        return {}
    return without_empty({"files": _entries(place.tree, place.path, whole=False)}) if place.tree else {}


def run_listing(call: Call) -> Body:
    folder = _checked(call["path"])
    run = run_of(call)
    files = _entries(run.tree, folder, whole=True)
    return without_empty({"root_uri": artifacts_of(call, run), "files": files})


def model_listing(call: Call) -> Body:
    model = queries.logged_model(actor=call.actor, pk=call["model_id"])
    root = f"{call.home}{ARTIFACTS}/{model.experiment_id}/models/{model.pk}/artifacts"
    files = _entries(model.tree, _checked(call["artifact_directory_path"]), whole=True)
    return without_empty({"root_uri": root, "files": files})


def _checked(path: str) -> str:
    """A folder below that of a run or model, in MLflow's words where it is none."""
    try:
        return check_path(path.rstrip("/")) if path else ""
    except Invalid as error:
        raise Invalid("Invalid path", field="path") from error


def _entries(tree: Tree, folder: str, *, whole: bool) -> list[Body]:
    """Files and folders of the folder, by name: with their whole paths, or the last part of them."""
    start = len(folder) + 1 if folder else 0
    rows = [(row.path[start:], row.size) for row in files_in(tree=tree, folder=folder)]
    found = _children(rows) or _itself(tree, folder)
    above = f"{folder}/" if folder and whole and rows else ""
    return [{**entry, "path": above + str(entry["path"])} for entry in found]


def _children(rows: Iterable[tuple[str, int]]) -> list[Body]:
    children: dict[str, Body] = {}
    for path, size in rows:
        name, deeper, _ = path.partition("/")
        entry: Body = {"path": name, "is_dir": True} if deeper else {"path": name, "is_dir": False, "file_size": size}
        children.setdefault(name, entry)
    return [children[name] for name in sorted(children)]


def _itself(tree: Tree, path: str) -> list[Body]:
    """A path that is a file lists that file."""
    try:
        found = file(tree=tree, path=path)
    except Missing:
        return []
    return [{"path": path.rpartition("/")[2], "is_dir": False, "file_size": found.size}]


FILE = "mlflow-artifacts/artifacts/{path*}"
ENDPOINTS = (
    Endpoint("PUT", FILE, upload, raw=True, in_run=True),
    Endpoint("GET", FILE, download, raw=True, reads=True, in_run=True),
    Endpoint("DELETE", FILE, delete, raw=True, in_run=True),
    Endpoint("GET", "mlflow-artifacts/artifacts", listing, (text("path"),), reads=True, in_run=True),
    Endpoint("GET", "mlflow/artifacts/list", run_listing, (RUN, text("path")), reads=True, in_run=True),
    Endpoint(
        "GET",
        "mlflow/logged-models/{model_id}/artifacts/directories",
        model_listing,
        (text("model_id", required=True), text("artifact_directory_path")),
        reads=True,
        in_run=True,
    ),
)
