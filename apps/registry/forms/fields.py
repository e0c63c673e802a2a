"""Fields of forms that read words: names, people, aliases, the inputs of a serving contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts import queries as accounts
from apps.core.errors import Missing
from apps.registry.actions import AliasSpec
from apps.registry.signatures import OF_TENSORS, TYPES, lines_of

if TYPE_CHECKING:
    from apps.accounts.models import User

TYPE_OF = {name: name for name in TYPES} | OF_TENSORS | {"str": "string"}
"""MLflow's words, and those that people copy out of numpy and pandas."""


class Names(forms.CharField):
    """Words between commas, spaces or lines, each once, as a list."""

    between = re.compile(r"[\s,;]+")

    def to_python(self, value: Any) -> Any:
        words = (word.strip() for word in self.between.split(super().to_python(value) or ""))
        return list(dict.fromkeys(word for word in words if word))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class Phrases(Names):
    """As names, but a space is part of one."""

    between = re.compile(r"[\r\n,;]+")


class People(Names):
    """Usernames, as users."""

    def clean(self, value: Any) -> list[User]:
        return [_somebody(name) for name in super().clean(value)]


class Aliases(Names):
    """Names in their order, as aliases; `staging:2` asks for two approvals of its own."""

    def clean(self, value: Any) -> list[AliasSpec]:
        return [_alias(word) for word in super().clean(value)]


class Inputs(forms.CharField):
    """Lines such as `distance_mi: double`, as types by name."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        lines = list(_filled_lines(super().to_python(value) or ""))
        inputs = dict(_input(number, line) for number, line in lines)
        if len(inputs) < len(lines):
            raise forms.ValidationError("An input is named twice; name each once.")
        return inputs

    def prepare_value(self, value: Any) -> Any:
        return lines_of(value) if isinstance(value, dict) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial or {}) != "\n".join(line for _, line in _filled_lines(data or ""))


def _filled_lines(text: str) -> Iterator[tuple[int, str]]:
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return ((number, line) for number, line in lines if line)


def _input(number: int, line: str) -> tuple[str, str]:
    name, _, kind = line.rpartition(":")
    if not name.strip():
        raise forms.ValidationError(f"Line {number} names no input with its type; write {line.strip(': ')}: double.")
    if kind.strip() not in TYPE_OF:
        raise forms.ValidationError(f"Line {number}: {kind.strip()!r} is no type; choose from {', '.join(TYPES)}.")
    return name.strip(), TYPE_OF[kind.strip()]


def _alias(word: str) -> AliasSpec:
    name, _, needed = word.partition(":")
    if needed and not needed.isdecimal():
        raise forms.ValidationError(f"{needed!r} is no number of approvals; write {name}:1.")
    return AliasSpec(name, int(needed) if needed else None)


def _somebody(username: str) -> User:
    try:
        return accounts.user(username=username)
    except Missing as error:
        raise forms.ValidationError(f"There is no user {username!r} here; write usernames.") from error
