"""How often it came out how, over everything: numbers without names, for whoever watches the portal."""

from django.db.models import Count, QuerySet

from apps.registry.models import GateResult, Promotion


def verdict_counts() -> QuerySet[GateResult, tuple[str, str, int]]:
    """(kind of gate, outcome, how often)."""
    return GateResult.objects.order_by().values_list("kind", "outcome").annotate(Count("pk"))


def promotion_counts() -> QuerySet[Promotion, tuple[str, int]]:
    """(status, how many)."""
    return Promotion.objects.order_by().values_list("status").annotate(Count("pk"))
