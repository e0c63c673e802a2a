"""`registered-models/*`: what is said about models, and their aliases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from apps.core.errors import Exists, Invalid, Missing
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.fields import pairs, text, texts
from apps.mlflow_protocol.registry import answers, filters, orders
from apps.mlflow_protocol.registry.numbers import number_of, page_size
from apps.mlflow_protocol.words import by_key
from apps.registry import actions, names, queries

if TYPE_CHECKING:
    from apps.registry.models import RegisteredModel

LARGEST_PAGE = 1_000
STAGES = {stage.lower(): stage for stage in queries.STAGES}
NAME = text("name", required=True)


def create(call: Call) -> Body:
    tags = by_key(call["tags"])
    with _told_apart(call, tags):
        made = actions.create_model(actor=call.actor, name=call["name"], description=call["description"], tags=tags)
    return {"registered_model": answers.model(queries.new_row_of(made))}


def get(call: Call) -> Body:
    names.check_model_name(call["name"])
    return {"registered_model": answers.model(queries.model_row(actor=call.actor, name=call["name"]))}


def update(call: Call) -> Body:
    model = actions.describe_model(actor=call.actor, model=_model(call), description=call["description"])
    return {"registered_model": answers.model(_fresh(call, model))}


def rename(call: Call) -> Body:
    names.check_model_name(call["new_name"], field="new_name")
    model = actions.rename_model(actor=call.actor, model=_model(call), name=call["new_name"])
    return {"registered_model": answers.model(_fresh(call, model))}


def delete(call: Call) -> Body:
    actions.delete_model(actor=call.actor, model=_model(call))
    return {}


def search(call: Call) -> Body:
    limit = _limit(call["max_results"])
    conditions = filters.conditions(call["filter"], filters.MODELS)
    order = orders.of_models(call["order_by"])
    after = orders.place_in(call["page_token"], order)
    page = queries.search_models(actor=call.actor, conditions=conditions, orders=order, after=after, limit=limit)
    found = {"registered_models": [answers.model(row) for row in page.rows]}
    return found | ({"next_page_token": orders.token_of(page.place)} if page.place else {})


def latest(call: Call) -> Body:
    names.check_model_name(call["name"])
    row = queries.model_row(actor=call.actor, name=call["name"])
    wanted = {stage_of(stage) for stage in call["stages"]} or set(queries.STAGES)
    found = [answers.version(_with_aliases(one, row)) for one in row.latest if one.stage in wanted]
    return {"model_versions": found} if found else {}


def _with_aliases(version: queries.VersionRow, model: queries.ModelRow) -> queries.VersionRow:
    return version._replace(aliases=[alias for alias, number in model.aliases if number == version.number])


def set_tag(call: Call) -> Body:
    names.check_model_name(call["name"])
    names.check_tags({call["key"]: call["value"]})
    actions.tag_model(actor=call.actor, model=_model(call), key=call["key"], value=call["value"])
    return {}


def delete_tag(call: Call) -> Body:
    names.check_model_name(call["name"])
    names.check_key(call["key"])
    actions.untag_model(actor=call.actor, model=_model(call), key=call["key"])
    return {}


def set_alias(call: Call) -> Body:
    names.check_model_name(call["name"])
    names.check_new_alias(call["alias"])
    number = number_of(call["version"])
    version = queries.version_to_change(actor=call.actor, name=call["name"], number=number)
    actions.move_alias(actor=call.actor, version=version, alias=call["alias"])
    return {}


def delete_alias(call: Call) -> Body:
    names.check_model_name(call["name"])
    names.check_alias(call["alias"])
    model = _model(call)
    if model.aliases.filter(name=call["alias"]).exists():
        actions.delete_alias(actor=call.actor, model=model, alias=call["alias"])
    return {}


def get_by_alias(call: Call) -> Body:
    names.check_model_name(call["name"])
    names.check_alias(call["alias"])
    if call["alias"].lower() == "latest":
        found = queries.newest_version(actor=call.actor, name=call["name"])
        if found is None:
            raise Missing(f"Latest version not found for model {call['name']}.")
    else:
        found = queries.version_behind(actor=call.actor, name=call["name"], alias=call["alias"])
        if found is None:
            raise Invalid(f"Registered model alias {call['alias']} not found.", field="alias")
    return {"model_version": answers.version(found)}


def stage_of(stage: str) -> str:
    """In MLflow's own spelling. Raises Invalid."""
    if stage.lower() not in STAGES:
        known = ", ".join(queries.STAGES)
        raise Invalid(f"Invalid Model Version stage: {stage}. Value must be one of {known}.", field="stage")
    return STAGES[stage.lower()]


def _model(call: Call) -> RegisteredModel:
    names.check_model_name(call["name"])
    return queries.model_to_change(actor=call.actor, name=call["name"])


def _fresh(call: Call, model: RegisteredModel) -> queries.ModelRow:
    return queries.model_row(actor=call.actor, name=model.name)


def _limit(asked: int) -> int:
    if asked < 1:
        raise Invalid(
            f"Invalid value for request parameter max_results. It must be at least 1, but got value {asked}",
            field="max_results",
        )
    return asked


@contextmanager
def _told_apart(call: Call, tags: Mapping[str, str]) -> Iterator[None]:
    """Of a name that is taken, whether a prompt or a model has it."""
    try:
        yield
    except Exists as error:
        name, new = call["name"], _word(tags)
        try:
            old = _word(queries.model_row(actor=call.actor, name=name).tags)
        except Missing:
            raise error from None
        if old == new:
            raise Exists(f"{new} (name={name}) already exists.") from error
        raise Exists(
            f"Tried to create a {new.lower()} with name {name!r}, but the name is already taken by a {old.lower()}. "
            "MLflow does not allow creating a model and a prompt with the same name."
        ) from error


def _word(tags: Mapping[str, str]) -> str:
    return "Prompt" if queries.IS_PROMPT in tags else "Registered Model"


ALIAS, KEY = text("alias", required=True), text("key", required=True)
LATEST = (NAME, texts("stages"))
ENDPOINTS = (
    Endpoint("POST", "mlflow/registered-models/create", create, (NAME, pairs("tags"), text("description"))),
    Endpoint("GET", "mlflow/registered-models/get", get, (NAME,), reads=True),
    Endpoint("PATCH", "mlflow/registered-models/update", update, (NAME, text("description"))),
    Endpoint("POST", "mlflow/registered-models/rename", rename, (NAME, text("new_name", required=True))),
    Endpoint("DELETE", "mlflow/registered-models/delete", delete, (NAME,)),
    Endpoint(
        "GET",
        "mlflow/registered-models/search",
        search,
        (text("filter"), page_size(default=100, most=LARGEST_PAGE), texts("order_by"), text("page_token")),
        reads=True,
    ),
    Endpoint("POST", "mlflow/registered-models/get-latest-versions", latest, LATEST, reads=True),
    Endpoint("GET", "mlflow/registered-models/get-latest-versions", latest, LATEST, reads=True),
    Endpoint("POST", "mlflow/registered-models/set-tag", set_tag, (NAME, KEY, text("value"))),
    Endpoint("DELETE", "mlflow/registered-models/delete-tag", delete_tag, (NAME, KEY)),
    Endpoint("POST", "mlflow/registered-models/alias", set_alias, (NAME, ALIAS, text("version", required=True))),
    Endpoint("DELETE", "mlflow/registered-models/alias", delete_alias, (NAME, ALIAS)),
    Endpoint("GET", "mlflow/registered-models/alias", get_by_alias, (NAME, ALIAS), reads=True),
)
