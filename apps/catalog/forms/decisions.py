"""A decision and its options as a form; criteria, scores and ranges are lines that a person types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts import queries as accounts
from apps.catalog import queries
from apps.catalog.forms.positions import LONGEST_REASON, Day, Paragraphs, ToolName, choose
from apps.catalog.models import Decision, Sourcing

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.catalog.models import Option

OPTIONS_OFFERED = 6
CRITERIA = (
    "Fits the need: 5\nEcosystem already here: 4\nTraction: 3\nManaged offering: 3\nLearning cost: 3\nExit cost: 2"
)
CRITERION = re.compile(r"^(.{1,60}?)\s*:\s*([1-5])$")
RANGE = re.compile(r"^(\d+(?:\.\d+)?)(?:\s*(?:-|–|to)\s*(\d+(?:\.\d+)?))?$")


class DecisionForm(forms.Form):
    """What a decision says. Names are usernames and slugs, as in the API."""

    made: Decision  # the draft, once it is saved

    title = forms.CharField(max_length=200)
    capability = forms.ChoiceField(label="What it is about")
    sourcing = forms.ChoiceField(choices=Sourcing)
    kind = forms.ChoiceField(choices=Decision.Kind, initial=Decision.Kind.DECISION, widget=forms.HiddenInput)
    context = Paragraphs(rows=6, label="Context", help_text="Markdown: what hurts, and whom.")
    drivers = Paragraphs(rows=3, label="What matters", help_text="Markdown, a list.")
    outcome = Paragraphs(rows=5, label="Outcome", help_text="Markdown: what is decided. Needed to be accepted.")
    consequences = Paragraphs(rows=3, label="Consequences", help_text="Good, because … Bad, because …")
    confirmation = Paragraphs(rows=2, label="How we will see that it is followed")
    criteria = forms.CharField(
        required=False,
        widget=forms.Textarea({"rows": 6}),
        max_length=1_000,
        initial=CRITERIA,
        help_text="One a line, with a weight from 1 to 5: “Learning cost: 3”.",
    )
    owner = forms.CharField(max_length=150, required=False, help_text="Username of who is reminded to look again.")
    revisit_on = Day(required=False, label="Look again on", help_text="Needed when we wait.")
    trigger = forms.CharField(max_length=300, required=False, label="Or when")
    trigger_kind = forms.ChoiceField(choices=Decision.Trigger, required=False, label="Who notices")
    trigger_tool = ToolName(label="Tool it watches")
    trigger_gap = forms.ChoiceField(required=False, label="Feature gap it watches")
    trigger_limit = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False, label="Limit")
    weeks_saved = forms.IntegerField(
        min_value=0, max_value=10_000, required=False, label="Weeks not spent", help_text="An estimate, when we wait."
    )
    visibility = forms.ChoiceField(
        choices=(("everyone", "Everybody who is signed in"), ("teams", "Only its team and the board")),
        required=False,
        label="Who sees it",
    )
    team = forms.ChoiceField(required=False, help_text="Whose exception it is, or who sees it where not everybody may.")
    tool = ToolName(help_text="The one that the exception is about.")
    expires_on = Day(required=False, label="Ends on", help_text="At most twelve months from now.")
    moves_from = ToolName(help_text="The tool that everybody moves away from.")
    move_by = Day(required=False, label="Moved by")
    guide = forms.URLField(required=False, assume_scheme="https", label="How to move")

    def __init__(self, *args: Any, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        needs = [(need.slug, need.name) for need in queries.capabilities(actor=actor)]
        self.fields["capability"].choices = needs  # type: ignore[attr-defined]
        choose(self, "team", [(team.slug, team.name) for team in accounts.teams()])
        choose(self, "trigger_gap", [(str(gap.pk), f"{gap.tool}: {gap.title}") for gap in queries.gaps(actor=actor)])

    def clean_criteria(self) -> list[dict[str, Any]]:
        return criteria_in(self.cleaned_data["criteria"])

    def clean_visibility(self) -> str:
        return self.cleaned_data["visibility"] or Decision.Visibility.EVERYONE

    def clean_trigger_kind(self) -> str:
        return self.cleaned_data["trigger_kind"] or Decision.Trigger.MANUAL


class OptionForm(forms.Form):
    """One option; scores are numbers in the order of the criteria, ranges are written “5-10”."""

    label = forms.CharField(max_length=100, required=False, label="Option", help_text="In your own words, or a tool.")
    tool = ToolName(label="Tool of the catalog")
    chosen = forms.BooleanField(required=False)
    why = forms.CharField(max_length=500, required=False, label="For and against")
    scores = forms.CharField(max_length=100, required=False, help_text="0 to 5 for each criterion: “4, 5, 3”.")
    learning_days = forms.CharField(max_length=30, required=False, label="Days to learn it")
    people = forms.FloatField(min_value=0, max_value=100_000, required=False, label="People who learn it")
    integration_weeks = forms.CharField(max_length=30, required=False, label="Weeks to connect it")
    running_weeks = forms.CharField(max_length=30, required=False, label="Weeks a year to run it")
    money = forms.CharField(max_length=30, required=False, label="Money a year")
    years = forms.FloatField(min_value=0, max_value=50, required=False, label="Years")
    week_rate = forms.FloatField(min_value=0, max_value=1_000_000, required=False, label="Money a person-week")

    def clean(self) -> dict[str, Any]:
        for name in ("learning_days", "integration_weeks", "running_weeks", "money"):
            self._read(name, range_in, "Write a range: 5-10.")
        self._read("scores", scores_in, "Write numbers from 0 to 5, apart by commas.")
        return self.cleaned_data

    def _read(self, name: str, read: Any, sentence: str) -> None:
        try:
            self.cleaned_data[name] = read(self.cleaned_data.get(name) or "")
        except ValueError:
            self.add_error(name, sentence)

    @property
    def is_used(self) -> bool:
        return bool(self.cleaned_data.get("label") or self.cleaned_data.get("tool"))

    def words(self, criteria: list[dict[str, Any]]) -> dict[str, Any]:
        """The option as the action takes it; the tool is still a slug."""
        said = self.cleaned_data
        costs = {name: said[name] for name in COSTS if said.get(name) not in (None, "", [])}
        scores = dict(zip([criterion["name"] for criterion in criteria], said["scores"], strict=False))
        return {name: said[name] for name in ("label", "tool", "chosen", "why")} | {"scores": scores, "costs": costs}


COSTS = ("learning_days", "people", "integration_weeks", "running_weeks", "money", "years", "week_rate")


class PostponeForm(forms.Form):
    until = Day()
    reason = forms.CharField(max_length=LONGEST_REASON, required=False)


class LookBackForm(forms.Form):
    verdict = forms.ChoiceField(choices=Decision.Verdict)
    text = Paragraphs()


class SupersedeForm(forms.Form):
    by = forms.CharField(max_length=20)


def criteria_in(text: str) -> list[dict[str, Any]]:
    """“Learning cost: 3” a line. Raises ValidationError."""
    found = [CRITERION.match(line.strip()) for line in text.splitlines() if line.strip()]
    if not all(found):
        raise forms.ValidationError("Write one criterion a line, with its weight: “Learning cost: 3”.")
    return [{"name": one[1], "weight": int(one[2])} for one in found if one]


def range_in(text: str) -> list[float]:
    """“5-10” or “5”; empty is nothing. Raises ValueError."""
    if not text.strip():
        return []
    found = RANGE.match(text.strip())
    if not found:
        raise ValueError(text)
    return [float(found[1]), float(found[2] or found[1])]


def scores_in(text: str) -> list[float]:
    """Raises ValueError."""
    return [float(word) for word in re.split(r"[,;\s]+", text.strip()) if word]


def initial_of(decision: Decision) -> dict[str, Any]:
    """The decision as the form shows it."""
    plain = {name: getattr(decision, name) for name in DecisionForm.base_fields}
    named = {
        name: plain[name].slug for name in ("capability", "team", "tool", "trigger_tool", "moves_from") if plain[name]
    }
    lines = "\n".join(f"{criterion['name']}: {criterion['weight']}" for criterion in decision.criteria)
    owner = decision.owner.username if decision.owner else ""
    return plain | named | {"criteria": lines, "owner": owner, "trigger_gap": decision.trigger_gap_id}


def initial_of_option(option: Option, criteria: list[dict[str, Any]]) -> dict[str, Any]:
    costs = {name: _typed(value) for name, value in option.costs.items()}
    scores = ", ".join(f"{option.scores[one['name']]:g}" for one in criteria if one["name"] in option.scores)
    plain = {"label": option.label, "chosen": option.chosen, "why": option.why, "scores": scores}
    return plain | costs | {"tool": option.tool.slug if option.tool else ""}


def _typed(value: Any) -> Any:
    return f"{value[0]:g}-{value[1]:g}" if isinstance(value, list) else value
