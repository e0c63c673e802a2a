"""Shapes of the catalog's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q

from apps.accounts import queries as accounts
from apps.catalog import queries
from apps.catalog.models import LONGEST_TEXT, Decision, Position, Tool

if TYPE_CHECKING:
    from apps.accounts.models import User

NOBODY = ("", "—")
LONGEST_REASON = 500
RECOMMENDED = (Position.Ring.ADOPT, Position.Ring.TRIAL)


class Paragraphs(forms.CharField):
    """Markdown in a box of a few lines."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_TEXT, required=False, widget=forms.Textarea({"rows": 4}), **options)


class PositionForm(forms.Form):
    """What the company thinks of a tool. Names are usernames, slugs and labels, as in the API."""

    ring = forms.ChoiceField(choices=Position.Ring)
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        required=False,
        label="Why it moves",
        help_text="Needed when the ring changes; kept in the history.",
    )
    when_to_use = Paragraphs(label="Use it for", help_text="Markdown.")
    when_not = Paragraphs(label="Not for", help_text="Markdown. Needed for a tool on hold.")
    owner = forms.CharField(
        max_length=150, required=False, help_text="Username of the person who answers questions. Needed to adopt."
    )
    team = forms.ChoiceField(required=False, label="Supported by")
    support = forms.CharField(max_length=200, required=False, label="Where to ask", help_text="A channel, for example.")
    getting_started = Paragraphs(label="Get started", help_text="Markdown: the first steps, with links.")
    instead = forms.ChoiceField(required=False, label="Use instead", help_text="For a tool on hold or retired.")
    decision = forms.ChoiceField(required=False, label="Decision behind it")
    next_review = forms.DateField(required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    revision = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, actor: User, tool: Tool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("team", [(team.slug, team.name) for team in accounts.teams()])
        self._choose("instead", _alternatives(actor, tool))
        self._choose("decision", [(found.label, str(found)) for found in _decisions(actor, tool)])

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = [NOBODY, *choices]  # type: ignore[attr-defined]


class AcceptForm(forms.Form):
    """A yes; a note is welcome."""

    note = forms.CharField(max_length=LONGEST_REASON, required=False)


class ReasonForm(forms.Form):
    """Why a decision is sent back or closed; without one the action itself says what to write."""

    reason = forms.CharField(max_length=LONGEST_REASON, required=False)


def initial(tool: Tool) -> dict[str, Any]:
    """The position as the form shows it; empty for a tool without one."""
    position = getattr(tool, "position", None)
    if position is None:
        return {}
    plain = {name: getattr(position, name) for name in PositionForm.base_fields if hasattr(position, name)}
    return plain | {
        "owner": position.owner and position.owner.username,
        "team": position.team and position.team.slug,
        "instead": position.instead and position.instead.slug,
        "decision": position.decision and position.decision.label,
    }


def _alternatives(actor: User, tool: Tool) -> list[tuple[str, str]]:
    """Tools to recommend in its place, and the one that is already named."""
    offered = queries.tools(actor=actor).exclude(pk=tool.pk)
    named = Position.objects.filter(tool=tool).values("instead")
    offered = offered.filter(Q(position__ring__in=RECOMMENDED) | Q(pk__in=named))
    return [(found.slug, f"{found.name} ({found.capability})") for found in offered]


def _decisions(actor: User, tool: Tool) -> list[Decision]:
    return list(queries.decisions(actor=actor).exclude(status=Decision.Status.DRAFT))
