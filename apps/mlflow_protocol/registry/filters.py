"""The registry's filter grammar → conditions. MLflow reads filters with sqlparse, so what is refused there is here.

clause (AND clause)*     clause: [attribute.]name op 'text' | tag.`key` op 'text' | name IN ('a', 'b') | number op 7
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlparse
from sqlparse.sql import Comparison, Identifier, Parenthesis, Statement, Token, TokenList
from sqlparse.tokens import Keyword, Literal

from apps.core.errors import Invalid
from apps.mlflow_protocol.registry.numbers import MOST_DIGITS
from apps.registry.queries import Condition

LONGEST_FILTER = 20_000
TEXT_OPERATORS = ("=", "!=", "LIKE", "ILIKE")
LIST_OPERATORS = ("IN", "NOT IN")
NUMBER_OPERATORS = ("=", "!=", ">", ">=", "<", "<=")
NUMBERS = (Literal.Number.Integer, Literal.Number.Float)


@dataclass(frozen=True)
class Grammar:
    """What a search knows: its attributes, which of them take lists and which are numbers."""

    attributes: tuple[str, ...]
    lists: tuple[str, ...]
    numbers: tuple[str, ...] = ()


MODELS = Grammar(attributes=("name",), lists=("name",))
VERSIONS = Grammar(
    attributes=("name", "version_number", "run_id", "source_path"),
    lists=("name", "run_id"),
    numbers=("version_number", "creation_timestamp", "last_updated_timestamp"),
)


@lru_cache(maxsize=1_024)
def conditions(text: str, grammar: Grammar) -> tuple[Condition, ...]:
    """All of which must hold; none for an empty filter. Raises Invalid in MLflow's words."""
    if not text:
        return ()
    if len(text) > LONGEST_FILTER:
        raise Invalid(f"A filter has at most {LONGEST_FILTER} characters; search in several calls.", field="filter")
    tokens = list(_joined(_only_statement(text).tokens))
    odd = [str(token) for token in tokens if not _is_expected(token)]
    if odd:
        raise Invalid(f"Invalid clause(s) in filter string: {', '.join(odd)}", field="filter")
    return tuple(_condition(token, grammar) for token in tokens if isinstance(token, Comparison))


def _only_statement(text: str) -> Statement:
    try:
        parsed = sqlparse.parse(text)
    except (sqlparse.exceptions.SQLParseError, RecursionError, ValueError) as error:
        raise Invalid(f"Error on parsing filter '{text}'", field="filter") from error
    if not parsed:
        raise Invalid(f"Invalid filter '{text}'. Could not be parsed.", field="filter")
    if len(parsed) > 1:
        said = f"Search filter contained multiple expression {text!r}. Provide AND-ed expression list."
        raise Invalid(said, field="filter")
    return parsed[0]


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """`name IN (…)` and `name NOT IN (…)` as comparisons, which sqlparse leaves in pieces."""
    rest = [token for token in tokens if not token.is_whitespace]
    while rest:
        words = [token.value.upper() for token in rest[1:3]]
        if isinstance(rest[0], Identifier) and words[:1] == ["IN"] and _is_list(rest, 2):
            yield Comparison(TokenList(rest[:3]))
            rest = rest[3:]
        elif isinstance(rest[0], Identifier) and words == ["NOT", "IN"] and _is_list(rest, 3):
            yield Comparison(TokenList([rest[0], Token(Keyword, "NOT IN"), rest[3]]))
            rest = rest[4:]
        else:
            yield rest.pop(0)


def _is_list(tokens: Sequence[Token], at: int) -> bool:
    return len(tokens) > at and isinstance(tokens[at], Parenthesis)


def _is_expected(token: Token) -> bool:
    return isinstance(token, Comparison) or token.match(Keyword, "AND")


def _condition(comparison: Comparison, grammar: Grammar) -> Condition:
    parts = [token for token in comparison.tokens if not token.is_whitespace]
    if len(parts) != 3:
        raise Invalid(f"Invalid comparison clause. Expected 3 tokens found {len(parts)}", field="filter")
    left, operator, right = parts
    if not isinstance(left, Identifier):
        raise Invalid(f"Invalid comparison clause. Expected 'Identifier' found '{left}'", field="filter")
    tag, key = _named(left.value, grammar)
    found = Condition(tag, key, operator.value.upper(), _value(tag, key, right, grammar))
    _check_operator(found, grammar)
    return replace(found, value=_whole(found)) if not tag and key in grammar.numbers else found


