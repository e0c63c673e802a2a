"""What lists can be narrowed by: the same words in the address of a page and of the API."""

from __future__ import annotations

from datetime import date

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from apps.accounts import queries as accounts
from apps.catalog import queries
from apps.catalog.models import TOOL_SOURCING, Capability, Decision, Position, Ring, RingMove, Sourcing, Tool, Usage

LONGEST_SEARCH = 100
KNOWN_SHOWN = 12
RINGS = [*Ring.choices, ("none", "No position")]


def capability_choices() -> list[tuple[str, str]]:
    return list(Capability.objects.in_order().values_list("slug", "name"))


def team_choices() -> list[tuple[str, str]]:
    return list(accounts.teams().values_list("slug", "name"))


class ToolFilter(django_filters.FilterSet):
    """`?q=airflow&capability=orchestration&ring=adopt`; ring "none" finds tools without a position.

    `team` finds what a team uses now, `ecosystem` (exactly as written) what belongs together.
    """

    q = django_filters.CharFilter(method="search", label="Search", max_length=LONGEST_SEARCH)
    capability = django_filters.ChoiceFilter(
        field_name="capability__slug", choices=capability_choices, empty_label="All capabilities"
    )
    ring = django_filters.ChoiceFilter(method="in_ring", choices=RINGS, empty_label="Every ring")
    sourcing = django_filters.ChoiceFilter(choices=TOOL_SOURCING, empty_label="Every way")
    ecosystem = django_filters.CharFilter(field_name="ecosystem", max_length=64)
    team = django_filters.ChoiceFilter(method="used_by", choices=team_choices, empty_label="Every team")

    def search(self, tools: QuerySet[Tool], name: str, text: str) -> QuerySet[Tool]:
        """Every word somewhere in name, summary, ecosystem or capability."""
        for word in text.split():
            tools = tools.filter(
                Q(name__icontains=word)
                | Q(summary__icontains=word)
                | Q(ecosystem__icontains=word)
                | Q(capability__name__icontains=word)
            )
        return tools

    @extend_schema_field(OpenApiTypes.STR)
    def used_by(self, tools: QuerySet[Tool], name: str, team: str) -> QuerySet[Tool]:
        used = Usage.objects.live().filter(team__slug=team).values("tool")
        return tools.filter(pk__in=used)

    def in_ring(self, tools: QuerySet[Tool], name: str, ring: str) -> QuerySet[Tool]:
        return tools.filter(position__isnull=True) if ring == "none" else tools.filter(position__ring=ring)


class ToolPageFilter(ToolFilter):
    """The page's filter: what we have a position on, unless a ring is chosen; `rings` counts each of them.

    `known` are the first matches of a search that have no position.
    """

    rings: dict[str, int]
    known: QuerySet[Tool] | None = None

    def filter_queryset(self, tools: QuerySet[Tool]) -> QuerySet[Tool]:
        for name in ("q", "capability", "sourcing", "ecosystem", "team"):
            tools = self.filters[name].filter(tools, self.form.cleaned_data.get(name, ""))
        self.rings = queries.counts_by_ring(tools)
        ring = self.form.cleaned_data.get("ring")
        if self.form.cleaned_data.get("q") and not ring:
            self.known = tools.filter(position__isnull=True)[:KNOWN_SHOWN]
        return self.in_ring(tools, "ring", ring) if ring else tools.filter(position__isnull=False)

    @property
    def tabs(self) -> list[tuple[str, str, int]]:
        """(value in the address, words, count): what has a position, each ring of it, what has none."""
        placed = sum(count for ring, count in self.rings.items() if ring != "none")
        return [("", "With a position", placed), *((value, word, self.rings[value]) for value, word in RINGS)]


class RadarFilter(django_filters.FilterSet):
    """`?team=rides-eta&capability=serving&ring=trial&moved_since=2026-08-01`."""

    team = django_filters.ChoiceFilter(method="of_team", choices=team_choices, empty_label="The company")
    capability = django_filters.ChoiceFilter(
        field_name="tool__capability__slug", choices=capability_choices, empty_label="All capabilities"
    )
    ring = django_filters.ChoiceFilter(choices=Ring, empty_label="Every ring")
    moved_since = django_filters.DateFilter(method="moved", widget=forms.DateInput({"type": "date"}))

    @extend_schema_field(OpenApiTypes.STR)
    def of_team(self, found: QuerySet[Position], name: str, team: str) -> QuerySet[Position]:
        return queries.for_team(found, accounts.team(slug=team), actor=self.request.user)

    @extend_schema_field(OpenApiTypes.DATE)
    def moved(self, found: QuerySet[Position], name: str, day: date) -> QuerySet[Position]:
        """Only what has moved since; `moved_since` says which way."""
        return found.filter(tool__slug__in=[*queries.directions(since=day)])

    @property
    def moves_after(self) -> date | None:
        return self.form.cleaned_data.get("moved_since") if self.form.is_valid() else None


class DecisionFilter(django_filters.FilterSet):
    """`?q=drift&status=accepted&sourcing=postpone&capability=monitoring-drift`."""

    q = django_filters.CharFilter(method="search", label="Search", max_length=LONGEST_SEARCH)
    capability = django_filters.ChoiceFilter(
        field_name="capability__slug", choices=capability_choices, empty_label="All capabilities"
    )
    status = django_filters.ChoiceFilter(choices=Decision.Status, empty_label="Every status")
    sourcing = django_filters.ChoiceFilter(choices=Sourcing, empty_label="Every way")
    kind = django_filters.ChoiceFilter(choices=Decision.Kind, empty_label="Decisions and exceptions")

    def search(self, decisions: QuerySet[Decision], name: str, text: str) -> QuerySet[Decision]:
        """Every word somewhere in title, context, outcome or options."""
        for word in text.split():
            found = Q(title__icontains=word) | Q(context__icontains=word) | Q(outcome__icontains=word)
            found |= Q(capability__name__icontains=word)
            optional = Decision.objects.filter(options__label__icontains=word).values("pk")
            decisions = decisions.filter(found | Q(pk__in=optional))
        return decisions


class MoveFilter(django_filters.FilterSet):
    """`?status=proposed&tool=apache-airflow`."""

    status = django_filters.ChoiceFilter(choices=RingMove.Status)
    tool = django_filters.CharFilter(field_name="tool__slug", max_length=64)
