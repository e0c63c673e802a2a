"""Verbs of promotions: one wave of one city or two hundred, bound to what was evaluated, decided by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.queries import leads_of
from apps.approvals.actions import close, vote
from apps.audit.actions import record
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.core.transitions import move
from apps.registry.actions.applying import apply_stage, evaluate_anew
from apps.registry.actions.freezes import refuse_while_frozen
from apps.registry.actions.proposals import DAYS_OPEN, Plan, check_plan, create_wave
from apps.registry.events import Event
from apps.registry.models import ModelFamily, ModelVersion, Promotion, Wave
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import Candidacy, candidacies

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval

SHOWN_REFUSALS = 10


class Refused(Conflict):
    """Nothing can be promoted; `errors` says why, by model, and `unevaluated` are those that lack an evaluation."""

    def __init__(self, message: str, *, errors: dict[str, str], unevaluated: Sequence[ModelVersion] = ()) -> None:
        super().__init__(message)
        self.errors = errors
        self.unevaluated = unevaluated


def propose(
    *,
    actor: User,
    family: ModelFamily,
    versions: Sequence[ModelVersion],
    reason: str,
    alias: str = CHAMPION,
    key: str = "",
    stages: Sequence[int] = (),
    live_limit: float | None = None,
) -> Wave:
    """A wave of all versions that pass the gates; the others are kept in it as refused, each with its sentence.

    Without approvals its first stage (without `stages`: all of it) moves at once. The same `key` of the same person
    answers the same wave. What lacks an evaluation against the champion of now is evaluated. Raises Refused when none
    passes, Conflict while the family is frozen or another wave of several segments is open, Invalid for a wrong
    request.
    """
    plan = Plan(reason, alias, key, tuple(stages), live_limit)
    try:
        return _propose(actor=actor, family=family, versions=versions, plan=plan)
    except Refused as refusal:
        # After the rollback: the proposal is gone, and what was missing for it is made.
        if evaluate_anew(actor=actor, family=family, versions=refusal.unevaluated):
            refusal.message += " It is being evaluated now; propose it again when that is done."
        raise


@transaction.atomic
def _propose(*, actor: User, family: ModelFamily, versions: Sequence[ModelVersion], plan: Plan) -> Wave:
    require(actor, "registry.propose", family)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    check_plan(family=family, versions=versions, plan=plan)
    if plan.key and (known := _proposed_before(actor, family, plan.key, versions)):
        return known
    refuse_while_frozen(family=family)
    found = candidacies(family, _loaded(versions), plan.alias)
    eligible = [candidacy for candidacy in found if candidacy.eligible]
    _refuse_if_none(found, eligible)
    _refuse_second_wave(family, eligible)
    _refuse_worse_sum(eligible)
    wave = create_wave(actor=actor, family=family, found=found, plan=plan)
    record(actor=actor, action=Event.WAVE_PROPOSED, target=wave, after=_words_of(eligible), note=wave.reason)
    evaluate_anew(actor=actor, family=family, versions=_unevaluated(found))
    return wave if wave.approval else apply_stage(actor=actor, wave=wave)


def approve(*, actor: User, wave: Wave, digest: str, note: str = "") -> Wave:
    """One person's yes to exactly what `digest` names; the last yes that is needed moves the first stage (or all).

    Raises Denied for authors, Conflict for a wave that is closed, while the family is frozen, and for a wave of which
    nothing holds any more: then it is superseded and its candidates are evaluated again.
    """
    with transaction.atomic():
        wave = _locked(wave)
        require(actor, "registry.approve", wave)
        refuse_while_frozen(family=wave.family)
        approval = vote(actor=actor, approval=_open_question(wave), digest=digest, verdict="yes", reason=note)
        record(actor=actor, action=Event.WAVE_APPROVED, target=wave, note=note)
        if approval.status == approval.Status.APPROVED:
            wave = apply_stage(actor=actor, wave=wave, note=note)
    # After the commit: that it was superseded is kept, and whoever approved must hear that nothing moved.
    if wave.status == Wave.Status.SUPERSEDED:
        raise Refused(f"Nothing was promoted: {wave.note}", errors=_refusals_of(wave))
    return wave


@transaction.atomic
def reject(*, actor: User, wave: Wave, digest: str, reason: str) -> Wave:
    """One no closes the wave. Raises Denied for authors, Invalid without a reason, Conflict when it is closed."""
    wave = _locked(wave)
    require(actor, "registry.approve", wave)
    vote(actor=actor, approval=_open_question(wave), digest=digest, verdict="no", reason=reason)
    wave = _close(wave, Wave.Status.REJECTED, note=reason.strip())
    record(actor=actor, action=Event.WAVE_REJECTED, target=wave, note=wave.note)
    return wave


@transaction.atomic
def withdraw(*, actor: User, wave: Wave, reason: str = "") -> Wave:
    """Takes a proposal back, or stops a wave that is under way: what has moved stays. Raises Conflict when closed."""
    wave = _locked(wave)
    require(actor, "registry.withdraw", wave)
    if wave.status != Wave.Status.RUNNING:
        approval = _open_question(wave)
        close(actor=actor, approval=approval, status=approval.Status.WITHDRAWN)
    wave = _close(wave, Wave.Status.WITHDRAWN, note=reason.strip())
    record(actor=actor, action=Event.WAVE_WITHDRAWN, target=wave, note=wave.note)
    return wave


def expire_waves(*, limit: int = 100) -> int:
    """Closes what nobody decided in time, as its proposer; answers how many. Time needs no permission."""
    overdue = Wave.objects.overdue().order_by("expires_at").values_list("pk", flat=True)[:limit]
    return sum(_expire(pk) for pk in list(overdue))


@transaction.atomic
def _expire(pk: int) -> bool:
    wave = _locked(Wave(pk=pk))
    actor = _answerable(wave)
    if wave.status != Wave.Status.PROPOSED or wave.approval is None or actor is None:
        return False
    close(actor=actor, approval=wave.approval, status=wave.approval.Status.EXPIRED)
    wave = _close(wave, Wave.Status.EXPIRED, note=f"Nobody decided within {DAYS_OPEN} days.")
    record(actor=actor, action=Event.WAVE_EXPIRED, target=wave, note=wave.note)
    return True


def _answerable(wave: Wave) -> User | None:
    """The proposer; a lead of the owner team when the proposer's account is switched off."""
    return wave.proposer if wave.proposer.is_active else leads_of(wave.family.team).first()


