"""What a request's fields may be, in MLflow's own words."""

import math

import pytest

from apps.core.errors import Invalid
from apps.mlflow_protocol.fields import choice, flag, integer, number, pairs, parse, rows, text, texts

DOCS = " See the API docs for more information about request parameters."


def refused(*fields: object, **sent: object) -> str:
    with pytest.raises(Invalid) as refusal:
        parse(fields, sent)  # type: ignore[arg-type]
    return refusal.value.message


def test_both_spellings_are_read_and_both_at_once_refused() -> None:
    name = text("new_name")
    assert parse([name], {"new_name": "a"}) == parse([name], {"newName": "a"}) == {"new_name": "a"}
    assert refused(name, new_name="a", newName="b") == (
        "Request specifies both 'new_name' and 'newName'; provide only one of them."
    )


def test_unknown_fields_are_ignored_and_absent_ones_have_their_defaults() -> None:
    assert parse([text("a"), integer("b", default=5), texts("c"), flag("d")], {"z": 1, "b": None}) == {
        "a": "",
        "b": 5,
        "c": [],
        "d": False,
    }


@pytest.mark.parametrize("sent", [{}, {"name": ""}, {"name": None}])
def test_a_missing_field_is_named(sent: dict[str, object]) -> None:
    assert refused(text("name", required=True), **sent) == f"Missing value for required parameter 'name'.{DOCS}"


def test_a_missing_field_in_a_row_is_named_with_its_place() -> None:
    wanted = rows("metrics", text("key", required=True), number("value", required=True))
    assert refused(wanted, metrics=[{"key": "a", "value": 1}, {"key": "b"}]) == (
        f"Missing value for required parameter 'metrics[1].value'.{DOCS}"
    )


def test_a_wrong_type_is_shown_with_its_value() -> None:
    assert refused(text("name"), name=5) == (
        f"Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'.{DOCS}"
    )
    assert refused(integer("n"), n="x").startswith("Invalid value \"x\" for parameter 'n' supplied")


@pytest.mark.parametrize("value", [True, 1.5, "1.5", "x", 2**63, "9" * 400, [], {}, math.inf, math.nan, "9" * 9_000])
def test_what_is_no_64_bit_integer_is_refused(value: object) -> None:
    assert refused(integer("n"), n=value)


@pytest.mark.parametrize("value", [7, "7", 7.0])
def test_an_integer_may_be_a_number_or_its_digits(value: object) -> None:
    assert parse([integer("n")], {"n": value}) == {"n": 7}


def test_numbers_that_json_has_no_word_for_are_words() -> None:
    read = [parse([number("v")], {"v": value})["v"] for value in ("NaN", "Infinity", "-Infinity", "1.5", 2)]
    assert math.isnan(read[0])
    assert read[1:] == [math.inf, -math.inf, 1.5, 2.0]


@pytest.mark.parametrize("value", ["one", [], {}, True, "9" * 9_000 + "x"])
def test_what_is_no_number_is_refused(value: object) -> None:
    assert refused(number("v"), v=value)


def test_a_choice_is_a_word_or_protobuf_s_number() -> None:
    colour = choice("colour", {1: "RED"})
    assert [parse([colour], {"colour": value})["colour"] for value in ("RED", 1, "1", None)] == ["RED"] * 3 + [None]
    wrongs: tuple[object, ...] = ("BLUE", 2, "2", [], {})
    for wrong in wrongs:
        assert refused(colour, colour=wrong)


@pytest.mark.parametrize("value", ["yes", 1, []])
def test_a_flag_is_true_or_false(value: object) -> None:
    assert parse([flag("f")], {"f": "TRUE"}) == {"f": True}
    assert refused(flag("f"), f=value)


@pytest.mark.parametrize("value", [{}, "x", [1], [None], [[]]])
def test_pairs_are_a_list_of_objects(value: object) -> None:
    assert parse([pairs("tags")], {"tags": [{"key": "a"}]}) == {"tags": [{"key": "a", "value": ""}]}
    assert refused(pairs("tags"), tags=value)
