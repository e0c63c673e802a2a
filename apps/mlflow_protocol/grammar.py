"""MLflow's language of filters and orders, read as MLflow reads it: through sqlparse, with its sentences."""

from __future__ import annotations

import ast
import base64
import binascii
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlparse
from sqlparse.sql import Comparison, Identifier, Parenthesis, Statement, Token, TokenList
from sqlparse.tokens import Keyword
from sqlparse.tokens import Literal as Literals

from apps.core.errors import Invalid
from apps.core.search import Condition, Order

LONGEST = 10_000
"""Characters of a filter; reading a longer one would cost more than answering it."""
ATTRIBUTE, METRIC, PARAMETER, TAG, DATASET = "attribute", "metric", "parameter", "tag", "dataset"
NUMBER_TYPES = {Literals.Number.Integer, Literals.Number.Float}
NUMERIC = ("=", "!=", "<", "<=", ">", ">=")
TEXTUAL = ("=", "!=", "LIKE", "ILIKE")
UNSET = ("IS NULL", "IS NOT NULL")
LISTED = ("IN", "NOT IN")


@dataclass(frozen=True)
class Grammar:
    """One search's words. `entities` maps each spelling to what it means; `aliases` the same for attributes."""

    entities: Mapping[str, str]
    attributes: Sequence[str]
    ordered: Sequence[str]
    numeric: frozenset[str]
    listed: frozenset[str]
    comparators: Mapping[str, Sequence[str]]
    aliases: Mapping[str, str]

    def __hash__(self) -> int:
        return id(self)


def spellings(**entities: Sequence[str]) -> dict[str, str]:
    """`spellings(metric=["metrics"])` knows both words."""
    return {word: entity for entity, others in entities.items() for word in (entity, *others)}


@lru_cache(maxsize=1_024)
def parse_filter(text: str, grammar: Grammar) -> tuple[Condition, ...]:
    """Conditions that all have to hold. Raises Invalid in MLflow's words."""
    if not text:
        return ()
    if len(text) > LONGEST:
        raise Invalid(f"The filter has {len(text)} characters; up to {LONGEST} can be read.", field="filter")
    tokens = [token for token in _joined(_statement(text).tokens) if not token.is_whitespace]
    if strange := [str(token) for token in tokens if not isinstance(token, Comparison) and not _is_and(token)]:
        raise Invalid("Invalid clause(s) in filter string: " + ", ".join(f"'{token}'" for token in strange))
    return tuple(_condition(token, grammar) for token in tokens if isinstance(token, Comparison))


def parse_order(clauses: Sequence[str], grammar: Grammar) -> tuple[Order, ...]:
    """Raises Invalid in MLflow's words, for the same field twice too."""
    orders = tuple(_order(clause, grammar) for clause in clauses)
    if len({(order.entity, order.key) for order in orders}) < len(orders):
        raise Invalid(f"`order_by` contains duplicate fields: {list(clauses)}")
    return orders


