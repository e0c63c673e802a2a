"""Shapes of gaps, requests, usage and imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts import queries as accounts
from apps.catalog import queries
from apps.catalog.exchange.sheet import MOST_BYTES
from apps.catalog.forms.positions import LONGEST_REASON, Paragraphs, ToolName, choose
from apps.catalog.models import FeatureGap, ToolRequest

if TYPE_CHECKING:
    from apps.accounts.models import User

MOST_PEOPLE = 10_000


class GapForm(forms.Form):
    """What a tool can not do."""

    title = forms.CharField(max_length=200, label="What it can not do")
    pain = forms.IntegerField(min_value=1, max_value=5, initial=3, help_text="1 is a nuisance, 5 stops us.")
    workaround = Paragraphs(rows=3, help_text="Markdown: how we live with it.")
    upstream_url = forms.URLField(required=False, assume_scheme="https", label="Upstream issue", max_length=200)
    upstream = forms.ChoiceField(choices=FeatureGap.Upstream, label="What its makers say")
    better = ToolName(label="Who does it better")
    hurts = forms.MultipleChoiceField(required=False, label="Teams it hurts", widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = [(team.slug, team.name) for team in accounts.teams()]
        self.fields["hurts"].choices = teams  # type: ignore[attr-defined]


def initial_of_gap(gap: FeatureGap) -> dict[str, Any]:
    """The gap as the form shows it."""
    plain = {name: getattr(gap, name) for name in ("title", "pain", "workaround", "upstream_url", "upstream")}
    return plain | {"better": gap.better and gap.better.slug, "hurts": [team.slug for team in gap.hurts.all()]}


class WishForm(forms.Form):
    """What somebody asks for, and what it would mean is shown before it is sent."""

    capability = forms.ChoiceField(label="What for")
    tool = ToolName(label="The same in the catalog", help_text="If it is known there.")
    name = forms.CharField(max_length=100, label="The tool you want")
    need = Paragraphs(required=True, rows=3, label="What you want to do")
    why_not_existing = Paragraphs(required=True, rows=3, label="Why what we have does not do")
    team = forms.ChoiceField(label="Your team")
    people = forms.IntegerField(min_value=1, max_value=MOST_PEOPLE, label="Who would learn it", help_text="How many.")
    connects_to = forms.CharField(max_length=300, required=False, label="What it must connect to")

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = accounts.team_ids_of(actor)
        choose(self, "capability", [(need.slug, need.name) for need in queries.capabilities(actor=actor)])
        choose(self, "team", [(team.slug, team.name) for team in accounts.teams() if team.pk in mine])


class AnswerForm(forms.Form):
    """How a request ends, and what it names."""

    outcome = forms.ChoiceField(choices=ToolRequest.Outcome, label="It ends as")
    decision = forms.ChoiceField(required=False, label="Decision or exception")
    gap = forms.ChoiceField(required=False, label="Feature gap")
    duplicate_of = forms.ChoiceField(required=False, label="Asked for before in")
    words = forms.CharField(max_length=LONGEST_REASON, required=False, label="A word to whoever asked")

    def __init__(self, *args: Any, actor: User, wish: ToolRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = queries.requests(actor=actor).exclude(pk=wish.pk)
        choose(self, "decision", [(one.label, str(one)) for one in queries.decisions(actor=actor)])
        choose(self, "gap", [(str(gap.pk), f"{gap.tool}: {gap.title}") for gap in queries.gaps(actor=actor)])
        choose(self, "duplicate_of", [(str(one.pk), f"{one} ({one.asked_on})") for one in others])


class ImportForm(forms.Form):
    """A file of any known format, or its text."""

    file = forms.FileField(required=False)
    content = forms.CharField(required=False, widget=forms.Textarea({"rows": 6}), max_length=MOST_BYTES, strip=False)
    source = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    team = forms.ChoiceField(required=False, help_text="Whose environment a pip freeze is.")
    name = forms.CharField(required=False, max_length=200, help_text="The service whose environment it is.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "team", [(team.slug, team.name) for team in accounts.teams()])

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if upload := said.get("file"):
            said["content"], said["source"] = _text_of(upload), upload.name[:200]
        if not said.get("content"):
            self.add_error("file", "Choose a file, or paste its text.")
        return said

    def keep_text(self) -> None:
        """A file that was looked at can be imported without choosing it again."""
        kept = {name: self.cleaned_data.get(name, "") for name in ("content", "source")}
        self.data = {name: self.data.get(name) for name in self.data} | kept


def _text_of(upload: Any) -> str:
    if upload.size > MOST_BYTES:
        raise forms.ValidationError(f"A file may have {MOST_BYTES // 1024**2} MB.")
    try:
        return str(upload.read().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise forms.ValidationError("This file is not text (UTF-8).") from error
