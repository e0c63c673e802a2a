"""What a family's settings may be, with a sentence for each that may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from django.core.exceptions import ValidationError

from apps.core.errors import Conflict, Invalid
from apps.registry import evaluators
from apps.registry.models import ModelFamily
from apps.registry.signatures import TYPES

EDITABLE = (
    "name",
    "description",
    "tier",
    "metric",
    "unit",
    "direction",
    "evaluator",
    "baselines",
    "label_delay_days",
    "freshness_days",
    "serving_contract",
    "fallback_order",
    "resolve_cache_seconds",
    "card_fields",
    "visibility",
    "approvals_needed",
)
MOST_APPROVALS = 5
MOST_NAMES = 30
MOST_INPUTS = 500
LONGEST_INPUT = 250
LONGEST_CACHE_SECONDS = 86_400
LONGEST_DELAY_DAYS, LONGEST_FRESHNESS_DAYS = 365, 3_650
PLACES = ("region", "global")
"""Where resolve may look beside the segments that are named by their slug."""


def check_settings(family: ModelFamily) -> None:
    """Raises Invalid with a sentence per field."""
    errors = _field_errors(family)
    for name, check in CHECKS.items():
        if name not in errors and (sentence := next(check(family), "")):
            errors[name] = sentence
    if errors:
        raise Invalid(f"Some settings need another value: {' '.join(errors.values())}", errors=errors)


def _field_errors(family: ModelFamily) -> dict[str, str]:
    try:
        family.clean_fields(exclude=["team", "created_by", "dimension", "baselines", "fallback_order", "card_fields"])
    except ValidationError as error:
        return {name: " ".join(sentences) for name, sentences in error.message_dict.items()}
    return {}


def _tier(family: ModelFamily) -> Iterator[str]:
    if not 1 <= (family.tier or 0) <= 4:
        yield "A tier is a number from 1 (most important) to 4."


def _approvals(family: ModelFamily) -> Iterator[str]:
    if (family.approvals_needed or 0) > MOST_APPROVALS:
        yield f"At most {MOST_APPROVALS} people approve one promotion."


def _evaluator(family: ModelFamily) -> Iterator[str]:
    if family.evaluator and family.evaluator not in evaluators.names():
        yield f"There is no such evaluator; choose from {', '.join(evaluators.names()) or 'none'}."


def _baselines(family: ModelFamily) -> Iterator[str]:
    yield from _names(family.baselines, "baselines")
    unknown = [name for name in family.baselines if name not in known_baselines(family)]
    if unknown:
        known = ", ".join(known_baselines(family)) or "none"
        yield f"The evaluator {family.evaluator!r} computes no baseline {unknown[0]!r}; it has {known}."


def known_baselines(family: ModelFamily) -> tuple[str, ...]:
    """Which the family's evaluator computes; none without an evaluator."""
    try:
        return evaluators.evaluator(family.evaluator).baselines
    except Conflict:
        return ()


def _label_delay(family: ModelFamily) -> Iterator[str]:
    if not 0 <= family.label_delay_days <= LONGEST_DELAY_DAYS:
        yield f"A label delay is a number of days from 0 to {LONGEST_DELAY_DAYS}."


def _freshness(family: ModelFamily) -> Iterator[str]:
    if not 1 <= family.freshness_days <= LONGEST_FRESHNESS_DAYS:
        yield f"A freshness target is a number of days from 1 to {LONGEST_FRESHNESS_DAYS:,}."


def _contract(family: ModelFamily) -> Iterator[str]:
    declared = family.serving_contract
    if declared is None:
        return
    inputs = declared.get("inputs") if isinstance(declared, Mapping) else None
    if not isinstance(inputs, Mapping) or not 1 <= len(inputs) <= MOST_INPUTS or set(declared) != {"inputs", "output"}:
        yield f'A contract is {{"inputs": {{name: type}}, "output": type}} with 1 to {MOST_INPUTS} inputs.'
        return
    for name, kind in (*inputs.items(), ("the output", declared["output"])):
        if not _is_name(name, LONGEST_INPUT):
            yield f"An input's name has 1 to {LONGEST_INPUT} printable characters."
        if kind not in TYPES:
            yield f"{name} has no type of MLflow's: choose from {', '.join(TYPES)}."


def _fallback(family: ModelFamily) -> Iterator[str]:
    yield from _names(family.fallback_order, "places")
    segments = set(family.dimension.segments.values_list("slug", flat=True)) if family.dimension_id else set()
    unknown = [name for name in family.fallback_order if name not in PLACES and name not in segments]
    if unknown:
        yield f"There is no segment {unknown[0]!r} to fall back to; name region, global, or a segment's slug."


def _cache(family: ModelFamily) -> Iterator[str]:
    if not 0 <= family.resolve_cache_seconds <= LONGEST_CACHE_SECONDS:
        yield f"An answer of resolve may be kept from 0 to {LONGEST_CACHE_SECONDS:,} seconds."


def _card(family: ModelFamily) -> Iterator[str]:
    yield from _names(family.card_fields, "fields of the card")


def _names(names: Sequence[str], what: str) -> Iterator[str]:
    if len(names) > MOST_NAMES:
        yield f"At most {MOST_NAMES} {what} can be named."
    if len(set(names)) < len(names):
        yield f"Name each of the {what} once."
    if not all(_is_name(name, 64) for name in names):
        yield f"The {what} have names of 1 to 64 printable characters."


def _is_name(name: object, longest: int) -> bool:
    return isinstance(name, str) and 1 <= len(name.strip()) <= longest and name.isprintable()


CHECKS: dict[str, Callable[[ModelFamily], Iterator[str]]] = {
    "tier": _tier,
    "approvals_needed": _approvals,
    "evaluator": _evaluator,
    "baselines": _baselines,
    "label_delay_days": _label_delay,
    "freshness_days": _freshness,
    "serving_contract": _contract,
    "fallback_order": _fallback,
    "resolve_cache_seconds": _cache,
    "card_fields": _card,
}
