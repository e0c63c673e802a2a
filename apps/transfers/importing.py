"""Brings an existing MLflow registry over: models, versions with numbers and times, the runs behind them, files, tags,
aliases.

Running it again goes on where it was: what is here already is left as it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.core.errors import PortalError
from apps.platforms.calling import Unknown
from apps.platforms.mlflow import moment, pairs
from apps.platforms.queries import mlflow_server
from apps.registry.actions import Origin, move_alias, move_stage
from apps.registry.actions.aliases import protects
from apps.registry.actions.imports import import_alias, import_model, import_version
from apps.registry.queries import models as models_here
from apps.transfers.actions import ask_for_files, take_back
from apps.transfers.bringing import bring_next
from apps.transfers.queries import on_their_way, soon
from apps.transfers.runs import bring_run

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.platforms.mlflow import MlflowServer
    from apps.platforms.models import Connection
    from apps.registry.models import ModelVersion, RegisteredModel

LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})")
NO_STAGE = "None"
LOOK_AGAIN = 1.0  # seconds, while a worker has the files that are missing
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Import:
    """One going over of one server's registry, as this person."""

    actor: User
    connection: Connection
    server: MlflowServer


def preview(*, actor: User, connection: Connection) -> Iterator[str]:
    """What would be brought over, a line each; nothing is written."""
    server = mlflow_server(connection)
    names = server.names()
    for name in names:
        numbers = [int(version["version"]) for version in server.versions(name)]
        yield f"{name}: {_count(numbers, 'version')}{_here(actor, name, numbers)}"
    yield f"Nothing was written. {_count(names, 'model')} would be brought over."


def import_registry(*, actor: User, connection: Connection) -> Iterator[str]:
    """Brings everything over, a line for each step; what is refused is a line with the reason."""
    work = Import(actor, connection, mlflow_server(connection))
    names = work.server.names()
    models: dict[str, RegisteredModel] = {}
    for at, name in enumerate(names, start=1):
        yield f"[{at}/{len(names)}] {name}"
        try:
            facts = work.server.model(name)
            models[name] = import_model(actor=actor, name=name, **_described(facts))
            yield from _versions(work, models[name])
        except PortalError as error:
            yield f"{name}: left out. {error.message}"
    yield from _files(connection)
    for model in models.values():
        yield from _aliases(work, model)


def _versions(work: Import, model: RegisteredModel) -> Iterator[str]:
    for facts in work.server.versions(model.name):
        label = f"{model.name} v{facts['version']}"
        known = model.versions.filter(number=int(facts["version"])).select_related("run").first()
        if known and (known.run is None or not known.run.is_open):
            yield f"{label}: is here already"
            continue
        origin, problem = _with_run(work, model, _origin(facts))
        if problem:
            yield f"{label}: without its run. {problem}"
        if known is None:
            made = _version(work, model, facts, origin)
            yield f"{label}: {'its files follow' if made.status == 'PENDING_REGISTRATION' else 'brought over'}"


@transaction.atomic
def _version(work: Import, model: RegisteredModel, facts: Facts, origin: Origin) -> ModelVersion:
    of_run = bool(origin.run_ref) and origin.source.startswith(("runs:/", "mlflow-artifacts:/"))
    has_files = bool(origin.logged_model) or of_run  # the others are pointers to places outside, and stay that
    made = import_version(
        actor=work.actor,
        model=model,
        number=int(facts["version"]),
        origin=origin,
        status="PENDING_REGISTRATION" if has_files else "READY",
        **_described(facts),
    )
    if has_files:
        ask_for_files(version=made, origin=origin, connection=work.connection)
    stage = facts.get("current_stage") or NO_STAGE
    if stage != NO_STAGE and model.family is None:
        move_stage(actor=work.actor, version=made, stage=stage, archive_others=False)
    return made


def _with_run(work: Import, model: RegisteredModel, origin: Origin) -> tuple[Origin, str]:
    """Where it comes from with its run brought over, and the sentence why that was not possible."""
    try:
        run_id = origin.run_ref or _run_of(work.server, origin.logged_model)
        called = work.connection.name
        run = bring_run(actor=work.actor, server=work.server, called=called, model=model, run_id=run_id)
    except PortalError as error:
        return origin, error.message
    if run is None:
        return origin, f"{work.connection} does not know the run {run_id}." if run_id else ""
    return replace(origin, run=run, run_ref=run.pk), ""


def _run_of(server: MlflowServer, logged_model: str) -> str:
    """MLflow's own versions of a logged model do not name the run; the logged model does."""
    try:
        return server.logged_model(logged_model).run_id if logged_model else ""
    except Unknown:
        return ""


def _files(connection: Connection) -> Iterator[str]:
    """Copies files beside the workers until none of this server is due any more."""
    while waiting := on_their_way(connection):
        take_back()
        if bring_next():
            yield f"files: {_count(range(waiting), 'version')} to go"
        elif not soon(connection):
            yield f"{_count(range(waiting), 'version')} will be tried again by the workers, or by running this again."
            return
        else:
            time.sleep(LOOK_AGAIN)


def _aliases(work: Import, model: RegisteredModel) -> Iterator[str]:
    for alias in work.server.model(model.name).get("aliases", []):
        name, version = alias["alias"], model.versions.filter(number=int(alias["version"])).first()
        try:
            if version and _alias(work, version, name):
                yield f"{model.name}@{name}: points to {version.label}"
        except PortalError as error:
            yield f"{model.name}@{name}: left out. {error.message}"


def _alias(work: Import, version: ModelVersion, name: str) -> bool:
    """True if it points there only now."""
    family, reason = version.model.family, f"Imported from {work.connection}."
    if family and protects(family=family, alias=name):
        return bool(import_alias(actor=work.actor, version=version, alias=name, reason=reason))
    return bool(move_alias(actor=work.actor, version=version, alias=name, reason=reason))


def _origin(facts: Facts) -> Origin:
    source, run_id = facts.get("source", ""), facts.get("run_id", "")
    logged = LOGGED.fullmatch(source)
    model_id = facts.get("model_id") or (logged[1] if logged else "")
    return Origin(source, run_ref=run_id, run_link=facts.get("run_link", ""), logged_model=model_id)


def _described(facts: Facts) -> dict[str, Any]:
    at = moment(facts["creation_timestamp"])
    return {"description": facts.get("description", ""), "tags": pairs(facts.get("tags", [])), "at": at}


def _here(actor: User, name: str, numbers: list[int]) -> str:
    """How much of it this person would find here already."""
    model = models_here(actor).filter(name=name).first()
    here = model.versions.filter(number__in=numbers).count() if model else 0
    return f", {here} of them here already" if here else ""


def _count(what: Any, noun: str) -> str:
    return f"{len(what)} {noun}" if len(what) == 1 else f"{len(what)} {noun}s"