def parse_token(token: str) -> int:
    """The offset that a page token stands for; 0 for none."""
    if not token:
        return 0
    try:
        decoded = base64.b64decode(token)
    except (ValueError, binascii.Error) as error:
        raise Invalid("Invalid page token, could not base64-decode") from error
    try:
        offset = json.loads(decoded)["offset"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Invalid(f"Invalid page token, decoded value={decoded!r}") from error
    if isinstance(offset, bool) or not isinstance(offset, int) or not 0 < offset < 2**31:
        raise Invalid(f"Invalid page token, decoded value={decoded!r}")
    return offset


def page_token(offset: int) -> str:
    return base64.b64encode(json.dumps({"offset": offset}).encode()).decode()


def _statement(text: str) -> Statement:
    try:
        parsed = sqlparse.parse(text)
    except Exception as error:  # sqlparse gives up on what is nested too deeply
        raise Invalid(f"Error on parsing filter '{text[:200]}'") from error
    if not parsed:
        raise Invalid(f"Invalid filter '{text}'. Could not be parsed.")
    if len(parsed) > 1:
        raise Invalid(f"Search filter contained multiple expression {text!r}. Provide AND-ed expression list.")
    return parsed[0]


def _is_and(token: Token) -> bool:
    return bool(token.match(Keyword, ["AND"]))


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """IN, NOT IN, IS NULL and IS NOT NULL are several tokens to sqlparse; here each is one comparison."""
    rest = [token for token in tokens if not token.is_whitespace]
    while rest:
        taken = _listed(rest) or _unset(rest)
        if taken is None:
            yield rest.pop(0)
        else:
            comparison, length = taken
            yield comparison
            del rest[:length]


def _listed(tokens: list[Token]) -> tuple[Comparison, int] | None:
    if not isinstance(tokens[0], Identifier):
        return None
    words = [token.value.upper() for token in tokens[1:3]]
    if words[:1] == ["IN"] and len(tokens) > 2 and isinstance(tokens[2], Parenthesis):
        return _comparison(tokens[0], "IN", tokens[2]), 3
    if words == ["NOT", "IN"] and len(tokens) > 3 and isinstance(tokens[3], Parenthesis):
        return _comparison(tokens[0], "NOT IN", tokens[3]), 4
    return None


def _unset(tokens: list[Token]) -> tuple[Comparison, int] | None:
    if not isinstance(tokens[0], Identifier) or len(tokens) < 3 or tokens[1].value.upper() != "IS":
        return None
    word = " ".join(tokens[2].value.upper().split())
    if word not in ("NULL", "NOT NULL"):
        return None
    return Comparison(TokenList([tokens[0], Token(Keyword, f"IS {word}")])), 3


def _comparison(left: Token, comparator: str, right: Token) -> Comparison:
    return Comparison(TokenList([left, Token(Keyword, comparator), right]))


def _condition(comparison: Comparison, grammar: Grammar) -> Condition:
    tokens = [token for token in comparison.tokens if not token.is_whitespace]
    tokens = _flat(tokens)
    _check_shape(tokens)
    entity, key = _identified(tokens[0].value, grammar, grammar.attributes)
    comparator = " ".join(tokens[1].value.upper().split())
    _check_comparator(entity, key, comparator, grammar)
    value = _value(entity, key, tokens[2], grammar) if len(tokens) == 3 else None
    return Condition(entity, grammar.aliases.get(key, key) if entity == ATTRIBUTE else key, comparator, value)


def _flat(tokens: list[Token]) -> list[Token]:
    """Comparisons that were put together here hold their parts in a list of their own."""
    if len(tokens) == 1 and type(tokens[0]) is TokenList:
        return [token for token in tokens[0].tokens if not token.is_whitespace]
    return tokens


def _check_shape(tokens: list[Token]) -> None:
    unset = len(tokens) == 2 and tokens[1].value.upper() in UNSET
    if len(tokens) != 3 and not unset:
        raise Invalid(f"Invalid comparison clause. Expected 3 tokens found {len(tokens)}")
    if not isinstance(tokens[0], Identifier):
        raise Invalid(f"Invalid comparison clause. Expected 'Identifier' found '{tokens[0]}'")


def _identified(identifier: str, grammar: Grammar, known: Sequence[str]) -> tuple[str, str]:
    word, dot, key = identifier.partition(".")
    if not dot:
        word, key = ATTRIBUTE, identifier
    word = _bare(word)
    if word not in grammar.entities:
        valid = list(dict.fromkeys(grammar.entities.values()))
        raise Invalid(f"Invalid entity type '{word}'. Valid values are {valid}")
    entity, key = grammar.entities[word], _bare(_unquoted(key))
    if entity == ATTRIBUTE and key not in known:
        raise Invalid(f"Invalid attribute key '{key}' specified. Valid keys are '{list(known)}'")
    if entity == DATASET and key not in ("name", "digest", "context"):
        raise Invalid(f"Invalid dataset key '{key}' specified. Valid keys are '['name', 'digest', 'context']'")
    return entity, key


def _check_comparator(entity: str, key: str, comparator: str, grammar: Grammar) -> None:
    if comparator in UNSET and entity not in (TAG, PARAMETER):
        raise Invalid(f"IS NULL / IS NOT NULL is only supported for tags and params, not for '{entity}' '{key}'")
    kind = f"number {ATTRIBUTE}" if entity == ATTRIBUTE and key in grammar.numeric else entity
    if comparator not in grammar.comparators[kind]:
        raise Invalid(f"Invalid comparator '{comparator}' not one of '{list(grammar.comparators[kind])}'")


def _value(entity: str, key: str, token: Token, grammar: Grammar) -> Any:
    if entity == METRIC or (entity == ATTRIBUTE and key in grammar.numeric):
        return _number(entity, key, token)
    if isinstance(token, Parenthesis):
        return _list(entity, key, token, grammar)
    if token.ttype is Literals.String.Single or isinstance(token, Identifier):
        return _quoted(token.value)
    raise Invalid(f"Expected a quoted string value for {_plural(entity)}. Got value {token.value}")


def _plural(entity: str) -> str:
    return {ATTRIBUTE: "attributes", DATASET: "dataset attributes"}.get(entity, f"{entity} (e.g. 'my-value')")


def _number(entity: str, key: str, token: Token) -> float:
    if token.ttype not in NUMBER_TYPES:
        what = "metric" if entity == METRIC else f"numeric attribute: {key}"
        raise Invalid(f"Expected numeric value type for {what}. Found {token.value}")
    return float(token.value)


def _list(entity: str, key: str, token: Token, grammar: Grammar) -> tuple[str, ...]:
    if entity == ATTRIBUTE and key not in grammar.listed:
        raise Invalid(
            f"Only {sorted(grammar.listed)} attributes support comparison with a list of quoted string values."
        )
    try:
        read = ast.literal_eval(token.value)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise Invalid(
            "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list."
        ) from error
    return _texts(read if isinstance(read, tuple) else (read,))


def _texts(read: tuple[Any, ...]) -> tuple[str, ...]:
    if not read:
        raise Invalid(
            "While parsing a list in the query, expected a non-empty list of string values, but got empty list"
        )
    if not all(isinstance(item, str) for item in read):
        raise Invalid(
            "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different "
            f"type in list: {read}"
        )
    return tuple(map(_storable, read))


def _quoted(text: str) -> str:
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        raise Invalid(
            "Parameter value is either not quoted or unidentified quote types used for string value "
            f"{text}. Use either single or double quotes."
        )
    return _storable(text[1:-1])


def _storable(text: str) -> str:
    """PostgreSQL has no text with NUL or half a character, and no pattern that ends in the middle of an escape."""
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise Invalid("A value of the filter is not text.", field="filter")
    if (len(text) - len(text.rstrip("\\"))) % 2:
        raise Invalid("A value of the filter ends with a single backslash; write two of them.", field="filter")
    return text


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] in "'\"" and text[-1] == text[0] else text


def _bare(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == "`" else text


def _order(clause: str, grammar: Grammar) -> Order:
    words = _words(clause)
    if len(words) > 2 or not words:
        raise Invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.")
    if len(words) == 2 and words[1].lower() not in ("asc", "desc"):
        raise Invalid(f"Invalid ordering key in order_by clause '{clause}'.")
    entity, key = _identified(words[0].strip(), grammar, grammar.ordered)
    ascending = len(words) == 1 or words[1].lower() == "asc"
    return Order(entity, grammar.aliases.get(key, key) if entity == ATTRIBUTE else key, ascending)


def _words(clause: str) -> list[str]:
    if len(clause) > LONGEST:
        raise Invalid(f"An order_by clause has {len(clause)} characters; up to {LONGEST} can be read.")
    try:
        return shlex.split(_storable(clause).replace("`", '"'))
    except ValueError as error:
        raise Invalid(f"Error on parsing order_by clause '{clause}'") from error
