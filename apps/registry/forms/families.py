"""Shapes of a family's settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts import queries as accounts
from apps.core.errors import Missing
from apps.registry import evaluators
from apps.registry.actions import AliasSpec
from apps.registry.models import ModelFamily, ProtectedAlias
from apps.registry.models.family import CHAMPION

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

NO_EVALUATOR = ("", "None yet: nothing can be evaluated")
TIERS = (
    (1, "1: a mistake is costly; one approval"),
    (2, "2: important; one approval"),
    (3, "3: useful; applied at once"),
    (4, "4: an experiment; applied at once"),
)
WORDS = re.compile(r"[\s,;]+")


class Names(forms.CharField):
    """Words between commas, spaces or lines, each once, as a list."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return list(dict.fromkeys(word for word in WORDS.split(text) if word))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class People(Names):
    """Usernames, as users."""

    def clean(self, value: Any) -> list[User]:
        return [_somebody(name) for name in super().clean(value)]


class Aliases(Names):
    """Names in their order, as aliases; `staging:2` asks for two approvals of its own."""

    def clean(self, value: Any) -> list[AliasSpec]:
        return [_alias(word) for word in super().clean(value)]


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
    protected_aliases = Aliases(
        help_text="In order, such as staging, champion. They move only by promotion or rollback, and a version "
        "reaches each only from the one before it. staging:0 needs no approval, champion:2 needs two."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name, name) for name in evaluators.names()]
        self.fields["evaluator"].choices = [NO_EVALUATOR, *known]  # type: ignore[attr-defined]


class NewFamilyForm(FamilyForm):
    """What is chosen once comes first: it stands in addresses and in the names of models."""

    slug = forms.SlugField(
        max_length=64, help_text="Stands in addresses and model names, such as eta-trip. It can not be changed later."
    )
    team = forms.ChoiceField(label="Owner team", help_text="Its members retrain and propose, its leads approve.")
    dimension = forms.SlugField(
        max_length=64,
        widget=forms.TextInput({"list": "dimensions"}),
        help_text="What its segments are, such as city. It can not be changed later.",
    )
    labelled_until = None  # type: ignore[assignment]  # a lead notes it when the first labels arrive

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        teams = [(team.slug, team.name) for team in accounts.teams()]
        self.fields["team"].choices = [("", "Choose a team"), *teams]  # type: ignore[attr-defined]

    def clean_team(self) -> Team:
        return accounts.team(slug=self.cleaned_data["team"])


def settings_of(family: ModelFamily) -> dict[str, Any]:
    """A family as its form shows it; one that is not saved yet has the defaults."""
    elsewhere = ("approvers", "protected_aliases")
    found = {name: getattr(family, name) for name in FamilyForm.base_fields if name not in elsewhere}
    people = family.approvers.all() if family.pk else []
    aliases = [_words_of(alias) for alias in family.protected_aliases.all()] if family.pk else [CHAMPION]
    return found | {"approvers": sorted(person.username for person in people), "protected_aliases": aliases}


def _words_of(alias: ProtectedAlias) -> str:
    return alias.name if alias.approvals_needed is None else f"{alias.name}:{alias.approvals_needed}"


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
