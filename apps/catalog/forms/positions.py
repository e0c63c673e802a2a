"""Shapes of the catalog's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q

from apps.accounts import queries as accounts
from apps.catalog import queries
from apps.catalog.models import LONGEST_TEXT, Decision, Position, Ring, Tool

if TYPE_CHECKING:
    from apps.accounts.models import User

NOBODY = ("", "—")
LONGEST_REASON = 500
RECOMMENDED = (Ring.ADOPT, Ring.TRIAL)
OWN_WORDS = ("ring", "reason", "revision", "experts")


class Paragraphs(forms.CharField):
    """Markdown in a box of a few lines."""

    def __init__(self, *, rows: int = 4, required: bool = False, **options: Any) -> None:
        widget = forms.Textarea({"rows": rows})
        super().__init__(max_length=LONGEST_TEXT, required=required, widget=widget, **options)


class ToolName(forms.CharField):
    """A tool's slug, suggested while it is typed by the page's list of names."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput({"list": "tool-names", "autocomplete": "off"})
        super().__init__(max_length=64, required=False, widget=widget, **options)


class Day(forms.DateField):
    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), **options)


class ViewpointForm(forms.Form):
    """What one can think of a tool. Names are usernames, slugs and labels, as in the API."""

    when_to_use = Paragraphs(label="Use it for", help_text="Markdown. Needed to adopt.")
    when_not = Paragraphs(label="Not for", help_text="Markdown. Needed for a tool on hold.")
    owner = forms.CharField(
        max_length=150, required=False, help_text="Username of the person who answers questions. Needed to adopt."
    )
    team = forms.ChoiceField(required=False, label="Supported by")
    support = forms.CharField(max_length=200, required=False, label="Where to ask", help_text="A channel, for example.")
    getting_started = Paragraphs(label="Get started", help_text="Markdown: the first steps. Needed to adopt.")
    instead = forms.ChoiceField(required=False, label="Use instead", help_text="Needed for a tool on hold.")
    decision = forms.ChoiceField(required=False, label="Decision behind it", help_text="Needed to adopt.")
    next_review = Day(required=False)

    def __init__(self, *args: Any, actor: User, tool: Tool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose(self, "team", [(team.slug, team.name) for team in accounts.teams()])
        choose(self, "instead", _alternatives(actor, tool))
        choose(self, "decision", [(found.label, str(found)) for found in _decisions(actor)])


class PositionForm(ViewpointForm):
    """What an editor changes; the ring moves by a proposal."""

    experts = forms.CharField(
        required=False, max_length=500, help_text="Usernames, apart by commas: whom else one can ask."
    )
    revision = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def clean_experts(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["experts"].split(",") if name.strip()]


class MoveForm(ViewpointForm):
    """A proposal to the board: another ring, and what we would then say about the tool."""

    ring = forms.ChoiceField(choices=Ring)
    reason = forms.CharField(
        max_length=LONGEST_REASON, label="Why it moves", help_text="The board, and everybody who uses it, reads this."
    )


class AcceptForm(forms.Form):
    """A yes; a note is welcome. `digest` is of what the voter looked at."""

    note = forms.CharField(max_length=LONGEST_REASON, required=False)
    digest = forms.CharField(max_length=64, required=False)


class ReasonForm(forms.Form):
    """Why something is sent back, refused or closed; without one the action itself says what to write."""

    reason = forms.CharField(max_length=LONGEST_REASON, required=False)


class ReviewForm(forms.Form):
    next_review = Day()


class EditionForm(forms.Form):
    name = forms.SlugField(max_length=32)


def choose(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """The field's choices, with nothing as the first."""
    form.fields[name].choices = [NOBODY, *choices]  # type: ignore[attr-defined]


def initial(tool: Tool) -> dict[str, Any]:
    """The position as the form shows it; empty for a tool without one."""
    position = getattr(tool, "position", None)
    if position is None:
        return {}
    plain = {name: getattr(position, name) for name in (*ViewpointForm.base_fields, "ring", "revision")}
    return plain | {
        "owner": position.owner and position.owner.username,
        "team": position.team and position.team.slug,
        "instead": position.instead and position.instead.slug,
        "decision": position.decision and position.decision.label,
        "experts": ", ".join(expert.username for expert in position.experts.all()),
    }


def _alternatives(actor: User, tool: Tool) -> list[tuple[str, str]]:
    """Tools to recommend in its place, and the one that is already named."""
    offered = queries.tools(actor=actor).exclude(pk=tool.pk)
    named = Position.objects.filter(tool=tool).values("instead")
    offered = offered.filter(Q(position__ring__in=RECOMMENDED) | Q(pk__in=named))
    return [(found.slug, f"{found.name} ({found.capability})") for found in offered]


def _decisions(actor: User) -> list[Decision]:
    return list(queries.decisions(actor=actor).exclude(status=Decision.Status.DRAFT))
