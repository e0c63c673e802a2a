"""Which versions could be promoted now, on which evidence, and what the gates say: a constant number of queries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.registry.gates import GateSpec, Verdict, day, gates_for, judge, objections
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Promotion, RegisteredModel
from apps.registry.models.family import CHAMPION
from apps.registry.queries.facts import facts_of, rules_of
from apps.registry.queries.windows import Window, newest_window

NO_LABELS = "The family has no month with labels yet, so nothing can be evaluated."


@dataclass(frozen=True)
class Candidacy:
    """A version that somebody would promote. `refusal` says why not; empty means that it may be proposed.

    It is compared with the `champion`; what the alias points to now is `before`, the same where it is the champion's.
    """

    candidate: ModelVersion
    champion: ModelVersion | None
    before: ModelVersion | None
    evaluation: Evaluation | None
    verdicts: tuple[Verdict, ...]
    refusal: str
    binding: str

    @property
    def eligible(self) -> bool:
        return not self.refusal


@dataclass(frozen=True)
class Evidence:
    """What is known now about some models of a family: champions, evaluations, open promotions, gates."""

    family: ModelFamily
    alias: str
    window: Window | None
    gates: tuple[GateSpec, ...]
    champions: dict[int, ModelVersion]  # by model: what serves, which a candidate is compared with
    holders: dict[int, ModelVersion]  # by model: what the alias points to
    earlier: str  # the alias that comes before this one in the family's order; empty for the first
    earlier_holders: dict[int, ModelVersion]  # by model
    evaluations: dict[int, list[Evaluation]]  # by candidate, the newest first
    open_waves: dict[int, int]  # wave by model


def candidacies(family: ModelFamily, versions: Sequence[ModelVersion], alias: str = CHAMPION) -> list[Candidacy]:
    """Each version against the champion of now on the newest month, judged by the gates of now."""
    evidence = evidence_of(family, alias, [v.model_id for v in versions], [v.pk for v in versions])
    return [candidacy(evidence, version) for version in versions]


def evidence_of(
    family: ModelFamily,
    alias: str,
    models: Iterable[int],
    candidates: Iterable[int],
    *,
    known: Mapping[int, RegisteredModel] | None = None,
    with_champions: bool = False,
) -> Evidence:
    """`known` are models that were read already, by id; `with_champions` also has the evaluations of what the alias
    points to, which competes with nobody.
    """
    models, earlier = list(models), alias_before(family, alias)
    serving = champions(models, CHAMPION, known)
    holders = serving if alias == CHAMPION else champions(models, alias, known)
    own = [version.pk for version in holders.values()] if with_champions else []
    return Evidence(
        family=family,
        alias=alias,
        window=newest_window(family),
        gates=gate_specs(family, alias),
        champions=serving,
        holders=holders,
        earlier=earlier,
        earlier_holders=champions(models, earlier, known) if earlier else {},
        evaluations=_evaluations([*candidates, *own], serving.values()),
        open_waves=_open_waves(models),
    )


def candidacy(evidence: Evidence, version: ModelVersion) -> Candidacy:
    champion, before = rival_of(evidence, version), evidence.holders.get(version.model_id)
    evaluation, why_not = _comparison(evidence, version, champion)
    facts = facts_of(evidence.family, version, champion, evaluation, why_not)
    verdicts = tuple(judge(facts, evidence.gates))
    refusal = _refusal(evidence, version, why_not) or objections(verdicts)
    binding = binding_of(evidence, version, champion, evaluation) if evaluation and not why_not else ""
    return Candidacy(version, champion, before, evaluation, verdicts, refusal, binding)


def binding_of(
    evidence: Evidence, candidate: ModelVersion, champion: ModelVersion | None, evaluation: Evaluation
) -> str:
    """Hex sha256 of all that a decision looks at; if anything of it is another, so is this."""
    looked_at: dict[str, Any] = {
        "alias": evidence.alias,
        "candidate": [candidate.pk, candidate.digest],
        "champion": champion and [champion.pk, champion.digest],
        "evaluation": [evaluation.pk, evaluation.evaluator_version, evaluation.data_digest],
        "gates": [[gate.kind, dict(gate.settings)] for gate in evidence.gates],
        "rules": rules_of(evidence.family, candidate),
    } | _order_of(evidence, candidate.model_id)
    return hashlib.sha256(json.dumps(looked_at, sort_keys=True).encode()).hexdigest()


def is_gone(version: ModelVersion) -> bool:
    """Deleted, or of a deleted model."""
    return version.deleted_at is not None or version.model.deleted_at is not None


def rival_of(evidence: Evidence, version: ModelVersion) -> ModelVersion | None:
    """The champion that a version competes with; None for the first one, and for the champion itself."""
    champion = evidence.champions.get(version.model_id)
    return None if champion and champion.pk == version.pk else champion


def _order_of(evidence: Evidence, model: int) -> dict[str, Any]:
    """Where the candidate stands in the order of aliases; nothing for a family that has only its champion."""
    if evidence.alias == CHAMPION and not evidence.earlier:
        return {}
    before, earlier = evidence.holders.get(model), evidence.earlier_holders.get(model)
    return {"before": before and before.pk, "earlier": [evidence.earlier, earlier and earlier.pk]}


def alias_before(family: ModelFamily, alias: str) -> str:
    """The alias that a version holds before it may get this one; empty for the first of the order."""
    names = family.alias_names
    position = names.index(alias) if alias in names else 0
    return names[position - 1] if position else ""


def out_of_order(evidence: Evidence, version: ModelVersion) -> str:
    """The sentence why this version is not yet where this alias begins; empty when it is."""
    holder = evidence.earlier_holders.get(version.model_id)
    if not evidence.earlier or (holder and holder.pk == version.pk):
        return ""
    now = f"that is {holder.label}" if holder else "nothing is yet"
    return f"{version.label} is not the {evidence.earlier} ({now}): promote it to {evidence.earlier} first."


def champions(
    models: Iterable[int], alias: str = CHAMPION, known: Mapping[int, RegisteredModel] | None = None
) -> dict[int, ModelVersion]:
    """The version behind the alias, by model; the models themselves are read unless they are `known`, by id."""
    found = ModelVersion.objects.filter(aliases__name=alias, aliases__model__in=list(models)).order_by()
    if known is None:
        return {version.model_id: version for version in found.select_related("model__segment")}
    versions = {version.model_id: version for version in found}
    for version in versions.values():
        version.model = known[version.model_id]
    return versions


def gate_specs(family: ModelFamily, alias: str = CHAMPION) -> tuple[GateSpec, ...]:
    """The gates that guard the alias, in order."""
    return gates_for(all_gates(family), alias)


def all_gates(family: ModelFamily) -> tuple[GateSpec, ...]:
    """Of every alias, as they are edited."""
    return tuple(GateSpec(gate.kind, gate.settings, gate.alias) for gate in family.gates.all())


def _evaluations(candidates: Iterable[int], champions: Iterable[ModelVersion]) -> dict[int, list[Evaluation]]:
    """By candidate; the champions of now stand in for what would be read of each of them once more."""
    found: dict[int, list[Evaluation]] = {}
    of_them = Evaluation.objects.of_one_model().filter(candidate__in=list(candidates))
    rows = list(of_them.defer("daily").order_by("-id"))
    known = {version.pk: version for version in champions}
    former = {row.champion_id for row in rows if row.champion_id} - known.keys()
    if former:
        known |= ModelVersion.objects.in_bulk(former)
    for row in rows:
        row.champion = known[row.champion_id] if row.champion_id else None
        found.setdefault(row.candidate_id, []).append(row)
    return found


def _open_waves(models: Iterable[int]) -> dict[int, int]:
    """Whatever the alias: a segment is in at most one open wave."""
    return dict(Promotion.objects.filter(model__in=list(models), is_open=True).values_list("model_id", "wave_id"))


def _comparison(
    evidence: Evidence, version: ModelVersion, champion: ModelVersion | None
) -> tuple[Evaluation | None, str]:
    """The evaluation to show, and why it does not count (empty when it does)."""
    if evidence.window is None:
        return None, NO_LABELS
    known = evidence.evaluations.get(version.pk, [])
    against = [row for row in known if row.champion_id == (champion and champion.pk)]
    newest = [row for row in against if (row.window_first, row.window_last) == evidence.window]
    done = next((row for row in newest if row.status == Evaluation.Status.DONE), None)
    if done:
        return done, ""
    if newest:
        return newest[0], _unfinished(newest[0])
    return (known[0], _outdated(known[0], champion, against)) if known else (None, "It has not been evaluated yet.")


def _unfinished(evaluation: Evaluation) -> str:
    if evaluation.status == Evaluation.Status.FAILED:
        return f"Its evaluation failed: {evaluation.reason}"
    return "Its evaluation is not finished yet; look again in a moment."


def _outdated(evaluation: Evaluation, champion: ModelVersion | None, against: Sequence[Evaluation]) -> str:
    if against:
        return f"It was evaluated through {day(against[0].window_last)}, and there are newer labels: evaluate it again."
    return f"{compared_with(evaluation.champion)}, {champion_is(champion)}: evaluate it again."


def compared_with(champion: ModelVersion | None) -> str:
    return f"It was evaluated against {champion.label}" if champion else "It was evaluated without a champion"


def champion_is(champion: ModelVersion | None) -> str:
    return f"the champion is {champion.label}" if champion else "there is no champion now"


def _refusal(evidence: Evidence, version: ModelVersion, why_not: str) -> str:
    before = evidence.holders.get(version.model_id)
    if version.status != ModelVersion.Status.READY:
        return f"{version.label} is not ready."
    if is_gone(version):
        return f"{version.label} was deleted."
    if before and before.pk == version.pk:
        return f"{version.label} is the {evidence.alias} already."
    if wave := evidence.open_waves.get(version.model_id):
        return f"It is part of promotion #{wave}, which is still open."
    return out_of_order(evidence, version) or why_not
