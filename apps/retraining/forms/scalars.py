"""One value between JSON and what stands in a field or on a line of it."""

import json
from typing import Any

from django import forms

from apps.retraining.forms.parts import Kind


def scalar(text: str, kind: Kind) -> Any:
    """A text, a number or a flag out of one line."""
    if kind is Kind.TEXT:
        return text
    if kind is not Kind.FLAG:
        return number_of(text, kind)
    if text.lower() not in ("true", "false", "yes", "no"):
        raise forms.ValidationError(f"{text[:40]!r} is neither yes nor no.")
    return is_true(text)


def number_of(text: str, kind: Kind) -> float | int:
    text = text.strip()
    try:
        return int(text) if kind is Kind.INTEGER else _float(text)
    except (ValueError, OverflowError) as error:
        wanted = "whole number" if kind is Kind.INTEGER else "number"
        raise forms.ValidationError(f"{text[:40]!r} is no {wanted}.") from error


def _float(text: str) -> float:
    """A finite number; 2 stays 2, as the schema's author would write it."""
    value = float(text)
    if value in (float("inf"), float("-inf")) or value != value:
        raise ValueError(text)
    return value


def is_true(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "on", "yes", "1")


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
