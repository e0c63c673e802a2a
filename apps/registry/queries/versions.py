"""Reads of models, versions and the history of aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Prefetch, QuerySet

from apps.core.errors import Missing
from apps.core.prepared import columns, first
from apps.registry.models import Alias, AliasMove, ModelFamily, ModelVersion, RegisteredModel
from apps.registry.models.family import CHAMPION
from apps.registry.models.version import IS_PROMPT, ModelQuerySet, VersionQuerySet
from apps.registry.queries.rows import NAMED, no_model, visible

if TYPE_CHECKING:
    from apps.accounts.models import User

BY_NAME = f"SELECT {columns(RegisteredModel, 'model')} FROM registry_registeredmodel AS model WHERE {NAMED}"  # noqa: S608
BY_MODEL_AND_NUMBER = f"""
SELECT {columns(ModelVersion, "version")} FROM registry_modelversion AS version
WHERE version.model_id = %s AND version.number = %s AND version.deleted_at IS NULL
"""  # noqa: S608
LISTED = (
    *("number", "status", "kind", "pipeline", "trained_from", "trained_through", "created_at", "run_id"),
    *("model__segment__name", "model__segment__slug", "created_by__name", "created_by__username"),
)


def models(actor: User) -> ModelQuerySet:
    """By name, each with its aliases."""
    aliases = Prefetch("aliases", Alias.objects.select_related("version").order_by("name"))
    found = RegisteredModel.objects.living().visible_to(actor).select_related("family__team", "segment", "team")
    return found.prefetch_related(aliases).order_by("name")


def models_alone(actor: User) -> ModelQuerySet:
    """Those of no family, by name; MLflow's prompts lie beside them and are none."""
    return models(actor).filter(family=None).exclude(tags__contains={IS_PROMPT: "true"})


def model(*, actor: User, name: str) -> RegisteredModel:
    """`<family>.<segment>`, or one that stands alone. Raises Missing."""
    found = models(actor).filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise Missing("There is no model of that name here, or you may not see it.")
    return found


def model_to_change(*, actor: User, name: str) -> RegisteredModel:
    """With what its permission needs. Raises Missing in MLflow's words."""
    found = _named_model(actor, name)
    if found is None:
        raise no_model(name)
    return found


def version_to_change(*, actor: User, name: str, number: int) -> ModelVersion:
    """With its model. Raises Missing in MLflow's words."""
    model = _named_model(actor, name) if 0 < number < 2**31 else None
    found = first(ModelVersion, BY_MODEL_AND_NUMBER, [model.pk, number]) if model else None
    if model is None or found is None:
        raise Missing(f"Model Version (name={name}, version={number}) not found")
    found.model = model
    return found


def _named_model(actor: User, name: str) -> RegisteredModel | None:
    sql, params = visible(actor)
    model = first(RegisteredModel, BY_NAME.format(visible=sql), [name, *params]) if "\0" not in name else None
    if model and model.family_id:
        model.family = ModelFamily.objects.select_related("team").get(pk=model.family_id)
    return model


def all_versions(actor: User) -> VersionQuerySet:
    """Versions of every model, the newest first, each with its aliases."""
    found = ModelVersion.objects.living().visible_to(actor).whole().prefetch_related("aliases")
    return found.order_by("-id")


def versions(model: RegisteredModel) -> VersionQuerySet:
    """The newest first, each with its aliases."""
    found = ModelVersion.objects.living().filter(model=model).whole().prefetch_related("aliases")
    return found.order_by("-number")


def listed_versions(family: ModelFamily) -> VersionQuerySet:
    """All of a family that the reader has, the newest first: what a line of a list shows of each, and its aliases."""
    found = ModelVersion.objects.living().filter(model__family=family).select_related("model__segment", "created_by")
    return found.only(*LISTED).prefetch_related("aliases").order_by("-id")


def version(*, actor: User, model: str, number: int) -> ModelVersion:
    """Raises Missing."""
    named = all_versions(actor).filter(model__name=model, number=number) if "\0" not in model else None
    found = named.first() if named is not None and number < 2**31 else None
    if found is None:
        raise Missing("There is no such version here, or you may not see it.")
    return found


def versions_by_id(*, actor: User, ids: list[int]) -> list[ModelVersion]:
    """In the order of the ids. Raises Missing naming those that are not there."""
    rows = all_versions(actor).in_bulk(ids)
    absent = [str(pk) for pk in ids if pk not in rows]
    if absent:
        raise Missing(f"There is no version with the id {', '.join(absent[:5])} here, or you may not see it.")
    return [rows[pk] for pk in dict.fromkeys(ids)]


def champion_of(model: RegisteredModel, alias: str = CHAMPION) -> ModelVersion | None:
    """The version behind the alias."""
    found = Alias.objects.filter(model=model, name=alias).select_related("version__model__family__team").first()
    return found.version if found else None


def alias_history(model: RegisteredModel, alias: str = CHAMPION) -> QuerySet[AliasMove]:
    """Who moved it from where to where, when and why; the newest first."""
    moves = AliasMove.objects.filter(model=model, name=alias)
    return moves.select_related("model", "before", "after", "by", "promotion__wave", "promotion__evaluation").order_by(
        "-id"
    )
