"""Verbs of promotions: one wave of one city or two hundred, bound to what was evaluated, decided by somebody else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.queries import leads_of
from apps.approvals.actions import close, open_approval, vote
from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move
from apps.registry.actions.applying import apply_wave
from apps.registry.events import Event
from apps.registry.gates import Verdict
from apps.registry.models import GateResult, ModelFamily, ModelVersion, Promotion, Wave
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import Candidacy, candidacies

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Approval

DAYS_OPEN = 7
MOST_SEGMENTS = 1_000
LONGEST_REASON = 2_000
SHOWN_REFUSALS = 10


class Refused(Conflict):
    """Nothing can be promoted; `errors` says why, by model."""

    def __init__(self, message: str, *, errors: dict[str, str]) -> None:
        super().__init__(message)
        self.errors = errors


@transaction.atomic
def propose(
    *,
    actor: User,
    family: ModelFamily,
    versions: Sequence[ModelVersion],
    reason: str,
    alias: str = CHAMPION,
    key: str = "",
) -> Wave:
    """A wave of all versions that pass the gates; the others are kept in it as refused, each with its sentence.

    Applied at once where the family needs no approval. The same `key` of the same person answers the same wave.
    Raises Refused when none passes, Conflict when a wave of several segments is open, Invalid for a wrong request.
    """
    require(actor, "registry.propose", family)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    _check_request(family, versions, reason, alias)
    if key and (known := _proposed_before(actor, family, key, versions)):
        return known
    found = candidacies(family, _loaded(versions), alias)
    eligible = [candidacy for candidacy in found if candidacy.eligible]
    _refuse_if_none(found, eligible)
    _refuse_second_wave(family, eligible)
    wave = _create_wave(actor, family, eligible, reason.strip(), alias, key)
    _create_promotions(wave, found)
    record(actor=actor, action=Event.WAVE_PROPOSED, target=wave, after=_words_of(eligible), note=wave.reason)
    return wave if wave.approval else apply_wave(actor=actor, wave=wave)


def approve(*, actor: User, wave: Wave, digest: str, note: str = "") -> Wave:
    """One person's yes to exactly what `digest` names; the last yes that is needed moves the aliases, all at once.

    Raises Denied for authors, Conflict for a wave that is closed, and for one of which nothing holds any more:
    then it is superseded and its candidates are evaluated again.
    """
    with transaction.atomic():
        wave = _locked(wave)
        require(actor, "registry.approve", wave)
        approval = vote(actor=actor, approval=_open_question(wave), digest=digest, verdict="yes", reason=note)
        record(actor=actor, action=Event.WAVE_APPROVED, target=wave, note=note)
        if approval.status == approval.Status.APPROVED:
            wave = apply_wave(actor=actor, wave=wave, note=note)
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
    """Takes an open proposal back. Raises Conflict when it is closed."""
    wave = _locked(wave)
    require(actor, "registry.withdraw", wave)
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


def _check_request(family: ModelFamily, versions: Sequence[ModelVersion], reason: str, alias: str) -> None:
    if not reason.strip():
        raise Invalid("Say why: the reason is what the approver and the history read.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    if not 1 <= len(versions) <= MOST_SEGMENTS:
        raise Invalid(f"Choose between 1 and {MOST_SEGMENTS} versions.", field="versions")
    if alias not in family.alias_names:
        known = ", ".join(family.alias_names)
        raise Invalid(f"{family} promotes to {known}, not to {alias!r}.", field="alias")
    _check_versions(family, versions)


def _check_versions(family: ModelFamily, versions: Sequence[ModelVersion]) -> None:
    for version in versions:
        if version.model.family_id != family.pk:
            raise Invalid(f"{version} is no version of {family}.", field="versions")
    if len({version.model_id for version in versions}) < len(versions):
        raise Invalid("Choose one version per segment: a champion is only one.", field="versions")


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


def _refuse_if_none(found: Sequence[Candidacy], eligible: Sequence[Candidacy]) -> None:
    if eligible:
        return
    errors = {candidacy.candidate.model.name: candidacy.refusal for candidacy in found}
    shown = [f"{name}: {sentence}" for name, sentence in list(errors.items())[:SHOWN_REFUSALS]]
    more = f" And {len(errors) - len(shown)} more." if len(errors) > len(shown) else ""
    raise Refused(f"Nothing can be promoted. {' '.join(shown)}{more}", errors=errors)


def _refuse_second_wave(family: ModelFamily, eligible: Sequence[Candidacy]) -> None:
    """Two open waves of several segments could not be judged apart from each other."""
    several = Wave.objects.filter(family=family, status__in=Wave.OPEN, segments__gt=1)
    if len(eligible) > 1 and (other := several.first()):
        raise Conflict(f"{other} is still open: wait for its decision, or withdraw it, before you propose another.")


def _create_wave(
    actor: User, family: ModelFamily, eligible: Sequence[Candidacy], reason: str, alias: str, key: str
) -> Wave:
    digest = _digest(family, alias, reason, eligible)
    approval = _ask(actor, family, alias, eligible, digest) if family.approvals_for(alias) else None
    wave = Wave.objects.create(
        family=family,
        alias=alias,
        reason=reason,
        proposer=actor,
        segments=len(eligible),
        approval=approval,
        digest=digest,
        key=key or None,
        expires_at=approval.expires_at if approval else Now() + timedelta(days=DAYS_OPEN),
    )
    return Wave.objects.whole().get(pk=wave.pk)


def _digest(family: ModelFamily, alias: str, reason: str, eligible: Sequence[Candidacy]) -> str:
    """What an approver says yes to: the bindings of all cities and the reason."""
    content = [family.slug, alias, reason, sorted(candidacy.binding for candidacy in eligible)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _ask(actor: User, family: ModelFamily, alias: str, eligible: Sequence[Candidacy], digest: str) -> Approval:
    cities = eligible[0].candidate.model.its_segment.name if len(eligible) == 1 else f"{len(eligible)} segments"
    return open_approval(
        actor=actor,
        title=f"Make {cities} of {family} {alias}",
        digest=digest,
        team=family.team,
        needed=family.approvals_for(alias),
        excluded=_authors(actor, [candidacy.candidate for candidacy in eligible]),
        approvers=list(family.approvers.all()),
        days=DAYS_OPEN,
    )


def _authors(proposer: User, versions: Sequence[ModelVersion]) -> set[User]:
    """Who may not approve: the proposer, who made the versions, and whom their runs ran as.

    A service account that proposes stands for its team, so nobody of that team is a second pair of eyes.
    """
    authors = {proposer} | {version.created_by for version in versions}
    authors |= {version.run.user for version in versions if version.run}
    if proposer.service_of is not None:
        authors |= set(proposer.service_of.members.all())
    return authors


def _create_promotions(wave: Wave, found: Sequence[Candidacy]) -> None:
    """Each city with the evidence it was judged by, and each gate's verdict as it was said."""
    rows = Promotion.objects.bulk_create(_promotion(wave, candidacy) for candidacy in found)
    GateResult.objects.bulk_create(
        _gate_result(promotion, verdict)
        for promotion, candidacy in zip(rows, found, strict=True)
        for verdict in candidacy.verdicts
    )


def _promotion(wave: Wave, candidacy: Candidacy) -> Promotion:
    return Promotion(
        wave=wave,
        model_id=candidacy.candidate.model_id,
        alias=wave.alias,
        candidate=candidacy.candidate,
        champion=candidacy.champion,
        before=candidacy.before,
        evaluation=candidacy.evaluation,
        status=Promotion.Status.PROPOSED if candidacy.eligible else Promotion.Status.REFUSED,
        is_open=candidacy.eligible,
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


def _words_of(eligible: Sequence[Candidacy]) -> dict[str, str]:
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
