"""The filters of MLflow's registry, with its sentences, which are not those of its tracking.

clause (AND clause)*     clause: [attribute.]name op 'text' | tag.`key` op 'text' | name IN ('a', 'b') | number op 7
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sqlparse.sql import Comparison, Identifier, Parenthesis, Token
from sqlparse.tokens import Literal

from apps.core.errors import Invalid
from apps.core.search import Condition
from apps.mlflow_protocol import clauses
from apps.mlflow_protocol.grammar import ATTRIBUTE, TAG
from apps.mlflow_protocol.registry.numbers import MOST_DIGITS

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
    tokens = clauses.pieces(text)
    odd = [str(token) for token in tokens if not _is_expected(token)]
    if odd:
        raise Invalid(f"Invalid clause(s) in filter string: {', '.join(odd)}", field="filter")
    return tuple(_condition(token, grammar) for token in tokens if isinstance(token, Comparison))


def _is_expected(token: Token) -> bool:
    return isinstance(token, Comparison) or clauses.is_and(token)


def _condition(comparison: Comparison, grammar: Grammar) -> Condition:
    parts = clauses.parts(comparison)
    if len(parts) != 3:
        raise Invalid(f"Invalid comparison clause. Expected 3 tokens found {len(parts)}", field="filter")
    left, operator, right = parts
    if not isinstance(left, Identifier):
        raise Invalid(f"Invalid comparison clause. Expected 'Identifier' found '{left}'", field="filter")
    entity, key = _named(left.value, grammar)
    found = Condition(entity, key, operator.value.upper(), _value(entity, key, right, grammar))
    _check_operator(found, grammar)
    return replace(found, value=_whole(found)) if entity == ATTRIBUTE and key in grammar.numbers else found


def _named(identifier: str, grammar: Grammar) -> tuple[str, str]:
    """The entity and its key."""
    kind, dot, key = identifier.partition(".")
    if not dot:
        kind, key = ATTRIBUTE, identifier
    known = (ATTRIBUTE, TAG, "tags")
    if kind not in known:
        raise Invalid(f"Invalid entity type '{kind}'. Valid entity types are {known}", field="filter")
    if kind == ATTRIBUTE and key not in grammar.attributes:
        valid = set(grammar.attributes) if len(grammar.attributes) == 1 else sorted(grammar.attributes)
        raise Invalid(f"Invalid attribute key '{key}' specified. Valid keys are '{valid}'", field="filter")
    return ATTRIBUTE if kind == ATTRIBUTE else TAG, clauses.storable(clauses.bare(key, "'\"`"))


def _value(entity: str, key: str, token: Token, grammar: Grammar) -> str | float | tuple[str, ...]:
    if token.ttype is Literal.String.Single or isinstance(token, Identifier):
        return clauses.quoted(token.value)
    if entity == TAG:
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


def _number(key: str, token: Token, grammar: Grammar) -> float:
    if key not in grammar.numbers:
        said = f"Only the '{sorted(grammar.numbers)}' attributes support comparison with numeric values."
        raise Invalid(said, field="filter")
    return int(token.value) if token.ttype is Literal.Number.Integer else float(token.value)


def _list(key: str, text: str, grammar: Grammar) -> tuple[str, ...]:
    if key not in grammar.lists:
        said = f"Only {sorted(grammar.lists)} attributes support comparison with a list of quoted string values."
        raise Invalid(said, field="filter")
    return clauses.listed(text)


def _check_operator(found: Condition, grammar: Grammar) -> None:
    if found.entity == TAG and found.comparator not in TEXT_OPERATORS:
        raise Invalid(f"Invalid comparator for tag: {found.comparator}", field="filter")
    if found.entity == TAG:
        return
    if found.key in grammar.numbers:
        if found.comparator not in NUMBER_OPERATORS:
            raise Invalid(f"Invalid comparator for attribute {found.key}: {found.comparator}", field="filter")
        return
    allowed = TEXT_OPERATORS + LIST_OPERATORS
    listed = isinstance(found.value, tuple)
    if found.comparator not in allowed or listed != (found.comparator in LIST_OPERATORS):
        raise Invalid(f"Invalid comparator for attribute: {found.comparator}", field="filter")


def _whole(found: Condition) -> int:
    """The number, which may be quoted. Raises Invalid."""
    try:
        if isinstance(found.value, int | str):
            return int(str(found.value)[:MOST_DIGITS])
    except ValueError:
        pass
    raise Invalid(f"Invalid value for numeric attribute '{found.key}': {found.value!r}", field="filter")
