"""Verbs of logged models: evidence too, until a version is made of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.artifacts.actions import create_tree
from apps.core.errors import Invalid, Missing
from apps.core.permissions import require
from apps.core.transitions import move
from apps.tracking.checking import check_experiment_active
from apps.tracking.models import (
    LONGEST_TAG,
    LONGEST_VALUE,
    Experiment,
    LoggedModel,
    LoggedModelParam,
    LoggedModelTag,
    Run,
)
from apps.tracking.names import check_key, check_length, check_model_name, check_tags, check_text

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def create_logged_model(
    *,
    actor: User,
    experiment: Experiment,
    run: Run | None,
    name: str,
    kind: str = "",
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> LoggedModel:
    """A pending one with an empty tree. Raises Invalid for a run of another experiment."""
    require(actor, "tracking.write_run" if run else "tracking.open_run", run or experiment)
    check_experiment_active(experiment)
    if run and run.experiment_id != experiment.pk:
        raise Invalid("The run belongs to another experiment; log the model into the run's own.", field="source_run_id")
    model = LoggedModel.objects.create(
        experiment=experiment,
        run=run,
        name=check_model_name(name),
        kind=check_length(check_text(kind, path="model_type"), 500, called="model_type"),
        user=actor,
        tree=create_tree(),
    )
    _write_params(model, params or {})
    _write_tags(model, tags or {})
    return model


@transaction.atomic
def finalize_logged_model(*, actor: User, model: LoggedModel, status: str) -> LoggedModel:
    """Says whether all its files have arrived."""
    require(actor, "tracking.write_logged_model", model)
    if status != model.status:
        move(model, status, updated_at=Now())
    return model


@transaction.atomic
def delete_logged_model(*, actor: User, model: LoggedModel) -> None:
    """Hidden; versions made of it have files of their own."""
    require(actor, "tracking.write_logged_model", model)
    LoggedModel.objects.filter(pk=model.pk).update(deleted_at=Now(), updated_at=Now())


@transaction.atomic
def tag_logged_model(*, actor: User, model: LoggedModel, tags: Mapping[str, str]) -> None:
    """Sets them, whatever they were before."""
    require(actor, "tracking.write_logged_model", model)
    _write_tags(model, tags)


@transaction.atomic
def untag_logged_model(*, actor: User, model: LoggedModel, key: str) -> None:
    """Raises Missing for a tag that is not there."""
    require(actor, "tracking.write_logged_model", model)
    if not LoggedModelTag.objects.filter(model=model, key=key.replace("\0", "")).delete()[0]:
        raise Missing(f"No tag with key {key!r} found for model with ID {model.pk!r}.")


@transaction.atomic
def log_model_params(*, actor: User, model: LoggedModel, params: Mapping[str, str]) -> None:
    """Raises Invalid for a parameter that has another value already."""
    require(actor, "tracking.write_logged_model", model)
    _write_params(model, params)


def _write_tags(model: LoggedModel, tags: Mapping[str, str]) -> None:
    kept = check_tags(tags, LONGEST_TAG, path="tags")
    rows = [LoggedModelTag(model=model, key=key, value=kept[key]) for key in sorted(kept)]
    LoggedModelTag.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["model", "key"], update_fields=["value"]
    )


def _write_params(model: LoggedModel, params: Mapping[str, str]) -> None:
    for at, (key, value) in enumerate(params.items()):
        check_text(value, path=check_key(key, path=f"params[{at}].key", called="Param key"))
    kept = {key: value[:LONGEST_VALUE] for key, value in params.items()}
    rows = [LoggedModelParam(model=model, key=key, value=kept[key]) for key in sorted(kept)]
    LoggedModelParam.objects.bulk_create(rows, ignore_conflicts=True)
    stored = dict(LoggedModelParam.objects.filter(model=model, key__in=kept).values_list("key", "value"))
    if changed := [key for key in kept if stored[key] != kept[key]]:
        raise Invalid(f"Changing param values is not allowed: {changed[0]!r} is {stored[changed[0]]!r} already.")
