"""What a gate's settings may be: one description for the check, the API and the editor's fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_WORD = 100
MOST_WORDS = 50
LARGEST = 1e15  # no metric, row or day is larger; an endless number is not smaller than it either


@dataclass(frozen=True)
class Setting:
    """One field of a gate. `type` is number | choice | words | text; a `default` of None means that it must be given.

    `in_metric_unit`: the number counts in the unit of the family's metric.
    """

    name: str
    label: str
    help: str
    type: str
    default: Any = None
    minimum: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    in_metric_unit: bool = False

    @property
    def is_required(self) -> bool:
        return self.default is None

    def objection(self, value: object) -> str:
        """The sentence what is wrong with the value; empty when nothing is."""
        return CHECKS[self.type](self, value)


def _number(setting: Setting, value: object) -> str:
    at_least = "" if setting.minimum is None else f" of {setting.minimum:g} or more"
    sentence = f"{setting.name} must be a number{at_least}."
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return sentence
    return sentence if setting.minimum is not None and value < setting.minimum else ""


def _choice(setting: Setting, value: object) -> str:
    known = [name for name, _ in setting.choices]
    return "" if value in known else f"{setting.name} must be one of {', '.join(known)}."


def _words(setting: Setting, value: object) -> str:
    words = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if 1 <= len(words) <= MOST_WORDS and all(_is_word(word) for word in words):
        return ""
    return f"{setting.name} must be a list of 1 to {MOST_WORDS} words."


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= LONGEST_WORD and value.isprintable()


def _text(setting: Setting, value: object) -> str:
    if value == "" or _is_word(value):
        return ""
    return f"{setting.name} must be a text of at most {LONGEST_WORD} characters."


CHECKS: dict[str, Callable[[Setting, object], str]] = {
    "number": _number,
    "choice": _choice,
    "words": _words,
    "text": _text,
}
