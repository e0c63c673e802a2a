"""Shapes of a family's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts import queries as accounts
from apps.core.errors import Missing
from apps.registry import evaluators
from apps.registry.forms.fields import Aliases, Inputs, Names, People, Phrases
from apps.registry.models import ModelFamily, ProtectedAlias
from apps.registry.models.family import CHAMPION
from apps.registry.signatures import TYPES

if TYPE_CHECKING:
    from apps.accounts.models import Team

NO_EVALUATOR = ("", "None yet: nothing can be evaluated")
NO_CONTRACT = ("", "No contract yet")
TIERS = (
    (1, "1: a mistake is costly; one approval"),
    (2, "2: important; one approval"),
    (3, "3: useful; applied at once"),
    (4, "4: an experiment; applied at once"),
)


class FamilyForm(forms.Form):
    """What can be changed of a family, as in the API; the action checks what only it knows."""

    name = forms.CharField(max_length=100, help_text="As people call it, such as Trip ETA.")
    description = forms.CharField(
        max_length=20_000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text="What it predicts, and who uses that.",
    )
    visibility = forms.ChoiceField(
        choices=(("everyone", "Everybody who is signed in"), ("teams", "Only the owner team and its approvers")),
        label="Who sees it",
        help_text="Its versions, runs and history follow.",
    )
    metric = forms.CharField(max_length=64, help_text="The one that decides, such as mae.")
    unit = forms.CharField(max_length=32, required=False, help_text="Of the metric, such as min.")
    direction = forms.ChoiceField(choices=ModelFamily.Direction)
    evaluator = forms.ChoiceField(
        required=False,
        help_text="Scores candidate, champion and baseline on identical rows. A platform admin adds evaluators.",
    )
    baselines = Names(required=False)
    label_delay_days = forms.IntegerField(
        min_value=0,
        max_value=365,
        label="Label delay, days",
        help_text="How long after a day its true values are known. Training ends that much before an evaluation.",
    )
    labelled_until = forms.DateField(
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text="The newest day with labels. Ages and the newest month count from it.",
    )
    freshness_days = forms.IntegerField(
        min_value=1,
        max_value=3_650,
        label="Stale after, days",
        help_text="A champion trained longer than this before the newest labels is shown as stale.",
    )
    tier = forms.TypedChoiceField(choices=TIERS, coerce=int, help_text="How much care a promotion needs.")
    approvals_needed = forms.IntegerField(
        min_value=0, max_value=5, required=False, label="Approvals", help_text="Empty: as the tier says."
    )
    approvers = People(
        required=False,
        help_text="Usernames. They approve beside the leads of the owner team; never what they made themselves.",
    )
    on_call = People(
        required=False,
        label="On call",
        help_text="Usernames. At night each of them can roll back and freeze, alone; they approve nothing.",
    )
    protected_aliases = Aliases(
        help_text="In order, such as staging, champion. They move only by promotion or rollback, and a version "
        "reaches each only from the one before it. staging:0 needs no approval, champion:2 needs two."
    )
    card_fields = Phrases(
        required=False,
        label="Fields of the card",
        help_text="What each version has to say of itself, with commas between, such as use, limits, known failures.",
    )
    serving_contract = Inputs(
        required=False,
        max_length=200_000,
        widget=forms.Textarea(
            {"rows": 6, "class": "mono", "spellcheck": "false", "placeholder": "distance_mi: double\nhour: long"}
        ),
        label="Inputs that serving has",
        help_text="A line for each: its name and its type. A version that asks for another input is not promoted.",
    )
    output = forms.ChoiceField(
        required=False,
        choices=(NO_CONTRACT, *((kind, kind) for kind in TYPES)),
        label="Type of the answer",
        help_text="What callers expect of every version.",
    )
    fallback_order = Names(
        required=False,
        label="Fallback order",
        help_text="Where resolve looks when a segment has no champion, in order: region, global, or a slug.",
    )
    resolve_cache_seconds = forms.IntegerField(
        min_value=0,
        max_value=86_400,
        label="Kept by callers, seconds",
        help_text="How long serving may keep an answer of resolve before it asks again.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name, name) for name in evaluators.names()]
        self.fields["evaluator"].choices = [NO_EVALUATOR, *known]  # type: ignore[attr-defined]
        self.fields["baselines"].help_text = f"What candidates are held against; pages show the first. {_computed()}"

    def clean(self) -> dict[str, Any]:
        """Inputs and output are one setting; half a contract is none."""
        found = self.cleaned_data
        inputs, output = found.get("serving_contract"), found.pop("output", "")
        if inputs is not None:
            found["serving_contract"] = {"inputs": inputs, "output": output} if inputs or output else None
        if output and inputs == {}:
            self.add_error("serving_contract", "Name at least one input, or choose no type for the answer.")
        if inputs and not output:
            self.add_error("output", "Choose the type that callers expect, or name no inputs.")
        return found


class NewFamilyForm(FamilyForm):
    """What is chosen once comes first: it stands in addresses and in the names of models."""

    slug = forms.SlugField(
        max_length=64, help_text="Stands in addresses and model names, such as eta-trip. It can not be changed later."
    )
    team = forms.ChoiceField(label="Owner team", help_text="Its members retrain and propose, its leads approve.")
    dimension = forms.SlugField(
        max_length=64,
        required=False,
        widget=forms.TextInput({"list": "dimensions"}),
        help_text="What its segments are, such as city. Empty: one model for all. It can not be changed later.",
    )
    labelled_until = None  # type: ignore[assignment]  # a lead notes it when the first labels arrive

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = [(team.slug, team.name) for team in accounts.teams()]
        self.fields["team"].choices = [("", "Choose a team"), *teams]  # type: ignore[attr-defined]

    def clean_team(self) -> Team:
        return accounts.team(slug=self.cleaned_data["team"])


class OwnerForm(forms.Form):
    """Which team a family goes to, and why."""

    team = forms.SlugField(max_length=64, label="New owner team", widget=forms.Select)
    reason = forms.CharField(
        max_length=2_000, widget=forms.Textarea({"rows": 3}), help_text="Both teams read it in the family’s activity."
    )

    def __init__(self, *args: Any, owner: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = [(team.slug, team.name) for team in accounts.teams() if team != owner]
        self.fields["team"].widget.choices = [("", "Choose a team"), *others]  # type: ignore[attr-defined]

    def clean_team(self) -> Team:
        try:
            return accounts.team(slug=self.cleaned_data["team"])
        except Missing as error:
            raise forms.ValidationError(error.message) from error


def settings_of(family: ModelFamily) -> dict[str, Any]:
    """A family as its form shows it; one that is not saved yet has the defaults."""
    elsewhere = ("approvers", "on_call", "protected_aliases", "serving_contract", "output")
    found = {name: getattr(family, name) for name in FamilyForm.base_fields if name not in elsewhere}
    contract = family.serving_contract or {"inputs": {}, "output": ""}
    found |= {"serving_contract": contract["inputs"], "output": contract["output"]}
    if not family.pk:
        return found | {"approvers": [], "on_call": [], "protected_aliases": [CHAMPION]}
    people = {role: sorted(one.username for one in getattr(family, role).all()) for role in ("approvers", "on_call")}
    return found | people | {"protected_aliases": [_words_of(alias) for alias in family.protected_aliases.all()]}


def _words_of(alias: ProtectedAlias) -> str:
    return alias.name if alias.approvals_needed is None else f"{alias.name}:{alias.approvals_needed}"


def _computed() -> str:
    """Which baselines each evaluator offers, as a sentence."""
    offers = ((name, evaluators.evaluator(name).baselines) for name in evaluators.names())
    words = "; ".join(f"{name}: {', '.join(baselines)}" for name, baselines in offers if baselines)
    return f"By evaluator: {words}." if words else ""
