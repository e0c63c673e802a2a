"""What differs between two definitions, setting by setting; pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LONGEST_SHOWN = 200  # characters


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Difference:
    """One setting, by its dotted path; `before` of an added and `after` of a removed one are None."""

    kind: Kind
    path: str
    before: Any = None
    after: Any = None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """In the order of the newer one, what was removed last; objects are looked into, lists are compared as a whole."""
    return list(_differences(before, after, ""))


def shortened(value: Any) -> str:
    """A value as JSON, on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], root: str) -> Iterator[Difference]:
    for name, value in after.items():
        path = f"{root}{name}"
        if name not in before:
            yield Difference(Kind.ADDED, path, after=value)
        elif isinstance(value, Mapping) and isinstance(before[name], Mapping):
            yield from _differences(before[name], value, f"{path}.")
        elif value != before[name] or isinstance(value, bool) is not isinstance(before[name], bool):
            yield Difference(Kind.CHANGED, path, before[name], value)
    for name, value in before.items():
        if name not in after:
            yield Difference(Kind.REMOVED, f"{root}{name}", before=value)
