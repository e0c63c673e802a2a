"""The tables: foreign keys point downward, state machines are complete."""

import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from apps.core.errors import Conflict
from apps.core.transitions import move

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
LAYERS = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
RANK = {name.strip(): rank for rank, layer in enumerate(LAYERS) for name in layer.split("|")}


def ours() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("apps.")]


def stateful() -> list[type[Any]]:
    return [model for model in ours() if hasattr(model, "ALLOWED")]


def matrix() -> list[tuple[type[Any], str, str]]:
    return [(model, *pair) for model in stateful() for pair in product(model.Status.values, repeat=2)]


def test_foreign_keys_across_apps_point_downward() -> None:
    upward = [
        f"{model.__name__}.{field.name}"
        for model in ours()
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model
        and _rank(field.related_model) < _rank(model)
    ]  # fmt: skip
    assert upward == []


def test_siblings_hold_no_keys_to_each_other() -> None:
    sideways = [
        f"{model.__name__}.{field.name}"
        for model in ours()
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model
        and _rank(field.related_model) == _rank(model)
        and field.related_model._meta.app_label != model._meta.app_label
    ]  # fmt: skip
    assert sideways == []


def _rank(model: Any) -> int:
    return RANK.get(f"apps.{model._meta.app_label}", len(RANK))


@pytest.mark.parametrize("model", stateful(), ids=lambda model: model.__name__)
def test_a_state_machine_knows_every_status(model: type[Any]) -> None:
    assert set(model.ALLOWED) == set(model.Status.values)
    assert {to for targets in model.ALLOWED.values() for to in targets} <= set(model.Status.values)


@pytest.mark.parametrize(("model", "was", "to"), matrix(), ids=lambda part: getattr(part, "__name__", str(part)))
@pytest.mark.django_db
def test_a_status_is_reached_only_as_the_matrix_says(
    model: type[Any], was: str, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that is not stored: an allowed move finds nobody there, a refused one never asks the database."""
    monkeypatch.setattr(model, "__str__", lambda row: "It")  # names mostly come from rows that are not there
    row = model(pk=0, status=was)
    expected = "has changed meanwhile" if to in model.ALLOWED[was] else "can not become"
    with pytest.raises(Conflict, match=expected):
        move(row, to)
