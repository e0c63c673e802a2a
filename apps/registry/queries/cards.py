"""The card of a version and of a family, out of people's words and the record; and who wrote on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from apps.audit.queries import timeline
from apps.registry.cards import (
    Card,
    Facts,
    Performance,
    Slice,
    composed,
    digest_of,
    required_fields,
)
from apps.registry.events import Event
from apps.registry.models import Evaluation, ModelFamily, ModelVersion
from apps.registry.queries.comparisons import newest_done
from apps.registry.queries.data import origin_of_version
from apps.registry.queries.facts import schema_of
from apps.registry.queries.standings import standings
from apps.registry.queries.windows import newest_window
from apps.registry.side_by_side import own_interval

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.audit.models import EventQuerySet
    from apps.registry.queries.standings import Standing
    from apps.tracking.queries import Origin

CLASSIFYING = frozenset({"auc", "accuracy", "f1", "precision", "recall", "log_loss", "logloss", "brier"})
LIBRARIES = {"skops": "sklearn", "ubj": "xgboost", "safetensors": "safetensors", "onnx": "onnx"}
"""Hugging Face's names of what reads a format."""
LONGEST, FEATURES = 300, "features"


def card_of(*, actor: User, version: ModelVersion) -> Card:
    """Of a version of a family: its own words, its family's, and what run, files and newest evaluation say."""
    family = version.model.its_family
    origin = origin_of_version(actor=actor, version=version)
    evaluation = newest_done([version.pk]).get(version.pk)
    return composed(
        _facts(version, family, origin, evaluation),
        of_version=version.card,
        of_family=family.card,
        required=required_fields(family.tier, family.card_fields),
        digest=digest_of(version.card),
    )


def family_card(family: ModelFamily) -> Card:
    """What is true of all its versions; its metric is the mean over champions on the newest month, each a slice."""
    return composed(
        _family_facts(family),
        of_version={},
        of_family=family.card,
        required=required_fields(family.tier, family.card_fields),
        digest=digest_of(family.card),
    )


def card_history(target: ModelVersion | ModelFamily) -> EventQuerySet:
    """Who wrote on it, the newest first."""
    return timeline(target).filter(action=Event.CARD_FILLED)


def _facts(version: ModelVersion, family: ModelFamily, origin: Origin | None, evaluation: Evaluation | None) -> Facts:
    schema = schema_of(version)
    contract = family.serving_contract or {}
    parameters = version.parameters or version.reported_params
    return Facts(
        name=f"{family.name} · {version.model.its_segment} {version.label}",
        model=version.model.name,
        overview=version.description or family.description,
        owners=_owners(family),
        version=version.label,
        made_on=version.created_at.date(),
        digest=version.digest,
        references=_references(version, origin),
        architecture=_architecture(version),
        library=next((LIBRARIES[kind] for kind in version.formats.values() if kind in LIBRARIES), ""),
        parameters={name: _plain(value) for name, value in parameters.items()},
        training_data=_trained(version),
        datasets=tuple(data.name for data in origin.datasets) if origin else (),
        inputs=schema.inputs if schema else contract.get("inputs") or _features(parameters),
        output=schema.output if schema else contract.get("output", ""),
        tags=(family.slug, version.model.its_segment.slug, *filter(None, [version.pipeline])),
        performance=_measured(family, version, evaluation) if evaluation else None,
    )


def _features(parameters: Mapping[str, Any]) -> Mapping[str, str]:
    """Columns by name, without types: what a plan calls `features`, where nothing declares more."""
    named = parameters.get(FEATURES)
    return {str(name): "" for name in named} if isinstance(named, list) else {}


def _plain(value: Any) -> str:
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return words[:LONGEST]


def _owners(family: ModelFamily) -> tuple[str, ...]:
    return (str(family.team), *(f"{person} (on call)" for person in family.on_call.all()))


def _references(version: ModelVersion, origin: Origin | None) -> tuple[str, ...]:
    run = f"run {origin.run} in {origin.experiment}" if origin else version.run_link
    commit = version.provenance.get("commit") or (origin.commit if origin else "")
    return tuple(filter(None, [run, f"commit {commit}" if commit else "", version.source]))


def _architecture(version: ModelVersion) -> str:
    if version.kind == ModelVersion.Kind.BASELINE:
        return "A baseline: computed, not trained."
    formats = sorted(set(version.formats.values()))
    made = f"Made by the pipeline {version.pipeline}" if version.pipeline else ""
    kept = f"kept as {', '.join(formats)}" if formats else ""
    return f"{', '.join(filter(None, [made, kept]))}." if made or kept else ""


def _trained(version: ModelVersion) -> str:
    if version.trained_through is None:
        return ""
    first = f"{version.trained_from:%-d %b %Y} – " if version.trained_from else "through "
    digest = version.provenance.get("data_digest", "")
    return f"{first}{version.trained_through:%-d %b %Y}" + (f", data `{str(digest)[:19]}`" if digest else "")


def _measured(family: ModelFamily, version: ModelVersion, done: Evaluation) -> Performance:
    """Bounds of its own metric come from the errors by day, as those of the difference do."""
    daily = Evaluation.objects.values_list("daily", flat=True).get(pk=done.pk)
    sums = [{"day": day["day"], "rows": day["rows"], "sum": day["candidate"]} for day in daily]
    own = own_interval(sums) if sums else None
    place = str(version.model.its_segment)
    difference = None
    if done.difference is not None:
        difference = Slice(place, done.difference, done.lower, done.upper)
    return Performance(
        metric=family.metric,
        unit=family.unit,
        evaluator=done.evaluator,
        first=done.window_first,
        last=done.window_last,
        rows=done.rows or 0,
        days=done.days or 0,
        digest=done.data_digest,
        own=Slice(place, done.candidate_metric or 0.0, own.lower if own else None, own.upper if own else None),
        champion=done.champion.label if done.champion else "",
        difference=difference,
        baseline_name=next(iter(done.baselines), ""),
        baseline=done.baseline_metric,
        classifies=family.metric.lower() in CLASSIFYING,
    )


def _family_facts(family: ModelFamily) -> Facts:
    contract = family.serving_contract or {}
    return Facts(
        name=family.name,
        model=family.slug,
        overview=family.description,
        owners=_owners(family),
        version="one for each segment",
        references=(),
        architecture=f"A model for each {str(family.dimension).lower()}." if family.has_dimension else "",
        inputs=contract.get("inputs", {}),
        output=contract.get("output", ""),
        tags=(family.slug,),
        performance=_over_champions(family),
    )


def _over_champions(family: ModelFamily) -> Performance | None:
    window = newest_window(family)
    known = [(slug, one) for slug, one in standings(family).items() if one.newest is not None]
    if window is None or not known:
        return None
    return Performance(
        metric=family.metric,
        unit=family.unit,
        evaluator=family.evaluator,
        first=window.first,
        last=window.last,
        rows=0,
        days=0,
        digest="",
        own=Slice(f"the mean of {len(known)} champions", fmean(one.newest or 0.0 for _, one in known)),
        classifies=family.metric.lower() in CLASSIFYING,
        others=tuple(Slice(slug, one.newest or 0.0) for slug, one in known),
        baseline_name=next(iter(family.baselines), ""),
        baseline=_baseline([one for _, one in known]),
        worse=sum((one.against_baseline or 0) > 0 for _, one in known),
    )


def _baseline(known: Sequence[Standing]) -> float | None:
    """The mean over the champions that the metric is the mean of; None where one of them has no baseline."""
    values = [one.baseline for one in known if one.baseline is not None]
    return fmean(values) if len(values) == len(known) else None
