"""Which versions could be promoted now, on which evidence, and what the gates say: a constant number of queries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from apps.registry.gates import GateSpec, Verdict, day, gates_for, judge, objections
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Promotion
from apps.registry.models.family import CHAMPION
from apps.registry.queries.contenders import Contender, Score, champions, scores
from apps.registry.queries.facts import facts_of, rules_of
from apps.registry.queries.windows import Window, newest_window

NO_LABELS = "The family has no month with labels yet, so nothing can be evaluated."

Version = TypeVar("Version", bound=ModelVersion | Contender)


@dataclass(frozen=True)
class Candidacy(Generic[Version]):
    """A version that somebody would promote. `refusal` says why not; empty means that it may be proposed.

    It is compared with the `champion`; what the alias points to now is `before`, the same where it is the champion's.
    """

    candidate: Version
    champion: Contender | None
    before: Contender | None
    evaluation: Score | None
    verdicts: tuple[Verdict, ...]
    refusal: str
    counts: bool  # the evaluation is of this champion, on the newest month
    evidence: Evidence

    @property
    def eligible(self) -> bool:
        return not self.refusal

    @cached_property
    def binding(self) -> str:
        """See `binding_of`; empty without an evaluation that counts."""
        if self.evaluation is None or not self.counts:
            return ""
        return binding_of(self.evidence, self.candidate, self.champion, self.evaluation)


@dataclass(frozen=True)
class Evidence:
    """What is known now about some models of a family: champions, evaluations, open promotions, gates."""

    family: ModelFamily
    alias: str
    window: Window | None
    gates: tuple[GateSpec, ...]
    champions: dict[int, Contender]  # by model: what serves, which a candidate is compared with
    holders: dict[int, Contender]  # by model: what the alias points to
    earlier: str  # the alias that comes before this one in the family's order; empty for the first
    earlier_holders: dict[int, Contender]  # by model
    evaluations: dict[int, list[Score]]  # by candidate, the newest first
    open_waves: dict[int, int]  # wave by model


def candidacies(
    family: ModelFamily, versions: Sequence[ModelVersion], alias: str = CHAMPION
) -> list[Candidacy[ModelVersion]]:
    """Each version against the champion of now on the newest month, judged by the gates of now."""
    evidence = evidence_of(family, alias, [v.model_id for v in versions], [v.pk for v in versions])
    return [candidacy(evidence, version) for version in versions]


def evidence_of(
    family: ModelFamily,
    alias: str,
    models: Iterable[int],
    candidates: Iterable[int],
    *,
    with_champions: bool = False,
) -> Evidence:
    """`with_champions` also has the evaluations of what the alias points to, which competes with nobody."""
    models, earlier = set(models), alias_before(family, alias)
    serving = champions(models, CHAMPION)
    holders = serving if alias == CHAMPION else champions(models, alias)
    own = {version.pk for version in holders.values()} if with_champions else set()
    return Evidence(
        family=family,
        alias=alias,
        window=newest_window(family),
        gates=gate_specs(family, alias),
        champions=serving,
        holders=holders,
        earlier=earlier,
        earlier_holders=champions(models, earlier) if earlier else {},
        evaluations=scores({*candidates, *own}),
        open_waves=_open_waves(models),
    )


def candidacy(evidence: Evidence, version: Version) -> Candidacy[Version]:
    champion, before = rival_of(evidence, version), evidence.holders.get(version.model_id)
    evaluation, why_not = _comparison(evidence, version, champion)
    facts = facts_of(evidence.family, version, champion, evaluation, why_not)
    verdicts = tuple(judge(facts, evidence.gates))
    refusal = _refusal(evidence, version, why_not) or objections(verdicts)
    return Candidacy(version, champion, before, evaluation, verdicts, refusal, not why_not, evidence)


def binding_of(
    evidence: Evidence,
    candidate: ModelVersion | Contender,
    champion: Contender | None,
    evaluation: Evaluation | Score,
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


def rival_of(evidence: Evidence, version: ModelVersion | Contender) -> Contender | None:
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


def out_of_order(evidence: Evidence, version: ModelVersion | Contender) -> str:
    """The sentence why this version is not yet where this alias begins; empty when it is."""
    holder = evidence.earlier_holders.get(version.model_id)
    if not evidence.earlier or (holder and holder.pk == version.pk):
        return ""
    now = f"that is {holder.label}" if holder else "nothing is yet"
    return f"{version.label} is not the {evidence.earlier} ({now}): promote it to {evidence.earlier} first."


def gate_specs(family: ModelFamily, alias: str = CHAMPION) -> tuple[GateSpec, ...]:
    """The gates that guard the alias, in order."""
    return gates_for(all_gates(family), alias)


def all_gates(family: ModelFamily) -> tuple[GateSpec, ...]:
    """Of every alias, as they are edited."""
    return tuple(GateSpec(gate.kind, gate.settings, gate.alias) for gate in family.gates.all())


def _open_waves(models: Collection[int]) -> dict[int, int]:
    """Whatever the alias: a segment is in at most one open wave."""
    return dict(Promotion.objects.filter(model__among=models, is_open=True).values_list("model_id", "wave_id"))


def _comparison(
    evidence: Evidence, version: ModelVersion | Contender, champion: Contender | None
) -> tuple[Score | None, str]:
    """The evaluation to show, and why it does not count (empty when it does)."""
    if evidence.window is None:
        return None, NO_LABELS
    known = evidence.evaluations.get(version.pk, [])
    against = [row for row in known if row.champion_id == (champion and champion.pk)]
    newest = [row for row in against if row.window == evidence.window]
    done = next((row for row in newest if row.status == Evaluation.Status.DONE), None)
    if done:
        return done, ""
    if newest:
        return newest[0], _unfinished(newest[0])
    return (known[0], _outdated(known[0], champion, against)) if known else (None, "It has not been evaluated yet.")


def _unfinished(evaluation: Score) -> str:
    if evaluation.status == Evaluation.Status.FAILED:
        return f"Its evaluation failed: {evaluation.reason}"
    return "Its evaluation is not finished yet; look again in a moment."


def _outdated(evaluation: Score, champion: Contender | None, against: Sequence[Score]) -> str:
    if against:
        return f"It was evaluated through {day(against[0].window_last)}, and there are newer labels: evaluate it again."
    return f"{compared_with(evaluation.champion__number)}, {champion_is(champion)}: evaluate it again."


def compared_with(number: int | None) -> str:
    """`number` is that of the champion of then."""
    return f"It was evaluated against v{number}" if number else "It was evaluated without a champion"


def champion_is(champion: ModelVersion | Contender | None) -> str:
    return f"the champion is {champion.label}" if champion else "there is no champion now"


def _refusal(evidence: Evidence, version: ModelVersion | Contender, why_not: str) -> str:
    before = evidence.holders.get(version.model_id)
    if version.status != ModelVersion.Status.READY:
        return f"{version.label} is not ready."
    if version.is_gone:
        return f"{version.label} was deleted."
    if version.lost_its_files:
        return f"The files of {version.label} were removed by the family's rule of retention: train it again."
    if before and before.pk == version.pk:
        return f"{version.label} is the {evidence.alias} already."
    if wave := evidence.open_waves.get(version.model_id):
        return f"It is part of promotion #{wave}, which is still open."
    return out_of_order(evidence, version) or why_not
