"""Where a version's files come from. A source is an opaque text; nothing that a request names is opened or fetched.

The portal's own addresses are resolved to trees: `runs:/`, `models:/m-…`, `models:/name/1`, and its own artifact URIs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote_plus, urlsplit

from apps.artifacts.actions import copy_files
from apps.artifacts.queries import has_files
from apps.core.errors import Invalid, Missing
from apps.mlflow_protocol.artifacts.places import place_of
from apps.mlflow_protocol.endpoints import Call
from apps.mlflow_protocol.registry.numbers import number_of
from apps.mlflow_protocol.words import number, to_ms
from apps.registry import queries
from apps.registry.actions import Origin
from apps.tracking import queries as tracking

if TYPE_CHECKING:
    from apps.artifacts.models import Tree
    from apps.tracking.models import LoggedModel, Run

PLACEHOLDERS = frozenset({"dummy-source", "prompt-template"})
"""What MLflow's own clients send as the source of a prompt, which has no files."""
NAMES_A_HOST = frozenset({"http", "https", "ftp", "sftp", "hdfs", "viewfs", "r2", "b2", "abfss", "mlflow-artifacts"})
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
LOCAL = frozenset({"", "file"})
MOST_DECODINGS = 32


@dataclass(frozen=True)
class Files:
    """A folder of somebody's tree."""

    tree: Tree
    folder: str


def origin_of(call: Call, tags: Mapping[str, str]) -> Origin:
    """What the call says a version is made of. Raises Invalid for a source that is not to be used."""
    source, run_id, model_id = call["source"], call["run_id"], call["model_id"]
    said = Origin(source, run_ref=run_id or "", run_link=call["run_link"], logged_model=model_id or "")
    if tags.get(queries.IS_PROMPT, "false").lower() == "true":
        return _prompt(said)
    if _scheme(source) == "models" and not _is_logged_model(source):
        return _copy(call, said)
    _check_place(call, said)
    resolve = {"models": _logged, "runs": _of_run}.get(_scheme(source), _plain)
    return resolve(call, _with_run(call, said))


def _prompt(said: Origin) -> Origin:
    if said.source not in PLACEHOLDERS:
        raise Invalid(
            f"Invalid prompt source: '{said.source}'. Prompt sources must use an MLflow placeholder.", field="source"
        )
    return said


def _copy(call: Call, said: Origin) -> Origin:
    """Of a version of the registry: the same sealed files, under the name of its number."""
    _refuse_host(said.source, "Registered model sources must use the active model registry.")
    name, number = _named(call, said.source)
    if queries.IS_PROMPT in queries.model_row(actor=call.actor, name=name).tags:
        _refuse(said.source, "Prompt versions cannot be used as model version sources.")
    row = queries.version_row(actor=call.actor, name=name, number=number)
    version = queries.version_to_change(actor=call.actor, name=name, number=number)
    if (call["run_id"] is not None and said.run_ref != row.run_ref) or (
        call["model_id"] is not None and said.logged_model != row.logged_model
    ):
        _refuse(said.source, "The run_id and model_id request parameters must match the referenced model version.")
    return replace(
        said,
        source=f"models:/{name}/{number}",
        tree=version.tree,
        location=version.location,
        run=version.run,
        run_ref=row.run_ref,
        logged_model=row.logged_model,
        params=row.params,
        metrics=row.metrics,
    )


def _named(call: Call, source: str) -> tuple[str, int]:
    """`models:/name/3`, `/latest`, `/Production` and `models:/name@alias` as (name, number)."""
    parts = source.partition(":")[2].lstrip("/").split("/")
    if len(parts) > 2 or not all(part.strip() for part in parts):
        _refuse_other(source, "model_id")
    name, suffix = parts[0], parts[1] if len(parts) == 2 else ""
    if suffix.isdecimal():
        return name, number_of(suffix)
    if suffix:
        return name, _newest(call, name, suffix)
    name, _, alias = name.rpartition("@")
    found = queries.version_behind(actor=call.actor, name=name, alias=alias)
    if found is None:
        raise Invalid(f"Registered model alias {alias} not found.", field="source")
    return name, found.number


def _newest(call: Call, name: str, stage: str) -> int:
    latest = queries.model_row(actor=call.actor, name=name).latest
    wanted = [row.number for row in latest if stage.lower() in ("latest", row.stage.lower())]
    if not wanted:
        raise Missing(f"No versions of model with name '{name}' and stage '{stage}' found")
    return max(wanted)


def _check_place(call: Call, said: Origin) -> None:
    """Nothing on the server's disk, nothing on another host, nothing that climbs. Raises Invalid in MLflow's words."""
    scheme, ours = _scheme(said.source), _own_path(call, said.source) is not None
    if scheme in NAMES_A_HOST and not ours and not (scheme == "mlflow-artifacts" and not _host(said.source)):
        raise Invalid(
            f"'source' cannot use the '{scheme}' scheme: the '{scheme}' scheme addresses a host other than the "
            "portal's own artifact storage. Upload the files to the portal, or register them from a run.",
            field="source",
        )
    if _is_local(said.source):
        which = "model_id" if said.logged_model else "run_id"
        if which == "run_id" and said.run_ref and _run(call, said.run_ref) is None:
            _refuse_other(said.source, which)
        _refuse(
            said.source,
            f"To use a local path as a model version source, the {which} request parameter has to be specified and "
            f"the local path has to be contained within the artifact directory of the run specified by the {which}.",
        )
    _refuse_climbing(said.source)


