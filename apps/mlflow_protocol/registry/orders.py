"""The order of a search and where a page begins: a token holds the last row's place, so all pages cost the same."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.core.errors import Invalid
from apps.registry.queries import Order

CLAUSE = re.compile(r"(?P<tick>`?)(?P<key>[\w.]+)(?P=tick)(?:\s+(?P<way>\w+))?", re.ASCII)
MODEL_KEYS = {"name": "name", "timestamp": "updated_at", "last_updated_timestamp": "updated_at"}
VERSION_KEYS = {
    "name": "name",
    "version_number": "number",
    "creation_timestamp": "created_at",
    "last_updated_timestamp": "updated_at",
}
UNREADABLE = "Invalid page token, could not base64-decode"


def of_models(clauses: Sequence[str]) -> tuple[Order, ...]:
    """By name unless said, and always in one order. Raises Invalid."""
    return _unique(clauses, [_order(clause, MODEL_KEYS, _no_model_key) for clause in clauses], [Order("name")])


def of_versions(clauses: Sequence[str]) -> tuple[Order, ...]:
    """The last changed first unless said. Raises Invalid."""
    said = list(clauses) or ["last_updated_timestamp DESC"]
    ends = [Order("name"), Order("number", descending=True)]
    return _unique(clauses, [_order(_bare(clause), VERSION_KEYS, _no_version_key) for clause in said], ends)


def token_of(place: Sequence[Any]) -> str:
    return base64.b64encode(json.dumps({"after": place}).encode()).decode()


def place_in(token: str, orders: Sequence[Order]) -> list[Any] | None:
    """The values of the last row before this page; None for the first page. Raises Invalid."""
    if not token:
        return None
    try:
        decoded = base64.b64decode(token)
    except (binascii.Error, ValueError) as error:
        raise Invalid(UNREADABLE, field="page_token") from error
    try:
        place = json.loads(decoded)["after"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Invalid(f"Invalid page token, decoded value={decoded!r}", field="page_token") from error
    if not _fits(place, orders):
        raise Invalid("Invalid page token: it belongs to a search in another order.", field="page_token")
    return list(place)


def _fits(place: object, orders: Sequence[Order]) -> bool:
    if not isinstance(place, list) or len(place) != len(orders):
        return False
    return all(order.takes(value) for order, value in zip(orders, place, strict=True))


def _order(clause: str, keys: Mapping[str, str], refuse: Any) -> Order:
    found = CLAUSE.fullmatch(clause.rstrip())
    if found is None or clause[:1].isspace():
        raise Invalid(f"Invalid order_by clause '{clause}'. Could not be parsed.", field="order_by")
    way = (found["way"] or "asc").lower()
    if way not in ("asc", "desc"):
        raise Invalid(f"Invalid ordering key in order_by clause '{clause}'.", field="order_by")
    ticked = keys is MODEL_KEYS and not found["way"]  # MLflow takes backticks off only where a word follows
    key = found["tick"] + found["key"] + found["tick"] if ticked else found["key"]
    if key not in keys:
        raise refuse(key)
    return Order(keys[key], descending=way == "desc")


def _no_model_key(key: str) -> Invalid:
    said = f"Invalid order by key '{key}' specified. Valid keys are '{{'name', 'timestamp'}}'"
    return Invalid(said, field="order_by")


def _no_version_key(key: str) -> Invalid:
    kind, _, name = key.partition(".")
    if kind in ("tag", "tags") and name:
        return Invalid(
            f"Invalid order by key '{name}' specified. Valid keys are {sorted(VERSION_KEYS)}", field="order_by"
        )
    said = f"Invalid attribute key '{key}' specified. Valid keys are '{sorted(VERSION_KEYS)}'"
    return Invalid(said, field="order_by")


def _bare(clause: str) -> str:
    return clause.removeprefix("attribute.")


def _unique(clauses: Sequence[str], said: list[Order], ends: list[Order]) -> tuple[Order, ...]:
    keys = [order.key for order in said]
    if len(set(keys)) < len(keys):
        raise Invalid(f"`order_by` contains duplicate fields: {list(clauses)}", field="order_by")
    return (*said, *(end for end in ends if end.key not in keys))
