"""Audit words: each app lists its own in `events.py`, with the sentence a person reads."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """`PROMOTED = "registry.promoted", "promoted {target}"`: a stored value and its sentence after the actor's name."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        word = str.__new__(cls, value)
        word._value_ = value
        word.sentence = sentence
        return word


def sentence_of(value: str) -> str:
    """The sentence of a stored word; the word itself for one that no app knows any more."""
    for words in Word.__subclasses__():
        if value in words._value2member_map_:
            return words(value).sentence  # type: ignore[call-arg]
    return f"{value} {{target}}"
