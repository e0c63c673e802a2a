"""A card as a form: a text for each field that people may write, the record's words standing in it already."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.registry.cards import Card, Said

LONGEST = 5_000  # characters; as long as a text of `card.json`


class CardForm(forms.Form):
    """`strict`: what is required has to be said here; a family's card may be begun."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, card: Card, strict: bool = True, **kwargs: Any) -> None:
        self.said = {one.field.name: one for one in card.said if not one.field.recorded}
        texts = {name: one.text for name, one in self.said.items()}
        super().__init__(*args, **{**kwargs, "initial": {"seen": card.digest, **texts, **card.more}})
        for one in self.said.values():
            self.fields[one.field.name] = _text(one.field.label, _help(one), required=strict and one.required)
        for name in card.more:
            self.fields[name] = _text(name.replace("_", " ").capitalize(), "", required=strict and not card.more[name])

    @property
    def texts(self) -> list[Any]:
        """Its visible fields, in order."""
        return [self[name] for name in self.fields if name != "seen"]

    def allow_gaps(self) -> None:
        """What is required and not said yet is no mistake any more."""
        errors = self.errors.as_data()
        for name in [name for name, found in errors.items() if all(one.code == "required" for one in found)]:
            del self.errors[name]

    def as_said(self) -> dict[str, str]:
        """Without what is empty, and without what stands there anyway: that keeps following the record."""
        texts = {name: text for name, text in self.cleaned_data.items() if name != "seen" and text}
        return {name: text for name, text in texts.items() if not self._stands_there(name, text)}

    def _stands_there(self, name: str, text: str) -> bool:
        one = self.said.get(name)
        return one is not None and one.source in ("record", "family") and _plain(one.text) == _plain(text)


class FamilyCardForm(CardForm):
    """Of a family: its own words are what is edited."""

    def _stands_there(self, name: str, text: str) -> bool:
        one = self.said.get(name)
        return one is not None and one.source == "record" and _plain(one.text) == _plain(text)


def _text(label: str, words: str, *, required: bool) -> forms.CharField:
    area = forms.Textarea({"rows": 3})
    return forms.CharField(label=label, required=required, max_length=LONGEST, widget=area, help_text=words)


def _help(one: Said) -> str:
    asked = " Asked for." if one.required else ""
    stands = {"record": " Taken from the record.", "family": " Said by the family's card."}.get(one.source, "")
    return f"{one.field.help}{asked}{stands}"


def _plain(text: str) -> str:
    return "\n".join(text.split())
