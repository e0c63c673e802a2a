"""How an alias moves: once, by compare-and-set, together with its history and one audit event per city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from apps.audit.actions import record_many
from apps.core.errors import Conflict
from apps.core.transitions import move
from apps.registry import evaluators
from apps.registry.actions.evaluations import ask_for
from apps.registry.actions.snapshots import want_snapshot
from apps.registry.events import Event
from apps.registry.models import AliasMove, ModelFamily, ModelVersion, Promotion, Rollback, Wave
from apps.registry.queries.candidacies import (
    Evidence,
    binding_of,
    champion_is,
    compared_with,
    evidence_of,
    out_of_order,
    rival_of,
)
from apps.registry.queries.windows import newest_window

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class Move:
    """An alias that shall go from one version (None: it points nowhere yet) to another."""

    before: ModelVersion | None
    after: ModelVersion
    promotion: Promotion | None = None

    @property
    def seen(self) -> str:
        return self.before.label if self.before else ""


def apply_stage(*, actor: User, wave: Wave, note: str = "") -> Wave:
    """Moves the aliases of the wave's next stage; cities of which something has changed are superseded, whatever stage.

    The caller holds the family's lock, has asked for the permission and for a freeze.
    """
    stale, standing = _sort_out(wave, list(_proposed(wave)))
    _supersede(actor, stale)
    number = min((promotion.stage for promotion in standing), default=wave.last_stage)
    now = [promotion for promotion in standing if promotion.stage == number]
    moves = [Move(promotion.before, promotion.candidate, promotion) for promotion in now]
    _settle(now)
    move_aliases(actor=actor, alias=wave.alias, moves=moves, kind=AliasMove.Kind.PROMOTION, reason=wave.reason)
    evaluate_anew(actor=wave.proposer, family=wave.family, versions=[promotion.candidate for promotion, _ in stale])
    if len(now) < len(standing):
        return move(wave, Wave.Status.RUNNING, guard={"stage": wave.stage}, stage=number, stage_at=Now(), note=note)
    return _finish(wave, stale, note)


def _proposed(wave: Wave) -> QuerySet[Promotion]:
    related = ("candidate__model__family__team", "candidate__model__segment", "champion", "before", "evaluation")
    found = wave.promotions.filter(status=Promotion.Status.PROPOSED).select_related(*related)
    return found.defer("evaluation__daily").order_by("id")


def _finish(wave: Wave, stale: Sequence[tuple[Promotion, str]], note: str) -> Wave:
    """Applied if anything of it has moved; the last of its cities are free for other waves."""
    wave.promotions.filter(is_open=True).update(is_open=False)
    if wave.promotions.filter(status=Promotion.Status.APPLIED).exists():
        changes = {"closed_at": Now(), "stage_at": Now(), "stage": wave.last_stage, "note": note or wave.note}
        return move(wave, Wave.Status.APPLIED, guard={"stage": wave.stage}, **changes)
    return move(wave, Wave.Status.SUPERSEDED, closed_at=Now(), note=_summary(stale))


def evaluate_anew(*, actor: User, family: ModelFamily, versions: Sequence[ModelVersion]) -> int:
    """Nobody has to remember it: evaluations against the champions of now; answers how many are to be made."""
    window, versions = newest_window(family), [version for version in versions if not version.is_gone]
    if not (window and versions and family.evaluator in evaluators.names()):
        return 0
    return ask_for(actor=actor, family=family, candidates=versions, window=window)[1]


def move_aliases(
    *,
    actor: User,
    alias: str,
    moves: Sequence[Move],
    kind: str,
    reason: str,
    rollback: Rollback | None = None,
) -> list[AliasMove]:
    """All or none, in a constant number of statements: an alias that is not where it was seen raises Conflict."""
    _compare_and_set(alias, moves)
    word = Event.PROMOTED if kind == AliasMove.Kind.PROMOTION else Event.ROLLED_BACK
    record_many(
        actor=actor,
        action=word,
        targets=[
            (step.after, {alias: step.seen}, {alias: step.after.label, **step.after.alias_mark}) for step in moves
        ],
        note=reason,
    )
    for family in {step.after.model.its_family for step in moves}:
        want_snapshot(family=family)
    history = [_history(actor, alias, step, kind, reason, rollback) for step in moves]
    return AliasMove.objects.bulk_create(history)


def _compare_and_set(alias: str, moves: Sequence[Move]) -> None:
    """One UPDATE for what is moved and one INSERT for what is new; whoever was faster is named."""
    moved = {step.after.model_id: step for step in moves}
    changed = _update(alias, [step for step in moves if step.before]) | _insert(alias, moves)
    for model, step in moved.items():
        if model not in changed:
            raise Conflict(f"The {alias} of {step.after.model} has moved meanwhile. Reload and look again.")


def _update(alias: str, moves: Sequence[Move]) -> set[int]:
    models = [step.after.model_id for step in moves]
    before, after = [step.before and step.before.pk for step in moves], [step.after.pk for step in moves]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_alias alias SET version_id = step.after"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS step(model, before, after)"
            " WHERE alias.model_id = step.model AND alias.name = %s AND alias.version_id = step.before"
            " RETURNING alias.model_id",
            [models, before, after, alias],
        )
        return {row[0] for row in cursor.fetchall()}


def _insert(alias: str, moves: Sequence[Move]) -> set[int]:
    """Those that pointed nowhere; one that does meanwhile is not touched, and not answered."""
    new = [step for step in moves if step.before is None]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_alias (model_id, name, version_id)"
            " SELECT step.model, %s, step.after FROM unnest(%s::bigint[], %s::bigint[]) AS step(model, after)"
            " ON CONFLICT DO NOTHING RETURNING model_id",
            [alias, [step.after.model_id for step in new], [step.after.pk for step in new]],
        )
        return {row[0] for row in cursor.fetchall()}


def _history(actor: User, alias: str, step: Move, kind: str, reason: str, rollback: Rollback | None) -> AliasMove:
    return AliasMove(
        model_id=step.after.model_id,
        name=alias,
        before=step.before,
        after=step.after,
        kind=kind,
        promotion=step.promotion,
        rollback=rollback,
        by=actor,
        reason=reason,
    )


def _sort_out(wave: Wave, promotions: Sequence[Promotion]) -> tuple[list[tuple[Promotion, str]], list[Promotion]]:
    """Those of which something has changed since they were judged, with the sentence what; and the others."""
    evidence = evidence_of(wave.family, wave.alias, [promotion.model_id for promotion in promotions], [])
    reasons = [(promotion, _change(evidence, promotion)) for promotion in promotions]
    return [(promotion, why) for promotion, why in reasons if why], [promotion for promotion, why in reasons if not why]


def _change(evidence: Evidence, promotion: Promotion) -> str:
    if promotion.candidate.is_gone:
        return f"{promotion.candidate.label} was deleted."
    champion = rival_of(evidence, promotion.candidate)
    evaluation = promotion.evaluation
    if evaluation and binding_of(evidence, promotion.candidate, champion, evaluation) == promotion.binding:
        return ""
    if (champion and champion.pk) != promotion.champion_id:
        return f"{compared_with(promotion.champion.number if promotion.champion else None)}, {champion_is(champion)}."
    return out_of_order(evidence, promotion.candidate) or _moved(evidence, promotion) or _other_rules(evidence)


def _moved(evidence: Evidence, promotion: Promotion) -> str:
    now, was = evidence.holders.get(promotion.model_id), promotion.before
    if (now and now.pk) == (was and was.pk):
        return ""
    return f"The {evidence.alias} was {was.label if was else 'nothing'}, it is {now.label if now else 'nothing'} now."


def _other_rules(evidence: Evidence) -> str:
    return f"The gates of {evidence.family} have changed since it was proposed."


def _supersede(actor: User, stale: Sequence[tuple[Promotion, str]]) -> None:
    for promotion, why in stale:
        promotion.status, promotion.refusal, promotion.is_open = Promotion.Status.SUPERSEDED, why, False
    Promotion.objects.bulk_update([promotion for promotion, _ in stale], ["status", "refusal", "is_open"])
    record_many(
        actor=actor,
        action=Event.SUPERSEDED,
        targets=[(promotion, {}, {"why": why}) for promotion, why in stale],
    )


def _settle(standing: Sequence[Promotion]) -> None:
    """One UPDATE for all cities; one that somebody else has closed stops the wave."""
    still = Promotion.objects.filter(pk__in=[promotion.pk for promotion in standing], status=Promotion.Status.PROPOSED)
    if still.update(status=Promotion.Status.APPLIED) < len(standing):
        raise Conflict("Some of these promotions were closed meanwhile. Reload and look again.")


def _summary(stale: Sequence[tuple[Promotion, str]]) -> str:
    promotion, why = stale[0]
    more = f" {len(stale) - 1} more have changed, too." if len(stale) > 1 else ""
    return f"{promotion.candidate.model.segment}: {why}{more} It is evaluated again; propose it anew after that."
