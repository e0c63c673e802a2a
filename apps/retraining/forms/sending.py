"""What a request says besides its parameters: which segments, why, and the marks that make sending safe."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django import forms
from django.http import QueryDict

from apps.core.errors import PortalError

if TYPE_CHECKING:
    from apps.registry.models import Segment

ALL, CHOSEN, PASTED = "all", "chosen", "pasted"


@dataclass(frozen=True)
class Choice:
    """Segments as they were asked for elsewhere: slugs, or None for all."""

    segments: Sequence[str] | None = None
    reason: str = ""


class SegmentBoxes(forms.Field):
    """Slugs as they were ticked; whether they exist is asked where everybody asks."""

    widget = forms.SelectMultiple

    def clean(self, value: Any) -> list[str]:
        return [str(slug) for slug in value or ()]


class SendingForm(forms.Form):
    """Segments, reason, and three hidden marks: the key of this form, and what its sender has looked at, which is the
    pipeline's version and the plan's digest."""

    use_required_attribute = False

    scope = forms.ChoiceField(choices=[(ALL, "All"), (CHOSEN, "Choose"), (PASTED, "Paste a list")])
    segments = SegmentBoxes(required=False)
    pasted = forms.CharField(required=False, strip=False, widget=forms.Textarea, label="Segments")
    reason = forms.CharField(
        required=False, widget=forms.Textarea({"rows": 2}), help_text="What others read beside this request."
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, known: "Sequence[Segment]", data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.known = known

    @classmethod
    def filled(cls, known: "Sequence[Segment]", choice: Choice, query: QueryDict | None = None) -> "SendingForm":
        """The form as it begins: all segments unless somebody chose some."""
        asked = _asked(query) if query else None
        slugs = asked if asked is not None else choice.segments
        reason = query.get("reason", choice.reason) if query else choice.reason
        data = QueryDict(mutable=True)
        data.update({"key": uuid4().hex, "reason": reason, **_scope(slugs, known)})
        if data["scope"] == CHOSEN:
            data.setlist("segments", list(slugs or ()))
        return cls(known, data)

    def chosen(self) -> list[str] | None:
        """Slugs, or None for all; only of a valid form. Words that name no segment stay as they are."""
        if self.cleaned_data["scope"] == ALL:
            return None
        if self.cleaned_data["scope"] == CHOSEN:
            return self.cleaned_data["segments"]
        return slugs_in(self.cleaned_data["pasted"], self.known)

    def ticked(self) -> set[str]:
        return set(self["segments"].value() or ())

    def refuse(self, error: PortalError) -> None:
        """Puts an error to the field it is about, else on top."""
        field = {"segments": self._segments_field(), "reason": "reason"}.get(error.field or "")
        self.add_error(field, error.message)

    def _segments_field(self) -> str:
        return "pasted" if self.cleaned_data.get("scope") == PASTED else "segments"


def slugs_in(text: str, known: "Sequence[Segment]") -> list[str]:
    """The segments of a pasted list (names or slugs; one per line, or apart by commas), each once."""
    called = _slugs_by_word(known)
    found: list[str] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        words = [line] if line.casefold() in called else re.split(r"[,;\t]", line)
        for word in filter(None, (word.strip() for word in words)):
            found += called.get(word.casefold(), [word])
    return list(dict.fromkeys(found))


def _slugs_by_word(known: "Sequence[Segment]") -> dict[str, list[str]]:
    """A slug means one segment; a name means all that are called so, unless it is somebody's slug."""
    called: dict[str, list[str]] = {}
    for one in known:
        called.setdefault(one.name.casefold(), []).append(one.slug)
    return called | {one.slug.casefold(): [one.slug] for one in known}


def _asked(query: QueryDict) -> list[str] | None:
    """`segments=atlanta,boston`, or `segment=` as often as one likes; None if the address says nothing."""
    said = [*query.getlist("segments"), *query.getlist("segment")]
    if not said:
        return None
    return list(dict.fromkeys(slug.strip() for text in said for slug in text.split(",") if slug.strip()))


def _scope(slugs: Sequence[str] | None, known: "Sequence[Segment]") -> dict[str, str]:
    """Boxes for known segments; a list with unknown ones is shown as text, so that it can be corrected."""
    served = {one.slug for one in known if not one.is_fallback}
    if slugs is None or set(slugs) == served or list(slugs) == [ALL]:
        return {"scope": ALL}
    if set(slugs) <= {one.slug for one in known}:
        return {"scope": CHOSEN}
    return {"scope": PASTED, "pasted": "\n".join(slugs)}
