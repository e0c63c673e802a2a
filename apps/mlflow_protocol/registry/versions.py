"""`model-versions/*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.core.errors import Invalid
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import flag, pairs, text, texts
from apps.mlflow_protocol.registry import answers, filters, orders
from apps.mlflow_protocol.registry.elsewhere import origin_elsewhere
from apps.mlflow_protocol.registry.models import NAME, stage_of
from apps.mlflow_protocol.registry.numbers import number_of, page_size
from apps.mlflow_protocol.registry.sources import origin_of
from apps.mlflow_protocol.words import by_key
from apps.registry import actions, names, queries
from apps.transfers.actions import register_from_elsewhere

if TYPE_CHECKING:
    from apps.registry.models import ModelVersion

LARGEST_PAGE = 200_000
ACTIVE = ["Staging", "Production"]


def create(call: Call) -> Body:
    names.check_model_name(call["name"])
    tags = names.check_tags(by_key(call["tags"]))
    elsewhere = origin_elsewhere(call)
    create_version = register_from_elsewhere if elsewhere else actions.create_version
    with transaction.atomic():  # what is copied for a version that is refused goes with it
        made = create_version(
            actor=call.actor,
            origin=elsewhere or origin_of(call, tags),
            model=queries.model_to_change(actor=call.actor, name=call["name"]),
            description=call["description"],
            tags=tags,
        )
    return {"model_version": answers.version(queries.row_of(made))}


def get(call: Call) -> Body:
    return {"model_version": _shown(call)}


def update(call: Call) -> Body:
    actions.describe_version(actor=call.actor, version=_version(call), description=call["description"])
    return {"model_version": _shown(call)}


def transition(call: Call) -> Body:
    """Production is the champion's by another name: `guard_stage` knows."""
    stage = stage_of(call["stage"])
    if call["archive_existing_versions"] and stage not in ACTIVE:
        raise Invalid(
            "Model version transition cannot archive existing model versions because "
            f"'{call['stage']}' is not an Active stage. Valid stages are {ACTIVE}",
            field="archive_existing_versions",
        )
    actions.move_stage(
        actor=call.actor, version=_version(call), stage=stage, archive_others=call["archive_existing_versions"]
    )
    return {"model_version": _shown(call)}


def delete(call: Call) -> Body:
    actions.delete_version(actor=call.actor, version=_version(call))
    return {}


def search(call: Call) -> Body:
    limit = _limit(call["max_results"])
    conditions = filters.conditions(call["filter"], filters.VERSIONS)
    order = orders.of_versions(call["order_by"])
    after = orders.place_in(call["page_token"], order)
    page = queries.search_versions(actor=call.actor, conditions=conditions, orders=order, after=after, limit=limit)
    found = {"model_versions": [answers.version(row) for row in page.rows]}
    return found | ({"next_page_token": orders.token_of(page.place)} if page.place else {})


def download_uri(call: Call) -> Body:
    """An address that works whatever the client's tracking server is; where files are elsewhere, that place."""
    version = _version(call)
    if version.tree_id is None:
        return {"artifact_uri": version.location or version.source}
    return {"artifact_uri": f"{call.home}/api/2.0/mlflow-artifacts/artifacts/versions/{version.pk}"}


def set_tag(call: Call) -> Body:
    names.check_model_name(call["name"])
    number_of(call["version"])
    names.check_tags({call["key"]: call["value"]})
    actions.tag_version(actor=call.actor, version=_version(call), key=call["key"], value=call["value"])
    return {}


def delete_tag(call: Call) -> Body:
    names.check_model_name(call["name"])
    number_of(call["version"])
    names.check_key(call["key"])
    actions.untag_version(actor=call.actor, version=_version(call), key=call["key"])
    return {}


def _version(call: Call) -> ModelVersion:
    names.check_model_name(call["name"])
    return queries.version_to_change(actor=call.actor, name=call["name"], number=number_of(call["version"]))


def _shown(call: Call) -> Body:
    names.check_model_name(call["name"])
    number = number_of(call["version"])
    return answers.version(queries.version_row(actor=call.actor, name=call["name"], number=number))


def _limit(asked: int) -> int:
    if asked < 1:
        raise Invalid(
            f"Invalid value for max_results. It must be a positive integer, but got {asked}", field="max_results"
        )
    return asked


VERSION, KEY = text("version", required=True), text("key", required=True)
ENDPOINTS = (
    Endpoint(
        "POST",
        "mlflow/model-versions/create",
        create,
        (
            NAME,
            text("source", required=True),
            text("run_id", default=None),
            text("run_link"),
            pairs("tags"),
            text("description"),
            text("model_id", default=None),
        ),
    ),
    Endpoint("GET", "mlflow/model-versions/get", get, (NAME, VERSION), reads=True),
    Endpoint("PATCH", "mlflow/model-versions/update", update, (NAME, VERSION, text("description"))),
    Endpoint(
        "POST",
        "mlflow/model-versions/transition-stage",
        transition,
        (NAME, VERSION, text("stage", required=True), flag("archive_existing_versions")),
    ),
    Endpoint("DELETE", "mlflow/model-versions/delete", delete, (NAME, VERSION)),
    Endpoint(
        "GET",
        "mlflow/model-versions/search",
        search,
        (text("filter"), page_size(default=LARGEST_PAGE, most=LARGEST_PAGE), texts("order_by"), text("page_token")),
        reads=True,
    ),
    Endpoint(
        "GET", "mlflow/model-versions/get-download-uri", download_uri, (text("name"), text("version")), reads=True
    ),
    Endpoint("POST", "mlflow/model-versions/set-tag", set_tag, (NAME, VERSION, KEY, text("value"))),
    Endpoint("DELETE", "mlflow/model-versions/delete-tag", delete_tag, (NAME, VERSION, KEY)),
)
