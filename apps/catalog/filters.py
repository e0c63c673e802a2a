"""What lists can be narrowed by: the same words in the address of a page and of the API."""

from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from apps.catalog import queries
from apps.catalog.models import Capability, Decision, Position, Sourcing, Tool

LONGEST_SEARCH = 100
RINGS = [*Position.Ring.choices, ("none", "No position")]


def capability_choices() -> list[tuple[str, str]]:
    return list(Capability.objects.in_order().values_list("slug", "name"))


class ToolFilter(django_filters.FilterSet):
    """`?q=airflow&capability=orchestration&ring=adopt`; ring "none" finds tools without a position."""

    q = django_filters.CharFilter(method="search", label="Search", max_length=LONGEST_SEARCH)
    capability = django_filters.ChoiceFilter(
        field_name="capability__slug", choices=capability_choices, empty_label="All capabilities"
    )
    ring = django_filters.ChoiceFilter(method="in_ring", choices=RINGS, empty_label="Every ring")

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

    def in_ring(self, tools: QuerySet[Tool], name: str, ring: str) -> QuerySet[Tool]:
        return tools.filter(position__isnull=True) if ring == "none" else tools.filter(position__ring=ring)


class ToolPageFilter(ToolFilter):
    """The page's filter: what we have a position on, unless a ring is chosen; `rings` counts each of them."""

    rings: dict[str, int]

    def filter_queryset(self, tools: QuerySet[Tool]) -> QuerySet[Tool]:
        for name in ("q", "capability"):
            tools = self.filters[name].filter(tools, self.form.cleaned_data.get(name, ""))
        self.rings = queries.counts_by_ring(tools)
        ring = self.form.cleaned_data.get("ring")
        return self.in_ring(tools, "ring", ring) if ring else tools.filter(position__isnull=False)

    @property
    def tabs(self) -> list[tuple[str, str, int]]:
        """(value in the address, words, count): what has a position, each ring of it, what has none."""
        placed = sum(count for ring, count in self.rings.items() if ring != "none")
        return [("", "With a position", placed), *((value, word, self.rings[value]) for value, word in RINGS)]


class DecisionFilter(django_filters.FilterSet):
    """`?q=drift&status=accepted&sourcing=postpone&capability=monitoring-drift`."""

    q = django_filters.CharFilter(method="search", label="Search", max_length=LONGEST_SEARCH)
    capability = django_filters.ChoiceFilter(
        field_name="capability__slug", choices=capability_choices, empty_label="All capabilities"
    )
    status = django_filters.ChoiceFilter(choices=Decision.Status, empty_label="Every status")
    sourcing = django_filters.ChoiceFilter(choices=Sourcing, empty_label="Every way")

    def search(self, decisions: QuerySet[Decision], name: str, text: str) -> QuerySet[Decision]:
        """Every word somewhere in title, context, outcome or options."""
        for word in text.split():
            found = Q(title__icontains=word) | Q(context__icontains=word) | Q(outcome__icontains=word)
            optional = Decision.objects.filter(options__label__icontains=word).values("pk")
            decisions = decisions.filter(found | Q(pk__in=optional))
        return decisions