def _logged(call: Call, said: Origin) -> Origin:
    """`models:/m-…` with the same model_id: its files, and what it reported so far."""
    _refuse_host(said.source, "The model_id request parameter must identify the resource that contains the source.")
    if said.logged_model != said.source.partition(":")[2].lstrip("/"):
        _refuse_other(said.source, "model_id")
    model = _logged_model(call, said.logged_model, said.source)
    return replace(said, tree=_kept(Files(model.tree, "")), **_reported(model))


def _of_run(call: Call, said: Origin) -> Origin:
    """`runs:/<id>/folder` with the same run_id."""
    run_id, _, folder = said.source.partition(":")[2].lstrip("/").partition("/")
    if said.logged_model:
        _refuse_other(said.source, "model_id")
    if not said.run_ref or run_id != said.run_ref or _host(said.source):
        _refuse_other(said.source, "run_id")
    return replace(said, tree=_kept(Files(said.run.tree, folder.strip("/"))) if said.run else None)


def _plain(call: Call, said: Origin) -> Origin:
    """The portal's own artifact URIs have files here; anything else is only a pointer."""
    path = _own_path(call, said.source)
    if path is None:
        return said
    files = _located(call, path)
    if files is None:
        _refuse_other(said.source, "model_id" if said.logged_model else "run_id")
    return replace(said, tree=_kept(files))


def _located(call: Call, path: str) -> Files | None:
    """The folder that an artifact URI of the portal names: an upload's, or that of the run or model the call names."""
    try:
        place = place_of(call, path)
    except (Missing, Invalid):
        return None
    parts = path.strip("/").split("/")
    owner = parts[2] if parts[1] == "models" else parts[1]
    named = parts[0] in ("uploads", "versions") or owner in (call["run_id"], call["model_id"])
    return Files(place.tree, place.path) if place.tree and named else None


def _with_run(call: Call, said: Origin) -> Origin:
    """The run itself where it is one of the portal's that the caller sees; otherwise only its id is kept."""
    return replace(said, run=_run(call, said.run_ref)) if said.run_ref else said


def _run(call: Call, run_id: str) -> Run | None:
    try:
        return tracking.run(actor=call.actor, run_id=run_id)
    except Missing:
        return None


def _logged_model(call: Call, model_id: str, source: str) -> LoggedModel:
    try:
        return tracking.logged_model(actor=call.actor, pk=model_id)
    except Missing:
        _refuse(source, f"There is no logged model {model_id!r} here, or you may not see it.")


def _kept(files: Files) -> Tree | None:
    """A copy of their paths, which the version seals; whoever logs on writes to their own tree. None without files."""
    return copy_files(tree=files.tree, folder=files.folder) if has_files(tree=files.tree, folder=files.folder) else None


def _reported(model: LoggedModel) -> dict[str, Any]:
    run = model.run
    metrics = [
        {
            "key": point.key,
            "value": number(point.value),
            "timestamp": to_ms(point.timestamp),
            "step": point.step,
            "model_id": model.pk,
            "run_id": point.run_id,
        }
        for point in model.metrics.all()
    ]
    params = {param.key: param.value for param in model.params.all()}
    return {"run": run, "run_ref": run.pk if run else "", "params": params, "metrics": metrics}


def _own_path(call: Call, source: str) -> str | None:
    """The path of an artifact URI of this portal: `mlflow-artifacts:/…` without a host, or its absolute form."""
    scheme = _scheme(source)
    if scheme == "mlflow-artifacts" and not _host(source):
        return source.partition(":")[2].lstrip("/")
    for prefix in (f"{call.home}{ARTIFACTS}", f"{call.home}{ARTIFACTS.replace('/api/', '/ajax-api/', 1)}"):
        if source.startswith(prefix):
            return source.removeprefix(prefix)
    return None


def _is_logged_model(source: str) -> bool:
    path = source.partition(":")[2].lstrip("/")
    return bool(path) and "/" not in path and "@" not in path


def _is_local(source: str) -> bool:
    return _scheme(source) in LOCAL


def _refuse_climbing(source: str) -> None:
    """Whatever is hidden in however many encodings. Raises Invalid."""
    plain = _decoded(source)
    path = re.sub(r"/+", "/", urlsplit(plain.replace("#", "%23")).path.rstrip("/")) if SCHEME.match(plain) else plain
    climbs = any(part in (".", "..") for part in re.split(r"[/\\]", plain))
    if climbs or "\0" in plain or "\\" in plain or not path.startswith("/") or any(not c.isprintable() for c in plain):
        _refuse(
            source,
            "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an "
            "absolute path must be provided without relative path references present. Please provide an absolute path.",
        )


def _decoded(source: str) -> str:
    plain, left = unquote_plus(source), MOST_DECODINGS
    while plain != source and left:
        source, plain, left = plain, unquote_plus(plain), left - 1
    return plain if left else "/.."


def _scheme(source: str) -> str:
    found = SCHEME.match(source)
    return found[1].lower() if found else ""


def _host(source: str) -> str:
    rest = source.partition(":")[2]
    return rest[2:].partition("/")[0] if rest.startswith("//") else ""


def _refuse_host(source: str, why: str) -> None:
    if _host(source):
        _refuse(source, why)


def _refuse_other(source: str, which: str) -> NoReturn:
    _refuse(source, f"The {which} request parameter must identify the resource that contains the source.")


def _refuse(source: str, why: str) -> NoReturn:
    raise Invalid(f"Invalid model version source: '{source}'. {why}", field="source")
