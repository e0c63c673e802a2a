"""One word per status: a badge says what the filters and the API call it."""

import pytest
from django.apps import apps
from django.db.models import Field

from apps.core.looks import look_of


def statuses() -> list[tuple[str, str, str]]:
    """(model, value, words) of every status that a model of ours can have."""
    fields = [field for model in apps.get_models() for field in model._meta.fields if is_status_of_ours(field)]
    return [(field.model._meta.label, value, str(words)) for field in fields for value, words in field.choices or ()]


def is_status_of_ours(field: "Field[object, object]") -> bool:
    return field.name == "status" and field.model.__module__.startswith("apps.")


@pytest.mark.parametrize(("model", "value", "words"), statuses())
def test_a_badge_and_its_model_use_the_same_words(model: str, value: str, words: str) -> None:
    assert look_of(value).label.lower() == words.lower()


def test_every_model_with_a_status_is_looked_at() -> None:
    assert {"registry.Wave", "retraining.SegmentRun", "catalog.Decision"} <= {model for model, _, _ in statuses()}
