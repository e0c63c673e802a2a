"""The run behind an imported version: its id, times, parameters, tags, inputs, and every point of its metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.core.errors import Conflict
from apps.platforms.calling import Unknown
from apps.platforms.mlflow import moment, pairs
from apps.tracking.actions import ensure_experiment, import_run, log_batch, log_inputs, update_run
from apps.tracking.points import Point, UsedDataset

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.platforms.mlflow import MlflowServer, RemoteRun
    from apps.registry.models import RegisteredModel
    from apps.tracking.models import Experiment, Run

RUN_ID = re.compile(r"[0-9a-f]{32}")
DEFAULT = "Default"
"""The experiment that every MLflow server has: its name says nothing about whose it was."""


def bring_run(*, actor: User, server: MlflowServer, called: str, model: RegisteredModel, run_id: str) -> Run | None:
    """The run of that id as it is there, begun, filled and then closed: what broke off goes on where it was.

    None where the server does not know it. `called` is the connection's name. Raises PortalError where a rule of the
    portal is against it.
    """
    try:
        told = server.whole_run(run_id) if RUN_ID.fullmatch(run_id) else None
    except Unknown:
        told = None
    if told is None:
        return None
    experiment = _experiment(actor, model, told.experiment if told.experiment != DEFAULT else f"{DEFAULT} of {called}")
    begun = {"name": told.name, "tags": told.tags, "at": told.started_at}
    run = import_run(actor=actor, experiment=experiment, run_id=run_id, **begun)  # type: ignore[arg-type]
    if run.is_open:
        _fill(actor, server, run, told)
    return run


def _fill(actor: User, server: MlflowServer, run: Run, told: RemoteRun) -> None:
    log_batch(actor=actor, run=run, params=told.params, tags=told.tags)
    for key in told.metrics:
        for page in server.history(told.id, key):
            log_batch(actor=actor, run=run, points=[_point(point) for point in page])
    log_inputs(actor=actor, run=run, datasets=[_dataset(used) for used in told.datasets])
    if told.status not in run.OPEN:
        update_run(actor=actor, run=run, status=told.status, ended_at=told.ended_at)


def _experiment(actor: User, model: RegisteredModel, name: str) -> Experiment:
    """As visible as the model, of its team; of a name of its own where another team has that one."""
    owner = model.family or model
    team: Team = owner.team  # type: ignore[assignment]
    visibility = model.family.visibility if model.family else "everyone"
    try:
        return ensure_experiment(actor=actor, name=name, team=team, visibility=visibility)
    except Conflict:
        return ensure_experiment(actor=actor, name=f"{name} of {team.slug}", team=team, visibility=visibility)


def _point(told: Mapping[str, Any]) -> Point:
    """Numbers that JSON has no word for come as words: "NaN", "Infinity"."""
    return Point(told["key"], float(told["value"]), moment(told["timestamp"]), int(told.get("step", 0)))


def _dataset(used: Mapping[str, Any]) -> UsedDataset:
    known = {name: used["dataset"].get(name, "") for name in ("name", "digest", "source_type", "source", "schema")}
    return UsedDataset(**known, profile=used["dataset"].get("profile", ""), tags=pairs(used.get("tags", [])))
