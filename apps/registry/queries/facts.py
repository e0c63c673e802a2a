"""What gates may look at, out of the rows. Pure: nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.registry.cards.fields import merged, required_fields
from apps.registry.gates import Against, Compared, Contents, Facts, Trained
from apps.registry.gates.contents import misfit
from apps.registry.models import ModelVersion
from apps.registry.signatures import contract, declared

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily
    from apps.registry.queries.contenders import Contender, Score


@dataclass(frozen=True)
class Schema:
    """What a version declares: its inputs with their types, and its answer; `fit` says how that suits its family."""

    inputs: Mapping[str, str]
    output: str
    fit: str


def schema_of(version: ModelVersion) -> Schema | None:
    """None where it declares no inputs."""
    signature = declared(version.signature)
    if signature is None:
        return None
    wanted = contract(version.model.family.serving_contract) if version.model.family else None
    fit = (misfit(signature, wanted) or "Fits the serving contract.") if wanted else "The family has no contract."
    return Schema(signature.inputs, signature.output, fit)


def facts_of(
    family: ModelFamily,
    candidate: ModelVersion | Contender,
    champion: Contender | None,
    evaluation: Score | None,
    why_not: str,
) -> Facts:
    """`why_not` says why the evaluation does not count; empty when it does."""
    return Facts(
        candidate=_trained(candidate, _contents(family, candidate)),
        champion=_trained(champion) if champion else None,
        compared=None if evaluation is None or why_not else _compared(evaluation),
        why_not=why_not,
        unit=family.unit,
        label_delay_days=family.label_delay_days,
        lower_is_better=family.direction == family.Direction.LOWER,
        tier=family.tier,
        baselines=tuple(family.baselines),
        contract=contract(family.serving_contract),
        card_fields=_asked(family),
    )


def rules_of(family: ModelFamily, candidate: ModelVersion | Contender) -> dict[str, Any]:
    """What of the family and of a changing card the verdicts hang on, beside the gates themselves."""
    return {
        "label_delay_days": family.label_delay_days,
        "direction": family.direction,
        "tier": family.tier,
        "baselines": family.baselines,
        "contract": family.serving_contract,
        "card": {name: name in merged(family.card, candidate.card) for name in _asked(family)},
    }


def _asked(family: ModelFamily) -> tuple[str, ...]:
    return required_fields(family.tier, family.card_fields)


def _trained(version: ModelVersion | Contender, contents: Contents | None = None) -> Trained:
    untrained = version.kind == ModelVersion.Kind.BASELINE
    return Trained(
        version.label,
        version.trained_through,
        untrained=untrained,
        contents=contents or Contents(),
        imported=version.kind == ModelVersion.Kind.IMPORTED,
    )


def _contents(family: ModelFamily, version: ModelVersion | Contender) -> Contents:
    return Contents(
        formats=version.formats,
        signature=declared(version.signature),
        card=merged(family.card, version.card),
        provenance=version.provenance,
        parameters=version.parameters,
    )


def _compared(done: Score) -> Compared:
    return Compared(
        first=done.window_first,
        last=done.window_last,
        rows=done.rows or 0,
        days=done.days or 0,
        difference=done.difference,
        lower=done.lower,
        upper=done.upper,
        metric=done.candidate_metric,
        baselines={name: Against(**numbers) for name, numbers in done.baselines.items()},
    )
