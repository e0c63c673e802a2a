"""What a proposal writes down: the frozen list of cities with their evidence, its stages, its digest, its question."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models.functions import Now

from apps.accounts.queries import people_behind
from apps.approvals.actions import open_approval
from apps.core.errors import Invalid
from apps.registry.gates import Verdict
from apps.registry.models import GateResult, ModelFamily, ModelVersion, Promotion, Wave
from apps.registry.queries.candidacies import Candidacy

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval

DAYS_OPEN = 7
MOST_SEGMENTS = 1_000
MOST_STAGES = 10
LONGEST_REASON = 2_000


@dataclass(frozen=True)
class Plan:
    """How a wave shall move: why, which alias, after how many cities it waits, and on which live value it goes on."""

    reason: str
    alias: str
    key: str = ""
    stages: tuple[int, ...] = ()
    live_limit: float | None = None


def check_plan(*, family: ModelFamily, versions: Sequence[ModelVersion], plan: Plan) -> None:
    """Raises Invalid with the field that is wrong."""
    if not plan.reason.strip():
        raise Invalid("Say why: the reason is what the approver and the history read.", field="reason")
    if len(plan.reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    if not 1 <= len(versions) <= MOST_SEGMENTS:
        raise Invalid(f"Choose between 1 and {MOST_SEGMENTS} versions.", field="versions")
    if plan.alias not in family.alias_names:
        known = ", ".join(family.alias_names)
        raise Invalid(f"{family} promotes to {known}, not to {plan.alias!r}.", field="alias")
    _check_versions(family, versions)
    _check_stages(plan)


def _check_versions(family: ModelFamily, versions: Sequence[ModelVersion]) -> None:
    for version in versions:
        if version.model.family_id != family.pk:
            raise Invalid(f"{version} is no version of {family}.", field="versions")
    if len({version.model_id for version in versions}) < len(versions):
        raise Invalid("Choose one version per segment: a champion is only one.", field="versions")


def _check_stages(plan: Plan) -> None:
    rising = all(later > earlier for earlier, later in zip((0, *plan.stages), plan.stages, strict=False))
    if not rising or len(plan.stages) > MOST_STAGES:
        raise Invalid(
            f"Stages are at most {MOST_STAGES} growing numbers of segments, such as 5, 50; the last is always all.",
            field="stages",
        )
    if plan.live_limit is not None and not (plan.stages and math.isfinite(plan.live_limit)):
        raise Invalid("A limit for live values is a number, and there are stages that wait for it.", field="live_limit")


def create_wave(*, actor: User, family: ModelFamily, found: Sequence[Candidacy[ModelVersion]], plan: Plan) -> Wave:
    """The wave of what is eligible, with its question where one is asked; the others are kept in it as refused."""
    eligible = _in_order([candidacy for candidacy in found if candidacy.eligible], plan)
    stages = _stages(plan, len(eligible))
    digest = _digest(family, plan, stages, eligible)
    approval = _ask(actor, family, plan, eligible, digest) if family.approvals_for(plan.alias) else None
    wave = Wave.objects.create(
        family=family,
        alias=plan.alias,
        reason=plan.reason.strip(),
        proposer=actor,
        segments=len(eligible),
        stages=stages,
        live_limit=plan.live_limit if stages else None,
        approval=approval,
        digest=digest,
        key=plan.key or None,
        expires_at=approval.expires_at if approval else Now() + timedelta(days=DAYS_OPEN),
    )
    _create_promotions(wave, eligible, [candidacy for candidacy in found if not candidacy.eligible])
    return Wave.objects.whole().get(pk=wave.pk)


def _in_order(eligible: list[Candidacy[ModelVersion]], plan: Plan) -> list[Candidacy[ModelVersion]]:
    """With stages, cities with the least traffic come first: a mistake costs least there."""
    return sorted(eligible, key=_traffic) if plan.stages else eligible


def _traffic(candidacy: Candidacy[ModelVersion]) -> tuple[int, str]:
    rows = candidacy.evaluation.rows if candidacy.evaluation else None
    return rows or 0, candidacy.candidate.model.name


def _stages(plan: Plan, cities: int) -> list[int]:
    """Those that leave something over, and all; none where the first would be all."""
    smaller = [stage for stage in plan.stages if stage < cities]
    return [*smaller, cities] if smaller else []


def _digest(family: ModelFamily, plan: Plan, stages: list[int], eligible: Sequence[Candidacy[ModelVersion]]) -> str:
    """What an approver says yes to: the bindings of all cities, the reason, and how it moves."""
    content: list[object] = [family.slug, plan.alias, plan.reason.strip(), stages, plan.live_limit]
    content.append(sorted(candidacy.binding for candidacy in eligible))
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _ask(
    actor: User, family: ModelFamily, plan: Plan, eligible: Sequence[Candidacy[ModelVersion]], digest: str
) -> Approval:
    cities = eligible[0].candidate.model.its_segment.name if len(eligible) == 1 else f"{len(eligible)} segments"
    return open_approval(
        actor=actor,
        title=f"Make {cities} of {family} {plan.alias}",
        digest=digest,
        team=family.team,
        needed=family.approvals_for(plan.alias),
        excluded=_authors(actor, [candidacy.candidate for candidacy in eligible]),
        approvers=list(family.approvers.all()),
        days=DAYS_OPEN,
    )


def _authors(proposer: User, versions: Sequence[ModelVersion]) -> set[User]:
    """Who may not approve: the proposer, who made the versions, and whom their runs ran as.

    Behind a service account that did any of it stands its team: nobody there is a second pair of eyes.
    """
    accounts = {proposer} | {version.created_by for version in versions}
    accounts |= {version.run.user for version in versions if version.run}
    return set().union(*map(people_behind, accounts))


def _create_promotions(
    wave: Wave, eligible: Sequence[Candidacy[ModelVersion]], others: Sequence[Candidacy[ModelVersion]]
) -> None:
    """Each city with the evidence it was judged by, and each gate's verdict as it was said."""
    bounds = wave.stages or [len(eligible)]
    rows = [
        _promotion(wave, candidacy, stage=_stage_of(position, bounds)) for position, candidacy in enumerate(eligible)
    ]
    rows += [_promotion(wave, candidacy, stage=1) for candidacy in others]
    stored = Promotion.objects.bulk_create(rows)
    GateResult.objects.bulk_create(
        _gate_result(promotion, verdict)
        for promotion, candidacy in zip(stored, [*eligible, *others], strict=True)
        for verdict in candidacy.verdicts
    )


def _stage_of(position: int, bounds: Sequence[int]) -> int:
    return 1 + sum(position >= bound for bound in bounds)


def _promotion(wave: Wave, candidacy: Candidacy[ModelVersion], *, stage: int) -> Promotion:
    return Promotion(
        wave=wave,
        model_id=candidacy.candidate.model_id,
        alias=wave.alias,
        candidate=candidacy.candidate,
        champion_id=candidacy.champion and candidacy.champion.pk,
        before_id=candidacy.before and candidacy.before.pk,
        evaluation_id=candidacy.evaluation and candidacy.evaluation.pk,
        status=Promotion.Status.PROPOSED if candidacy.eligible else Promotion.Status.REFUSED,
        is_open=candidacy.eligible,
        stage=stage,
        binding=candidacy.binding,
        refusal=candidacy.refusal,
    )


def _gate_result(promotion: Promotion, verdict: Verdict) -> GateResult:
    return GateResult(
        promotion=promotion,
        kind=verdict.kind,
        outcome=verdict.outcome,
        sentence=verdict.sentence,
        numbers=dict(verdict.numbers),
    )
