"""The filters and orders of MLflow's tracking, with its sentences."""

from __future__ import annotations

import base64
import binascii
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlparse.sql import Comparison, Identifier, Parenthesis, Token
from sqlparse.tokens import Literal as Literals

from apps.core.errors import Invalid
from apps.core.search import Condition, Order
from apps.mlflow_protocol import clauses

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
    tokens = clauses.pieces(text)
    if strange := [str(token) for token in tokens if not isinstance(token, Comparison) and not clauses.is_and(token)]:
        raise Invalid("Invalid clause(s) in filter string: " + ", ".join(f"'{token}'" for token in strange))
    return tuple(_condition(token, grammar) for token in tokens if isinstance(token, Comparison))


def parse_order(order_by: Sequence[str], grammar: Grammar) -> tuple[Order, ...]:
    """Raises Invalid in MLflow's words, for the same field twice too."""
    orders = tuple(_order(clause, grammar) for clause in order_by)
    if len({(order.entity, order.key) for order in orders}) < len(orders):
        raise Invalid(f"`order_by` contains duplicate fields: {list(order_by)}")
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


def _condition(comparison: Comparison, grammar: Grammar) -> Condition:
    tokens = clauses.parts(comparison)
    _check_shape(tokens)
    entity, key = _identified(tokens[0].value, grammar, grammar.attributes)
    comparator = " ".join(tokens[1].value.upper().split())
    value = _value(entity, key, tokens[2], grammar) if len(tokens) == 3 else None
    _check_comparator(entity, key, comparator, grammar)
    return Condition(entity, grammar.aliases.get(key, key) if entity == ATTRIBUTE else key, comparator, value)


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
    word = clauses.bare(word, "`")
    if word not in grammar.entities:
        valid = list(dict.fromkeys(grammar.entities.values()))
        raise Invalid(f"Invalid entity type '{word}'. Valid values are {valid}")
    entity, key = grammar.entities[word], _key(key)
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
    if isinstance(token, Parenthesis) and "IN" in grammar.comparators[entity]:
        return _list(entity, key, token, grammar)
    if token.ttype is Literals.String.Single or isinstance(token, Identifier):
        return clauses.quoted(token.value)
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
    return clauses.listed(token.value)


def _key(text: str) -> str:
    """Without one pair of quotes, and then without backticks."""
    return clauses.storable(clauses.bare(clauses.bare(text, "'" if text.startswith("'") else '"'), "`"))


def _order(clause: str, grammar: Grammar) -> Order:
    words = _words(clause)
    if len(words) > 2 or not clauses.is_one_name(clause):
        raise Invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.")
    if len(words) == 2 and words[1].lower() not in ("asc", "desc"):
        raise Invalid(f"Invalid ordering key in order_by clause '{clause}'.")
    entity, key = _identified(words[0].strip(), grammar, grammar.ordered)
    ascending = len(words) == 1 or words[1].lower() == "asc"
    return Order(entity, grammar.aliases.get(key, key) if entity == ATTRIBUTE else key, ascending)


def _words(clause: str) -> list[str]:
    if len(clause) > clauses.LONGEST:
        raise Invalid(f"An order_by clause has {len(clause)} characters; up to {clauses.LONGEST} can be read.")
    try:
        return shlex.split(clauses.storable(clause).replace("`", '"'))
    except ValueError as error:
        raise Invalid(f"Error on parsing order_by clause '{clause}'") from error
