"""How an alias moves: once, by compare-and-set, together with its history and one audit event per city."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models.functions import Now

from apps.audit.actions import record_many
from apps.core.errors import Conflict
from apps.core.transitions import move
from apps.registry.actions.evaluations import ask_for
from apps.registry.events import Event
from apps.registry.models import Alias, AliasMove, ModelVersion, Promotion, Wave
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


def apply_wave(*, actor: User, wave: Wave, note: str = "") -> Wave:
    """Moves the aliases of all cities of which everything still holds; the others are superseded.

    The caller holds the family's lock and has asked for the permission.
    """
    related = ("candidate__model__family__team", "candidate__model__segment", "champion", "before", "evaluation")
    promotions = wave.promotions.filter(status=Promotion.Status.PROPOSED).select_related(*related)
    stale, standing = _sort_out(wave, list(promotions))
    _supersede(actor, stale)
    moves = [Move(promotion.before, promotion.candidate, promotion) for promotion in standing]
    _settle(standing)
    move_aliases(actor=actor, alias=wave.alias, moves=moves, kind=AliasMove.Kind.PROMOTION, reason=wave.reason)
    _evaluate_again(wave, stale)
    wave.promotions.filter(is_open=True).update(is_open=False)
    if standing:
        return move(wave, Wave.Status.APPLIED, closed_at=Now(), note=note, stage=1, stage_at=Now())
    return move(wave, Wave.Status.SUPERSEDED, closed_at=Now(), note=_summary(stale))


def move_aliases(*, actor: User, alias: str, moves: Sequence[Move], kind: str, reason: str) -> list[AliasMove]:
    """All or none: an alias that is not where it was seen raises Conflict."""
    for step in moves:
        _compare_and_set(alias, step)
    word = Event.PROMOTED if kind == AliasMove.Kind.PROMOTION else Event.ROLLED_BACK
    targets = [
        (step.after, {alias: step.before.label if step.before else ""}, {alias: step.after.label}) for step in moves
    ]
    record_many(actor=actor, action=word, targets=targets, note=reason)
    return AliasMove.objects.bulk_create(_history(actor, alias, step, kind, reason) for step in moves)


def _compare_and_set(alias: str, step: Move) -> None:
    if step.before is None:
        _, moved = Alias.objects.get_or_create(
            model_id=step.after.model_id, name=alias, defaults={"version": step.after}
        )
    else:
        still = Alias.objects.filter(model=step.after.model_id, name=alias, version=step.before)
        moved = bool(still.update(version=step.after))
    if not moved:
        raise Conflict(f"The {alias} of {step.after.model} has moved meanwhile. Reload and look again.")


def _history(actor: User, alias: str, step: Move, kind: str, reason: str) -> AliasMove:
    return AliasMove(
        model_id=step.after.model_id,
        name=alias,
        before=step.before,
        after=step.after,
        kind=kind,
        promotion=step.promotion,
        by=actor,
        reason=reason,
    )


def _sort_out(wave: Wave, promotions: Sequence[Promotion]) -> tuple[list[tuple[Promotion, str]], list[Promotion]]:
    """Those of which something has changed since they were judged, with the sentence what; and the others."""
    evidence = evidence_of(wave.family, wave.alias, [promotion.model_id for promotion in promotions], [])
    reasons = [(promotion, _change(evidence, promotion)) for promotion in promotions]
    return [(promotion, why) for promotion, why in reasons if why], [promotion for promotion, why in reasons if not why]


def _change(evidence: Evidence, promotion: Promotion) -> str:
    champion = rival_of(evidence, promotion.candidate)
    evaluation = promotion.evaluation
    if evaluation and binding_of(evidence, promotion.candidate, champion, evaluation) == promotion.binding:
        return ""
    if (champion and champion.pk) != promotion.champion_id:
        return f"{compared_with(promotion.champion)}, {champion_is(champion)}."
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
        move(promotion, Promotion.Status.SUPERSEDED, refusal=why)
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


def _evaluate_again(wave: Wave, stale: Iterable[tuple[Promotion, str]]) -> None:
    """Nobody has to remember it: as the proposer's request, against the champion of now."""
    window = newest_window(wave.family)
    candidates = [promotion.candidate for promotion, _ in stale]
    if window and candidates:
        ask_for(actor=wave.proposer, family=wave.family, candidates=candidates, window=window)


def _summary(stale: Sequence[tuple[Promotion, str]]) -> str:
    promotion, why = stale[0]
    more = f" {len(stale) - 1} more have changed, too." if len(stale) > 1 else ""
    return f"{promotion.candidate.model.segment}: {why}{more} It is evaluated again; propose it anew after that."