def _loaded(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """As they are in the database, with what judging and four eyes look at, in the order that was asked."""
    rows = ModelVersion.objects.whole().in_bulk([version.pk for version in versions])
    return [rows[version.pk] for version in versions]


def _proposed_before(actor: User, family: ModelFamily, key: str, versions: Sequence[ModelVersion]) -> Wave | None:
    wave = Wave.objects.whole().filter(family=family, proposer=actor, key=key).first()
    if wave is None:
        return None
    if set(wave.promotions.values_list("candidate_id", flat=True)) != {version.pk for version in versions}:
        raise Conflict(f"You used the key {key!r} for other versions already; send a new key.")
    return wave


def _refuse_if_none(found: Sequence[Candidacy[ModelVersion]], eligible: Sequence[Candidacy[ModelVersion]]) -> None:
    if eligible:
        return
    errors = {candidacy.candidate.model.name: candidacy.refusal for candidacy in found}
    missing = _unevaluated(found)
    shown = [f"{name}: {sentence}" for name, sentence in list(errors.items())[:SHOWN_REFUSALS]]
    more = f" And {len(errors) - len(shown)} more." if len(errors) > len(shown) else ""
    raise Refused(f"Nothing can be promoted. {' '.join(shown)}{more}", errors=errors, unevaluated=missing)


def _unevaluated(found: Sequence[Candidacy[ModelVersion]]) -> list[ModelVersion]:
    """What lacks a done evaluation against the champion of now on the newest month, could have one, is no champion."""
    wanting = [one.candidate for one in found if one.refusal and not one.counts]
    return [one for one in wanting if one.status == ModelVersion.Status.READY and not one.lost_its_files]


def _refuse_second_wave(family: ModelFamily, eligible: Sequence[Candidacy[ModelVersion]]) -> None:
    """Two open waves of several segments could not be judged apart from each other."""
    several = Wave.objects.filter(family=family, status__in=Wave.OPEN, segments__gt=1)
    if len(eligible) > 1 and (other := several.first()):
        raise Conflict(f"{other} is still open: wait for its decision, or withdraw it, before you propose another.")


def _refuse_worse_sum(eligible: Sequence[Candidacy[ModelVersion]]) -> None:
    """Gates look at one city at a time; what all of them together do to everybody's trips is looked at here."""
    compared = [row for candidacy in eligible if (row := candidacy.evaluation) and row.difference is not None]
    gain = sum((row.difference or 0) * (row.rows or 0) for row in compared)
    if gain < 0:
        raise Conflict(
            "Together these promotions would make the sum over all rows worse, so none of them is proposed. "
            "Leave out the segments with the worst regressions; the dry run shows them first."
        )


def _words_of(eligible: Sequence[Candidacy[ModelVersion]]) -> dict[str, str]:
    return {candidacy.candidate.model.name: candidacy.candidate.label for candidacy in eligible}


def _locked(wave: Wave) -> Wave:
    """The wave as it is now, while nobody else decides about its family."""
    family = Wave.objects.values_list("family_id", flat=True).get(pk=wave.pk)
    ModelFamily.objects.locked().get(pk=family)
    return Wave.objects.whole().get(pk=wave.pk)


def _open_question(wave: Wave) -> Approval:
    if wave.status != Wave.Status.PROPOSED or wave.approval is None:
        raise Conflict(f"This is {wave.get_status_display().lower()} already; reload to see what happened.")
    return wave.approval


def _close(wave: Wave, status: str, *, note: str) -> Wave:
    wave.promotions.filter(status=Promotion.Status.PROPOSED).update(status=status)
    wave.promotions.filter(is_open=True).update(is_open=False)
    return move(wave, status, closed_at=Now(), note=note)


def _refusals_of(wave: Wave) -> dict[str, str]:
    superseded = wave.promotions.filter(status=Promotion.Status.SUPERSEDED)
    return dict(superseded.values_list("model__name", "refusal"))
