"""Brings an existing MLflow registry over: models, versions with numbers and times, tags, free aliases; files follow.

Running it again goes on where it was: what is here already is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.core.errors import PortalError
from apps.platforms.queries import mlflow_server
from apps.registry.actions import Origin, move_alias
from apps.registry.actions.aliases import protects
from apps.registry.actions.imports import import_model, import_version
from apps.transfers.actions import ask_for_files

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.platforms.mlflow import MlflowServer
    from apps.platforms.models import Connection
    from apps.registry.models import ModelVersion, RegisteredModel

LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})")
Facts = Mapping[str, Any]


def preview(connection: Connection) -> Iterator[str]:
    """What would be brought over, a line each; nothing is written."""
    server = mlflow_server(connection)
    for model in server.models():
        numbers = [version["version"] for version in server.versions(model["name"])]
        yield f"{model['name']}: {len(numbers)} versions ({', '.join(numbers[:10])})"


def import_registry(*, actor: User, connection: Connection) -> Iterator[str]:
    """Brings everything over as this person, a line for each step; what is refused is a line with the reason."""
    server = mlflow_server(connection)
    for facts in server.models():
        try:
            model = import_model(actor=actor, name=facts["name"], **_described(facts))
            yield from _versions(actor, connection, server, model)
            yield from _aliases(actor, connection, model, facts.get("aliases", []))
        except PortalError as error:
            yield f"{facts['name']}: left out. {error.message}"


def _versions(actor: User, connection: Connection, server: MlflowServer, model: RegisteredModel) -> Iterator[str]:
    for facts in server.versions(model.name):
        made = _version(actor, connection, model, facts)
        said = "its files follow" if made and made.status == "PENDING_REGISTRATION" else "brought over"
        yield f"{model.name} v{facts['version']}: {said if made else 'is here already'}"


@transaction.atomic
def _version(actor: User, connection: Connection, model: RegisteredModel, facts: Facts) -> ModelVersion | None:
    origin = _origin(facts)
    of_run = bool(origin.run_ref) and origin.source.startswith(("runs:/", "mlflow-artifacts:/"))
    has_files = bool(origin.logged_model) or of_run  # the others are pointers to places outside, and stay that
    status = "PENDING_REGISTRATION" if has_files else "READY"
    number = int(facts["version"])
    made = import_version(actor=actor, model=model, number=number, origin=origin, status=status, **_described(facts))
    if made and has_files:
        ask_for_files(version=made, origin=origin, connection=connection)
    return made


def _aliases(
    actor: User, connection: Connection, model: RegisteredModel, aliases: list[dict[str, Any]]
) -> Iterator[str]:
    for alias in aliases:
        name, version = alias["alias"], model.versions.filter(number=int(alias["version"])).first()
        if model.family and protects(family=model.family, alias=name):
            yield f"{model.name}@{name}: left out. It is protected here, and moves only by promotion."
        elif version and move_alias(actor=actor, version=version, alias=name, reason=f"Imported from {connection}."):
            yield f"{model.name}@{name}: points to {version.label}"


def _origin(facts: Facts) -> Origin:
    source, run_id = facts.get("source", ""), facts.get("run_id", "")
    logged = LOGGED.fullmatch(source)
    model_id = facts.get("model_id") or (logged[1] if logged else "")
    return Origin(source, run_ref=run_id, run_link=facts.get("run_link", ""), logged_model=model_id)


def _described(facts: Facts) -> dict[str, Any]:
    tags = {pair["key"]: pair["value"] for pair in facts.get("tags", [])}
    at = datetime.fromtimestamp(facts["creation_timestamp"] / 1_000, tz=UTC)
    return {"description": facts.get("description", ""), "tags": tags, "at": at}