def _named(identifier: str, grammar: Grammar) -> tuple[bool, str]:
    """(is it a tag, its key)."""
    kind, dot, key = identifier.partition(".")
    if not dot:
        kind, key = "attribute", identifier
    known = ("attribute", "tag", "tags")
    if kind not in known:
        raise Invalid(f"Invalid entity type '{kind}'. Valid entity types are {known}", field="filter")
    if kind == "attribute" and key not in grammar.attributes:
        valid = set(grammar.attributes) if len(grammar.attributes) == 1 else sorted(grammar.attributes)
        raise Invalid(f"Invalid attribute key '{key}' specified. Valid keys are '{valid}'", field="filter")
    return kind != "attribute", _bare(key)


def _bare(key: str) -> str:
    for quote in "'\"":
        key = key[1:-1] if _is_within(key, quote) else key
    return key[1:-1] if _is_within(key, "`") else key


def _value(tag: bool, key: str, token: Token, grammar: Grammar) -> str | float | tuple[str, ...]:
    if token.ttype is Literal.String.Single or isinstance(token, Identifier):
        return _text(token.value)
    if tag:
        said = f"Expected a quoted string value for tag (e.g. 'my-value'). Got value {token.value}"
        raise Invalid(said, field="filter")
    if isinstance(token, Parenthesis):
        return _list(key, token.value, grammar)
    if grammar.numbers and token.ttype in NUMBERS:
        return _number(key, token, grammar)
    raise Invalid(
        f"Expected a quoted string value or a list of quoted string values for attributes. Got value {token.value}",
        field="filter",
    )


def _text(quoted: str) -> str:
    if not _is_within(quoted, "'") and not _is_within(quoted, '"'):
        raise Invalid(
            "Parameter value is either not quoted or unidentified quote types used for string value "
            f"{quoted}. Use either single or double quotes.",
            field="filter",
        )
    return quoted[1:-1]


def _number(key: str, token: Token, grammar: Grammar) -> float:
    if key not in grammar.numbers:
        said = f"Only the '{sorted(grammar.numbers)}' attributes support comparison with numeric values."
        raise Invalid(said, field="filter")
    return int(token.value) if token.ttype is Literal.Number.Integer else float(token.value)


def _list(key: str, text: str, grammar: Grammar) -> tuple[str, ...]:
    if key not in grammar.lists:
        said = f"Only {sorted(grammar.lists)} attributes support comparison with a list of quoted string values."
        raise Invalid(said, field="filter")
    began = "While parsing a list in the query, expected"
    try:
        parsed = ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError, TypeError) as error:
        ill_formed = f"{began} a non-empty list of string values, but got ill-formed list."
        raise Invalid(ill_formed, field="filter") from error
    values = parsed if isinstance(parsed, tuple) else (parsed,)
    if not values:
        raise Invalid(f"{began} a non-empty list of string values, but got empty list", field="filter")
    if not all(isinstance(value, str) for value in values):
        different = f"{began} string value, punctuation, or whitespace, but got different type in list: {values}"
        raise Invalid(different, field="filter")
    return values


def _check_operator(found: Condition, grammar: Grammar) -> None:
    if found.tag and found.operator not in TEXT_OPERATORS:
        raise Invalid(f"Invalid comparator for tag: {found.operator}", field="filter")
    if found.tag:
        return
    if found.key in grammar.numbers:
        if found.operator not in NUMBER_OPERATORS:
            raise Invalid(f"Invalid comparator for attribute {found.key}: {found.operator}", field="filter")
        return
    allowed = TEXT_OPERATORS + LIST_OPERATORS
    listed = isinstance(found.value, tuple)
    if found.operator not in allowed or listed != (found.operator in LIST_OPERATORS):
        raise Invalid(f"Invalid comparator for attribute: {found.operator}", field="filter")


def _whole(found: Condition) -> int:
    """The number, which may be quoted. Raises Invalid."""
    try:
        if isinstance(found.value, int | str):
            return int(str(found.value)[:MOST_DIGITS])
    except ValueError:
        pass
    raise Invalid(f"Invalid value for numeric attribute '{found.key}': {found.value!r}", field="filter")


def _is_within(text: str, quote: str) -> bool:
    return len(text) >= 2 and text[0] == text[-1] == quote
