"""Parameters against a pipeline's schema."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.retraining.parameters import check_schema, validate

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "as_of": {"type": "string", "format": "date", "default": "2013-07-01"},
        "window_months": {"type": "integer", "minimum": 1, "maximum": 6, "default": 3},
        "alpha": {"type": "number", "exclusiveMinimum": 0, "default": 1.0},
        "features": {"type": "array", "items": {"enum": ["hour", "origin"]}, "minItems": 1, "uniqueItems": True},
        "shuffle": {"type": "boolean"},
        "note": {"type": "string", "maxLength": 10},
        "search": {"type": "object", "properties": {"depth": {"type": "integer", "default": 2}}},
    },
    "required": ["features"],
}


def errors(values: object, schema: dict[str, Any] = SCHEMA) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        validate(schema, values)
    return caught.value.errors


def test_defaults_are_filled_in_at_every_depth() -> None:
    assert validate(SCHEMA, {"features": ["hour"], "search": {}}) == {
        "as_of": "2013-07-01",
        "window_months": 3,
        "alpha": 1.0,
        "features": ["hour"],
        "search": {"depth": 2},
    }


def test_false_zero_and_empty_text_are_values_and_not_gaps() -> None:
    sent = {"features": ["hour"], "shuffle": False, "note": ""}
    assert validate(SCHEMA, sent).items() >= sent.items()


def test_what_was_sent_is_not_changed() -> None:
    sent: dict[str, Any] = {"features": ["hour"], "search": {}}
    validate(SCHEMA, sent)
    assert sent == {"features": ["hour"], "search": {}}


def test_every_wrong_field_is_named_with_a_sentence() -> None:
    wrong = {"as_of": "July", "window_months": 9, "alpha": 0, "note": "x" * 11, "shuffle": "yes"}
    assert errors(wrong) == {
        "parameters.alpha": "This has to be more than 0.",
        "parameters.as_of": "This is no date (write it like 2013-07-01).",
        "parameters.features": "This is needed.",
        "parameters.note": "This may have at most 10 characters.",
        "parameters.shuffle": "This has to be yes or no (true or false).",
        "parameters.window_months": "This may be at most 6.",
    }


def test_an_entry_of_a_list_is_named_by_its_place() -> None:
    assert errors({"features": ["hour", "moon"]}) == {"parameters.features.1": "Choose one of hour, origin."}


def test_a_misspelt_parameter_is_refused_and_the_known_ones_are_named() -> None:
    assert "as_of" in errors({"features": ["hour"], "aplha": 1})["parameters.aplha"]
    assert "depth" in errors({"features": ["hour"], "search": {"dept": 1}})["parameters.search.dept"]


@pytest.mark.parametrize("values", [None, [], "x", 3])
def test_only_an_object_is_taken(values: object) -> None:
    assert "object" in errors(values)["parameters"]


@pytest.mark.parametrize(
    "note", [float("nan"), float("inf"), "\ud800", "a\0b", "x" * 70_000], ids=["nan", "inf", "surrogate", "nul", "long"]
)
def test_what_the_database_or_a_script_could_not_read_back_is_refused(note: object) -> None:
    assert "parameters" in errors({"features": ["hour"], "note": note})


def test_endless_nesting_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert "parameters" in errors({"features": nested})


@pytest.mark.parametrize(
    "part", [{"type": "string", "writeOnly": True}, {"type": "string", "format": "password"}], ids=["write", "password"]
)
@pytest.mark.parametrize("depth", ["top", "nested"])
def test_a_schema_that_asks_for_a_secret_is_refused(part: dict[str, Any], depth: str) -> None:
    top = {"key": part} if depth == "top" else {"auth": {"type": "object", "properties": {"key": part}}}
    with pytest.raises(Invalid, match="platform's own connection"):
        check_schema({"type": "object", "properties": top})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "array", "items": {}},
        {"type": "object", "properties": {"a": {"type": "nonsense"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1/schema.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}},
    ],
)
def test_what_is_no_usable_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        check_schema(schema)
    assert caught.value.field == "schema"


def test_a_reference_inside_the_schema_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"alpha": {"$ref": "#/$defs/positive"}},
        "$defs": {"positive": {"type": "number", "exclusiveMinimum": 0}},
    }
    check_schema(schema)
    assert "parameters.alpha" in errors({"alpha": -1}, schema)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*SCHEMA["properties"], "other"])


@given(st.dictionaries(names, json_values))
def test_whatever_is_sent_is_taken_or_refused_by_field(values: dict[str, Any]) -> None:
    taken, refused = _judged(values)
    assert taken is not None or refused
    assert all(path.startswith("parameters") and sentence.endswith(".") for path, sentence in refused.items())
    assert taken is None or validate(SCHEMA, taken) == taken


def _judged(values: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, str]]:
    try:
        return validate(SCHEMA, values), {}
    except Invalid as refused:
        return None, refused.errors
