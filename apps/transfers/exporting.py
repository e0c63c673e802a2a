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
from apps.platforms.calling import Unknown
from apps.platforms.mlflow import EPOCH, pairs
from apps.platforms.mlflow_writing import READY, MlflowWriter
from apps.platforms.outgoing import Refused
from apps.platforms.queries import mlflow_writer
from apps.registry import queries as registry
from apps.tracking import queries as tracking
from apps.transfers.actions import note_export
from apps.transfers.queries import versions_from

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
    """One going over to one server, as this person; `from_there` are the versions imported from it."""

    actor: User
    server: MlflowWriter
    from_there: frozenset[int]

    def exported(self, name: str) -> list[tuple[int, int]]:
        """Our number and the number there of each version that an export has made."""
        try:
            known = self.server.versions(name)
        except Unknown:
            return []
        tagged = ((pairs(version.get("tags", [])).get(VERSION, ""), int(version["version"])) for version in known)
        return [(int(ours), theirs) for ours, theirs in tagged if ours.isdecimal()]

    def drop_leftovers(self, name: str) -> None:
        """Versions that only stood for a number, of an export that was killed before it could delete them."""
        for ours, theirs in self.exported(name):
            if theirs < ours:
                self.server.drop_version(name, theirs)


def preview(*, actor: User, connection: Connection) -> Iterator[str]:
    """What would be written there, a line each; nothing is."""
    work = Export(actor, _server(connection), versions_from(connection))
    models = list(registry.models(actor))
    for model in models:
        there = _there(work, model)
        numbers = [version.number for version in _versions(model)]
        known = sum(number in there for number in numbers)
        yield f"{model.name}: {len(numbers)} versions" + (f", {known} of them there already" if known else "")
    yield f"Nothing was written. {len(models)} models would be exported."


def export_registry(*, actor: User, connection: Connection) -> Iterator[str]:
    """Writes everything that this person may see, a line for each step; what is refused is a line with the reason."""
    work = Export(actor, _server(connection), versions_from(connection))
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
    version = server.version()
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST:
        raise Invalid(f"{connection} is MLflow {version}; an export needs {OLDEST}.0 or newer.")
    return server


def _model(work: Export, model: RegisteredModel) -> Iterator[str]:
    work.server.begin_model(model.name, model.description, model.tags)
    work.drop_leftovers(model.name)
    there = _there(work, model)
    for version in _versions(model):
        if version.status != "READY":
            yield f"{version}: left out. It is {version.get_status_display()}."
            continue
        known = there.get(version.number)
        there[version.number] = number = known or _version(work, version)
        if version.stage != NO_STAGE:
            work.server.set_stage(model.name, number, version.stage)
        yield f"{version}: {_done(version.number, number, known=bool(known))}"
    for alias in model.aliases.all():
        if number := there.get(alias.version.number, 0):
            work.server.set_alias(model.name, number, alias.name)
            yield f"{alias}: points to v{number}"


def _done(ours: int, theirs: int, *, known: bool) -> str:
    done = "is there already" if known else "exported"
    return done if ours == theirs else f"{done} as v{theirs}, as its number was taken"


def _there(work: Export, model: RegisteredModel) -> dict[int, int]:
    """By our number, the number there: of what was exported before, and of what came from there."""
    own = {version.number: version.number for version in _versions(model) if version.pk in work.from_there}
    return own | {ours: theirs for ours, theirs in work.exported(model.name) if theirs >= ours}


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
