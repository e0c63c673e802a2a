"""The way out: models, versions with their numbers, runs, files, tags, stages and aliases go into an MLflow server.

Running it again goes on where it was: what an earlier time has made there carries a tag, and is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from apps.artifacts.queries import files_of, local_path
from apps.core.errors import Invalid, PortalError
from apps.platforms.mlflow import EPOCH, Unknown, pairs
from apps.platforms.mlflow_writing import READY, MlflowWriter
from apps.platforms.outgoing import Refused
from apps.platforms.queries import mlflow_writer
from apps.registry import queries as registry
from apps.tracking import queries as tracking
from apps.transfers.actions import note_export

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User
    from apps.platforms.models import Connection
    from apps.registry.models import ModelVersion, RegisteredModel
    from apps.tracking.models import Metric, Run

VERSION, RUN = "portal_version", "portal_run"
"""Tags by which an export finds again what it has made."""
OLDEST = 3  # MLflow before 3 has no logged models, which carry the files
WITHOUT_RUN = "Exported models"  # the experiment of versions that have no run here
NO_STAGE = "None"
NO_JSON = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""Numbers that JSON has no word for, in MLflow's."""


@dataclass(frozen=True)
class Export:
    actor: User
    server: MlflowWriter


def preview(*, actor: User, connection: Connection) -> Iterator[str]:
    """What would be written there, a line each; nothing is."""
    work = Export(actor, _server(connection))
    models = list(registry.models(actor))
    for model in models:
        there = _there(work, model)
        numbers = [version.number for version in _versions(model)]
        known = sum(str(number) in there for number in numbers)
        yield f"{model.name}: {len(numbers)} versions" + (f", {known} of them there already" if known else "")
    yield f"Nothing was written. {len(models)} models would be exported."


def export_registry(*, actor: User, connection: Connection) -> Iterator[str]:
    """Writes everything that this person may see, a line for each step; what is refused is a line with the reason."""
    work = Export(actor, _server(connection))
    note_export(actor=actor, connection=connection)
    models = list(registry.models(actor))
    for at, model in enumerate(models, start=1):
        yield f"[{at}/{len(models)}] {model.name}"
        try:
            yield from _model(work, model)
        except (Refused, PortalError) as error:
            yield f"{model.name}: left out. {error}"


def _server(connection: Connection) -> MlflowWriter:
    """Raises Invalid for one that is too old."""
    server = mlflow_writer(connection)
    if not server.version().partition(".")[0].isdecimal() or int(server.version().partition(".")[0]) < OLDEST:
        raise Invalid(f"{connection} is MLflow {server.version()}; an export needs {OLDEST}.0 or newer.")
    return server


def _model(work: Export, model: RegisteredModel) -> Iterator[str]:
    work.server.begin_model(model.name, model.description, model.tags)
    there = _there(work, model)
    for version in _versions(model):
        if str(version.number) in there:
            yield f"{version}: is there already"
            continue
        if version.status != "READY":
            yield f"{version}: left out. It is {version.get_status_display()}."
            continue
        there[str(version.number)] = number = _version(work, version)
        yield f"{version}: exported" + (f" as v{number}, as its number was taken" if number != version.number else "")
    for alias in model.aliases.all():
        if str(alias.version.number) in there:
            work.server.set_alias(model.name, there[str(alias.version.number)], alias.name)
            yield f"{alias}: points to v{there[str(alias.version.number)]}"


def _there(work: Export, model: RegisteredModel) -> dict[str, int]:
    """By our number, the number there of what was exported before."""
    try:
        known = work.server.versions(model.name)
    except Unknown:
        return {}
    tagged = ((pairs(version.get("tags", [])).get(VERSION), int(version["version"])) for version in known)
    return {ours: theirs for ours, theirs in tagged if ours}


def _versions(model: RegisteredModel) -> list[ModelVersion]:
    return list(registry.versions(model).order_by("number"))


def _version(work: Export, version: ModelVersion) -> int:
    """Its number there: the same, as those that were deleted here are made and deleted there, unless it is taken."""
    said, name = _said(work, version), version.model.name
    tags = {**version.tags, VERSION: str(version.number), "portal_digest": version.digest, "portal_kind": version.kind}
    number = work.server.add_version(name, said, tags)
    while number < version.number:
        work.server.drop_version(name, number)
        number = work.server.add_version(name, said, tags)
    if version.stage != NO_STAGE:
        work.server.set_stage(name, number, version.stage)
    return number


def _said(work: Export, version: ModelVersion) -> dict[str, Any]:
    """Where its files are there, and of which run it is."""
    told: dict[str, Any] = {"description": version.description, "run_link": version.run_link}
    if version.tree is None:
        return told | {"source": version.location or version.source}
    run = _run(work, version.run) if version.run else None
    experiment = run["experiment_id"] if run else work.server.experiment(WITHOUT_RUN)
    run_id = run["run_id"] if run else ""
    logged = _files(work, version, experiment, run_id)
    return told | {"source": f"models:/{logged}", "model_id": logged, "run_id": run_id}


def _files(work: Export, version: ModelVersion, experiment: str, run: str) -> str:
    """Id of the logged model there that has the version's files."""
    label = f"{version.model.name}/{version.number}"
    found = work.server.logged_model_tagged(experiment, VERSION, label)
    info = found or work.server.begin_logged_model(experiment, "model", run, {VERSION: label}, version.reported_params)
    if info["status"] != READY:
        for file in files_of(version.its_tree):
            work.server.upload(info["artifact_uri"], file.path, local_path(file))
        work.server.finish_logged_model(info["model_id"])
    return str(info["model_id"])


def _run(work: Export, run: Run) -> dict[str, Any]:
    """`info` of the run there, with everything this one reported."""
    experiment = work.server.experiment(run.experiment.name)
    found = work.server.run_tagged(experiment, RUN, run.pk)
    tags = {row.key: row.value for row in run.tags.all()} | {RUN: run.pk}
    info = found or work.server.begin_run(experiment, run.name, _ms(run.started_at), tags)
    if info["status"] == "RUNNING":
        params = {row.key: row.value for row in run.params.all()}
        work.server.log(info["run_id"], params, [_point(point) for point in tracking.metric_history(run)])
        if not run.is_open and run.ended_at:
            work.server.end_run(info["run_id"], run.status, _ms(run.ended_at))
    return info


def _point(point: Metric) -> dict[str, Any]:
    value = point.value if isfinite(point.value) else NO_JSON[str(point.value)]
    return {"key": point.key, "value": value, "step": point.step, "timestamp": _ms(point.timestamp)}


def _ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
