"""A version's card as a form: a text for each field that its family asks for, and for each that is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

USUAL = ("purpose", "limits")
"""What a card says where the family asks for nothing in particular."""
LONGEST = 5_000  # characters; as long as a text of `card.json`


class CardForm(forms.Form):
    def __init__(self, *args: Any, asked: Sequence[str], card: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "initial": dict(card)})
        for name in dict.fromkeys([*(asked or USUAL), *card]):
            self.fields[name] = forms.CharField(
                label=name.replace("_", " ").capitalize(),
                required=name in asked,
                max_length=LONGEST,
                widget=forms.Textarea({"rows": 3}),
                help_text="The family asks for it." if name in asked else "",
            )

    def as_said(self) -> dict[str, str]:
        """Without what is empty."""
        return {name: text for name, text in self.cleaned_data.items() if text}
