"""What both of MLflow's filter languages share: sqlparse takes the text apart, and the pieces are read alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import sqlparse
from sqlparse.sql import Comparison, Identifier, Parenthesis, Statement, Token, TokenList
from sqlparse.tokens import Keyword

from apps.core.errors import Invalid

LONGEST = 10_000
"""Characters of a filter; reading a longer one would cost more than answering it."""
LIST_EXPECTED = "While parsing a list in the query, expected"


def pieces(text: str) -> list[Token]:
    """Comparisons and what is between them. Raises Invalid for a text that is not one statement."""
    if len(text) > LONGEST:
        raise Invalid(f"The filter has {len(text)} characters; up to {LONGEST} can be read.", field="filter")
    return list(_joined(_only_statement(text).tokens))


def is_and(token: Token) -> bool:
    return bool(token.match(Keyword, ["AND"]))


def parts(comparison: Comparison) -> list[Token]:
    """Left, comparator and right; those that were put together here hold them in a list of their own."""
    tokens = _without_space(comparison.tokens)
    if len(tokens) == 1 and type(tokens[0]) is TokenList:
        tokens = _without_space(tokens[0].tokens)
    return tokens


def is_one_name(text: str) -> bool:
    """True for a name, which may have a word such as DESC behind it; not for several with commas."""
    tokens = _only_statement(text).tokens if text else []
    return len(tokens) == 1 and isinstance(tokens[0], Identifier)


def quoted(text: str) -> str:
    """What is between the quotes. Raises Invalid where there are none."""
    if not is_within(text, "'") and not is_within(text, '"'):
        raise Invalid(
            "Parameter value is either not quoted or unidentified quote types used for string value "
            f"{text}. Use either single or double quotes.",
            field="filter",
        )
    return storable(text[1:-1])


def listed(text: str) -> tuple[str, ...]:
    """The texts of `('a', 'b')`. Raises Invalid for an empty list and for one of anything else."""
    try:
        read = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        ill_formed = f"{LIST_EXPECTED} a non-empty list of string values, but got ill-formed list."
        raise Invalid(ill_formed, field="filter") from error
    values = read if isinstance(read, tuple) else (read,)
    if not values:
        raise Invalid(f"{LIST_EXPECTED} a non-empty list of string values, but got empty list", field="filter")
    if not all(isinstance(value, str) for value in values):
        different = (
            f"{LIST_EXPECTED} string value, punctuation, or whitespace, but got different type in list: {values}"
        )
        raise Invalid(different, field="filter")
    return tuple(map(storable, values))


def storable(text: str) -> str:
    """PostgreSQL has no text with NUL or half a character, and no pattern that ends in the middle of an escape."""
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid("A value of the filter is not text.", field="filter")
    if (len(text) - len(text.rstrip("\\"))) % 2:
        raise Invalid("A value of the filter ends with a single backslash; write two of them.", field="filter")
    return text


def bare(text: str, quotes: str) -> str:
    """The text without each of these quotes, where they are around it, the first one first."""
    for quote in quotes:
        text = text[1:-1] if is_within(text, quote) else text
    return text


def is_within(text: str, quote: str) -> bool:
    return len(text) >= 2 and text[0] == text[-1] == quote


def _only_statement(text: str) -> Statement:
    try:
        parsed = sqlparse.parse(text)
    except Exception as error:  # sqlparse gives up on what is nested too deeply
        raise Invalid(f"Error on parsing filter '{text[:200]}'", field="filter") from error
    if not parsed:
        raise Invalid(f"Invalid filter '{text}'. Could not be parsed.", field="filter")
    if len(parsed) > 1:
        said = f"Search filter contained multiple expression {text!r}. Provide AND-ed expression list."
        raise Invalid(said, field="filter")
    return parsed[0]


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """IN, NOT IN, IS NULL and IS NOT NULL are several tokens to sqlparse; here each is one comparison."""
    rest = _without_space(tokens)
    while rest:
        taken = (_listing(rest) or _unset(rest)) if isinstance(rest[0], Identifier) else None
        if taken is None:
            yield rest.pop(0)
        else:
            comparison, length = taken
            yield comparison
            del rest[:length]


def _listing(tokens: list[Token]) -> tuple[Comparison, int] | None:
    words = [token.value.upper() for token in tokens[1:3]]
    if words[:1] == ["IN"] and len(tokens) > 2 and isinstance(tokens[2], Parenthesis):
        return _comparison(tokens[0], "IN", tokens[2]), 3
    if words == ["NOT", "IN"] and len(tokens) > 3 and isinstance(tokens[3], Parenthesis):
        return _comparison(tokens[0], "NOT IN", tokens[3]), 4
    return None


def _unset(tokens: list[Token]) -> tuple[Comparison, int] | None:
    if len(tokens) < 3 or tokens[1].value.upper() != "IS":
        return None
    word = " ".join(tokens[2].value.upper().split())
    return (_comparison(tokens[0], f"IS {word}"), 3) if word in ("NULL", "NOT NULL") else None


def _comparison(left: Token, comparator: str, *right: Token) -> Comparison:
    return Comparison(TokenList([left, Token(Keyword, comparator), *right]))


def _without_space(tokens: Sequence[Any]) -> list[Token]:
    return [token for token in tokens if not token.is_whitespace]
