"""The form that a schema makes: each kind of parameter from JSON to a browser and back, and what nobody should send."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import QueryDict

from apps.demo.seeding import pipelines
from apps.retraining.forms import Choice, ParametersForm, SendingForm, titled
from apps.retraining.forms.fields import JsonField
from apps.retraining.forms.sending import slugs_in
from apps.retraining.parameters import validate

LABELLED = {"oneOf": [{"const": 1, "title": "One"}, {"const": 2, "title": "Two"}]}
COLOURS = {"type": "array", "items": {"enum": ["red", "green"]}, "uniqueItems": True}


def schema_of(part: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": part}, **more}


def sent(part: dict[str, Any], *said: str, **more: Any) -> ParametersForm:
    """The form as a browser sends it with these texts in its one field."""
    data = QueryDict(mutable=True)
    data.setlist("parameters-x", list(said))
    return ParametersForm(schema_of(part, **more), data)


def widget_of(part: dict[str, Any]) -> str:
    field = ParametersForm(schema_of(part)).fields["x"]
    return getattr(field.widget, "input_type", None) or type(field.widget).__name__


@pytest.mark.parametrize(
    ("part", "said", "value"),
    [
        ({"type": "string"}, ["eta"], "eta"),
        ({"type": "string", "format": "multiline"}, ["a\r\nb"], "a\nb"),
        ({"type": "string", "format": "date"}, ["2013-07-01"], "2013-07-01"),
        ({"type": "number"}, ["0.5"], 0.5),
        ({"type": "number"}, ["1e-3"], 0.001),
        ({"type": "integer"}, ["-4"], -4),
        ({"type": "boolean", "default": True}, ["on"], True),
        ({"type": "boolean"}, ["true"], True),
        ({"type": "boolean"}, ["false"], False),
        ({"enum": ["ridge", "lasso"]}, ["lasso"], "lasso"),
        ({"enum": [1, 2.5, True, None]}, ["2.5"], 2.5),
        ({"enum": [1, 2.5, True, None]}, ["true"], True),
        (LABELLED, ["2"], 2),
        (COLOURS, ["green", "red"], ["green", "red"]),
        ({"type": "array", "items": {"type": "string"}}, ["a\n\n b \n"], ["a", "b"]),
        ({"type": "array", "items": {"type": "integer"}}, ["1\n2"], [1, 2]),
        ({"type": "object"}, ['{"depth": 3}'], {"depth": 3}),
        ({"type": "string", "format": "date-time"}, ["2013-07-01T12:30"], "2013-07-01T12:30:00Z"),
        ({"type": "string", "format": "date-time"}, ["2013-07-01T12:30:00+02:00"], "2013-07-01T12:30:00+02:00"),
        ({"type": "string", "format": "time"}, ["06:30"], "06:30:00Z"),
        ({"type": "array", "items": {"type": "boolean"}}, ["yes\nfalse"], [True, False]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ["a = 1\n b=2"], {"a": 1, "b": 2}),
        ({"enum": ["jfk"], "values_display": {"jfk": "New York"}}, ["jfk"], "jfk"),
        ({"const": 7}, ["7"], 7),
        ({"type": ["string", "number"]}, ["7"], 7),
        ({"type": ["integer", "null"]}, ["7"], 7),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, ["7"], 7),
    ],
)
def test_what_is_typed_becomes_the_json_value(part: dict[str, Any], said: list[str], value: Any) -> None:
    form = sent(part, *said)
    assert form.is_valid(), form.errors
    assert form.values == {"x": value}
    assert type(form.values["x"]) is type(value)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"type": "boolean", "default": True}, False),
        ({"type": "string", "default": "eta"}, ""),
        ({"type": ["string", "null"], "default": "eta"}, None),
        ({"type": ["integer", "null"], "default": 3}, None),
        ({**COLOURS, "default": ["red"]}, []),
    ],
)
def test_nothing_in_a_field_is_a_value_of_its_own_and_never_the_default(part: dict[str, Any], value: Any) -> None:
    form = sent(part, *([] if part["type"] in ("boolean", "array") else [""]))
    assert form.is_valid(), form.errors
    assert form.values == {"x": value}


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "object"])
def test_an_optional_parameter_without_default_can_be_left_out(kind: str) -> None:
    form = sent({"type": kind}, "")
    assert form.is_valid(), form.errors
    assert form.values == {}


@pytest.mark.parametrize(
    "part", [{"type": "integer", "default": 3}, {"type": "string", "format": "date", "default": "2013-07-01"}]
)
def test_an_emptied_number_or_day_is_asked_for_again(part: dict[str, Any]) -> None:
    assert sent(part, "").errors == {"x": ["This is needed."]}


@pytest.mark.parametrize(
    ("part", "said", "sentence"),
    [
        ({"type": "number", "maximum": 10}, "11", "This may be at most 10."),
        ({"type": "integer", "minimum": 1}, "0", "This has to be at least 1."),
        ({"type": "integer"}, "1.5", "'1.5' is no whole number."),
        ({"type": "integer"}, "9" * 5000, f"'{'9' * 40}' is no whole number."),
        ({"type": "number"}, "soon", "'soon' is no number."),
        ({"type": "number"}, "inf", "'inf' is no number."),
        ({"type": "number"}, "nan", "'nan' is no number."),
        ({"type": "string", "pattern": "^[a-z]+$"}, "A1", "This has to look like ^[a-z]+$."),
        ({"type": "string", "format": "date"}, "yesterday", "This is no date (write it like 2013-07-01)."),
        ({"enum": ["ridge", "lasso"]}, "tree", "Choose one of ridge, lasso."),
        (COLOURS, "blue", "There is no 'blue'; there are red, green."),
        ({**COLOURS, "minItems": 2}, "red", "Choose at least 2."),
        ({"type": "array", "items": {"type": "integer"}}, "1\nten", "Line 2: 'ten' is no whole number."),
        ({"type": "boolean"}, "maybe", "Choose yes or no."),
        ({"type": "object"}, "[1]", "This has to be an object."),
        (
            {"type": "string", "format": "date-time"},
            "noon",
            "This is no date time (write it like 2013-07-01T12:00:00Z).",
        ),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "a", "Line 1: write it as name = value."),
        ({"type": "array", "items": {"type": "boolean"}}, "perhaps", "Line 1: 'perhaps' is neither yes nor no."),
        ({"type": "string", "maxLength": 3}, "four", "This may have at most 3 characters."),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(part: dict[str, Any], said: str, sentence: str) -> None:
    assert sent(part, said).errors == {"x": [sentence]}


EVERYTHING: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "x-order": ["name", "note", "epochs", "rate", "loud", "how", "day", "moment", "hour", "lags", "words", "email"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 3, "examples": ["ridge", "lasso"]},
        "note": {"type": "string", "format": "multiline", "default": "", "description": "Read by **people**."},
        "epochs": {"type": "integer", "minimum": 1, "maximum": 10, "default": 3},
        "rate": {"type": "number", "exclusiveMinimum": 0, "default": 0.1},
        "loud": {"type": "boolean", "default": False},
        "how": {"type": "string", "enum": ["a", "b"], "values_display": {"a": "Quickly"}, "default": "a"},
        "day": {"type": "string", "format": "date", "default": "2013-07-01"},
        "moment": {"type": "string", "format": "date-time", "default": "2013-07-01T06:00:00Z"},
        "hour": {"type": "string", "format": "time", "default": "06:00:00Z"},
        "lags": {"type": "array", "items": {"type": "integer"}, "default": [1, 7], "section": "Advanced"},
        "words": {"type": "array", "items": {"enum": ["x", "y"]}, "uniqueItems": True, "default": []},
        "email": {"type": ["string", "null"], "default": None, "section": "Advanced"},
        "tree": {
            "type": "object",
            "title": "The tree",
            "properties": {"depth": {"type": "integer", "minimum": 1, "default": 4}, "leaf": {"type": "number"}},
        },
        "weights": {"type": "object", "additionalProperties": {"type": "number"}, "default": {"mae": 1.0}},
    },
}
"""Each keyword that a form is made of."""


def test_no_keyword_and_no_demo_pipeline_falls_back_to_the_json_box() -> None:
    demo = Path(pipelines.__file__).parents[1] / "pipelines"
    schemas = {file.name: json.loads(file.read_text()) for file in demo.glob("*.schema.json")}
    assert len(schemas) >= 7
    for name, schema in {**schemas, "everything": EVERYTHING}.items():
        boxes = [one for one, field in ParametersForm(schema).fields.items() if isinstance(field, JsonField)]
        assert boxes == [], name


def test_a_form_of_every_keyword_sends_back_what_it_was_filled_with() -> None:
    values = validate(EVERYTHING, {"name": "ridge", "tree": {"depth": 6}, "email": None, "loud": False, "note": ""})
    form = ParametersForm.filled(EVERYTHING, values)
    assert form.is_valid(), form.errors
    assert form.values == values
    assert ("Depth", 6, 4) in form.changed()
    assert ("Depth", "tree.depth", 6) in titled(EVERYTHING, values)


def test_parameters_stand_in_their_sections_and_objects_in_one_of_their_own() -> None:
    sections = {
        section.name: [field.name for field in section.fields] for section in ParametersForm(EVERYTHING).sections
    }
    assert list(sections) == ["", "Advanced", "The tree"]
    assert sections["Advanced"] == ["lags", "email"]
    assert sections["The tree"] == ["tree.depth", "tree.leaf"]
    assert sections[""][0] == "name"


def test_what_is_wrong_inside_an_object_stands_at_its_part() -> None:
    form = ParametersForm.filled(EVERYTHING, {"name": "ridge", "tree": {"depth": 0}})
    assert form.errors == {"tree.depth": ["This has to be at least 1."]}


def test_help_is_markdown_and_nothing_more() -> None:
    said = {"type": "string", "description": "See **[docs](https://example.org)** <script>alert(1)</script>"}
    help_text = ParametersForm(schema_of(said)).fields["x"].help_text
    assert "<strong><a href" in help_text
    assert "<script" not in help_text


@pytest.mark.parametrize(
    "part",
    [
        {"type": "object", "properties": {"a.b": {"type": "string"}}},
        {"type": ["object", "null"], "properties": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        {"type": "array"},
    ],
)
def test_what_a_form_could_not_say_is_a_json_box(part: dict[str, Any]) -> None:
    assert isinstance(ParametersForm(schema_of(part)).fields["x"], JsonField)


def test_broken_json_says_so() -> None:
    assert "This is no JSON" in sent({"type": "object"}, "{").errors["x"][0]


def test_a_rule_between_parameters_is_told_on_top() -> None:
    form = sent({"type": "integer"}, "1", minProperties=2)
    assert list(form.errors) == ["__all__"]


@pytest.mark.parametrize(
    ("part", "widget"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "contentMediaType": "text/markdown"}, "Textarea"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "integer"}, "number"),
        ({"type": "boolean", "default": False}, "checkbox"),
        ({"type": "boolean"}, "select"),
        (LABELLED, "select"),
        (COLOURS, "checkbox"),
        ({"type": "array", "items": {"type": "number"}}, "Textarea"),
        ({"type": "array", "prefixItems": [{"type": "number"}]}, "Textarea"),
        ({"enum": ["1", 1]}, "Textarea"),
        ({}, "Textarea"),
    ],
)
def test_each_kind_has_its_control_and_what_is_not_understood_a_json_box(part: dict[str, Any], widget: str) -> None:
    assert widget_of(part) == widget


def test_labels_help_limits_and_examples_come_from_the_schema() -> None:
    part = {
        "type": "integer",
        "title": "Window",
        "description": "In months.",
        "minimum": 1,
        "maximum": 6,
        "examples": [3],
    }
    form = ParametersForm.filled(schema_of(part), {})
    assert (form["x"].label, form["x"].help_text) == ("Window", "<p>In months. From 1 to 6.</p>\n")
    assert '<datalist id="id_parameters-x_examples"><option value="3"></datalist>' in str(form["x"])
    assert 'min="1"' in str(form["x"])


def test_labels_of_choices_are_escaped_and_shown() -> None:
    shown = str(ParametersForm(schema_of({"oneOf": [{"const": "a", "title": "<b>A</b>"}]}))["x"])
    assert "&lt;b&gt;A&lt;/b&gt;" in shown


def test_examples_are_escaped() -> None:
    assert "<script>" not in str(ParametersForm(schema_of({"type": "string", "examples": ['"><script>']}))["x"])


def test_references_inside_the_schema_are_followed() -> None:
    schema = {"properties": {"x": {"$ref": "#/$defs/Kind"}}, "$defs": {"Kind": {"enum": ["a", "b"]}}, "type": "object"}
    assert [choice for choice, _ in ParametersForm(schema).fields["x"].widget.choices][1:] == ["a", "b"]


def test_a_reference_in_a_circle_becomes_a_json_box() -> None:
    schema = {"properties": {"x": {"$ref": "#/properties/x"}}, "type": "object"}
    assert type(ParametersForm(schema).fields["x"].widget).__name__ == "Textarea"


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"type": "number", "default": 0}, 0),
        ({"type": "boolean", "default": False}, False),
        ({"type": "string", "default": ""}, ""),
        ({"enum": [1, 2], "default": 2}, 2),
        ({**COLOURS, "default": ["green"]}, ["green"]),
        ({"type": "array", "items": {"type": "number"}, "default": [1, 2.5]}, [1.0, 2.5]),
        ({"type": "object", "default": {"a": [1]}}, {"a": [1]}),
        ({"type": ["number", "null"], "default": None}, None),
    ],
)
def test_a_form_opened_with_its_defaults_sends_them(part: dict[str, Any], value: Any) -> None:
    form = ParametersForm.filled(schema_of(part), {})
    assert form.is_valid(), form.errors
    assert form.values == {"x": value}
    assert form.changed() == []


@pytest.mark.parametrize(
    ("part", "query", "value"),
    [
        ({"type": "number", "default": 1}, "x=2.5", 2.5),
        ({"type": "number", "default": 1}, "parameters-x=2.5", 2.5),
        ({"type": "boolean", "default": True}, "x=false", False),
        ({"type": "boolean", "default": False}, "x=true", True),
        (COLOURS, "x=red&x=green", ["red", "green"]),
        (COLOURS, "x=red,green", ["red", "green"]),
        ({"type": "array", "items": {"type": "string"}}, "x=a&x=b", ["a", "b"]),
        (LABELLED, "x=2", 2),
    ],
)
def test_the_address_fills_the_form(part: dict[str, Any], query: str, value: Any) -> None:
    form = ParametersForm.filled(schema_of(part), {}, QueryDict(query))
    assert form.is_valid(), form.errors
    assert form.values == {"x": value}


def test_a_wrong_value_in_the_address_is_told_at_its_field() -> None:
    form = ParametersForm.filled(schema_of({"type": "integer", "default": 1}), {}, QueryDict("x=many"))
    form.forgive_missing()
    assert form.errors == {"x": ["'many' is no whole number."]}


def test_a_form_that_was_just_opened_does_not_scold() -> None:
    form = ParametersForm.filled(schema_of({"type": "string", "minLength": 1}, required=["x"]), {})
    assert not form.is_valid()
    form.forgive_missing()
    assert form.errors == {}


def test_parameters_stand_in_the_order_and_with_the_titles_that_the_schema_says() -> None:
    schema = {"x-order": ["b", "a"], "properties": {"a": {"title": "As of"}, "b": {}}}
    values = {"a": 1, "b": 2, "long_gone": 3}
    assert titled(schema, values) == [("B", "b", 2), ("As of", "a", 1), ("long_gone", "long_gone", 3)]


def test_what_differs_from_the_defaults_is_known() -> None:
    form = ParametersForm.filled(schema_of({"type": "number", "default": 1, "title": "Alpha"}), {"x": 2})
    assert form.is_valid()
    assert form.changed() == [("Alpha", 2.0, 1)]


KNOWN: Any = [
    SimpleNamespace(slug="atlanta", name="Atlanta", is_fallback=False),
    SimpleNamespace(slug="chicago-midway", name="Chicago", is_fallback=False),
    SimpleNamespace(slug="chicago-ohare", name="Chicago", is_fallback=False),
    SimpleNamespace(slug="washington", name="Washington, DC", is_fallback=False),
]


@pytest.mark.parametrize(
    ("text", "slugs"),
    [
        ("atlanta\nwashington", ["atlanta", "washington"]),
        ("ATLANTA , washington;gotham\tAtlanta", ["atlanta", "washington", "gotham"]),
        ("Washington, DC\r\nAtlanta", ["washington", "atlanta"]),
        ("Chicago", ["chicago-midway", "chicago-ohare"]),
        ("chicago-ohare", ["chicago-ohare"]),
        (" \n,,", []),
    ],
)
def test_a_pasted_list_is_read_as_names_or_slugs(text: str, slugs: list[str]) -> None:
    assert slugs_in(text, KNOWN) == slugs


@pytest.mark.parametrize(
    ("choice", "query", "scope"),
    [
        (Choice(), "", "all"),
        (Choice(), "segments=atlanta", "chosen"),
        (Choice(["atlanta"]), "", "chosen"),
        (Choice(["atlanta"]), "segments=all", "all"),
        (Choice([one.slug for one in KNOWN]), "", "all"),
        (Choice(), "segments=gotham", "pasted"),
    ],
)
def test_segments_begin_where_somebody_chose_them(choice: Choice, query: str, scope: str) -> None:
    assert SendingForm.filled(KNOWN, choice, QueryDict(query))["scope"].value() == scope
