"""Reads of waves: what waits for a person, and everything an approver looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from apps.approvals.queries import may_vote, votes_of
from apps.approvals.queries import waiting_for as questions_for
from apps.core.errors import Missing
from apps.core.permissions import allowed
from apps.registry.gates import Outcome, Verdict
from apps.registry.models import ModelVersion, Promotion, Wave
from apps.registry.models.promotion import WaveQuerySet
from apps.registry.queries.candidacies import Candidacy, candidacies
from apps.registry.queries.fleet import ScoreCell, VersionCell, score_of, version_cell

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Vote
    from apps.registry.models import ModelFamily

WAVE_STATUSES = tuple(Wave.Status.choices)
"""Pairs of stored value and label, for filters."""


@dataclass(frozen=True)
class ParameterChange:
    """A parameter that differs between champion and candidate; None where one of them has none."""

    name: str
    champion: Any
    candidate: Any


@dataclass(frozen=True)
class PromotionRow:
    """One city of a wave with what it was judged by."""

    id: int
    model: str
    segment: str
    name: str
    region: str
    status: str
    refusal: str
    candidate: VersionCell
    champion: VersionCell | None
    evaluation: ScoreCell | None
    verdicts: tuple[Verdict, ...]
    parameter_changes: tuple[ParameterChange, ...]


@dataclass(frozen=True)
class Totals:
    """All cities of a wave that have a champion: plain means, and means weighted by their rows."""

    segments: int
    candidate: float
    champion: float
    weighted_candidate: float
    weighted_champion: float


@dataclass(frozen=True)
class WaveView:
    """A wave as its page shows it; rows that are refused are apart, worst regressions come first."""

    wave: Wave
    rows: tuple[PromotionRow, ...]
    refused: tuple[PromotionRow, ...]
    totals: Totals | None
    votes: tuple[Vote, ...]
    may_decide: bool
    may_withdraw: bool

    @property
    def approved_by(self) -> list[str]:
        return [str(vote.user) for vote in self.votes if vote.verdict == "yes"]


def waves(actor: User) -> WaveQuerySet:
    """The newest first."""
    return Wave.objects.visible_to(actor).whole().order_by("-id")


def wave(*, actor: User, wave_id: int) -> Wave:
    """Raises Missing."""
    found = waves(actor).filter(pk=wave_id).first()
    if found is None:
        raise Missing("There is no such promotion here, or you may not see it.")
    return found


def wave_view(*, actor: User, wave_id: int) -> WaveView:
    """Everything an approver looks at. Raises Missing."""
    found = wave(actor=actor, wave_id=wave_id)
    rows = [_row(promotion) for promotion in _promotions(found)]
    standing = sorted((row for row in rows if row.status != Promotion.Status.REFUSED), key=_gain)
    is_open = found.status == Wave.Status.PROPOSED and found.approval is not None
    return WaveView(
        wave=found,
        rows=tuple(standing),
        refused=tuple(row for row in rows if row.status == Promotion.Status.REFUSED),
        totals=_totals(standing),
        votes=tuple(votes_of(found.approval)) if found.approval else (),
        may_decide=is_open and may_decide(actor, found),
        may_withdraw=is_open and allowed(actor, "registry.withdraw", found),
    )


def applied(wave: Wave) -> int:
    """How many champions it has moved."""
    return wave.promotions.filter(status=Promotion.Status.APPLIED).count()


def open_wave(family: ModelFamily) -> Wave | None:
    """The open wave of several segments; while there is one, no other of several may be proposed."""
    return Wave.objects.filter(family=family, status__in=Wave.OPEN, segments__gt=1).whole().first()


def may_decide(actor: User, wave: Wave) -> bool:
    """True if a yes or no of this person would be taken now."""
    asked = wave.approval is not None and allowed(actor, "registry.approve", wave)
    return bool(asked and wave.approval and may_vote(actor, wave.approval))


def waiting_for(user: User) -> WaveQuerySet:
    """Waves that this person may decide and has not, the most urgent first."""
    asked = waves(user).filter(status=Wave.Status.PROPOSED, approval__in=questions_for(user))
    return asked.order_by("expires_at", "id")


def dry_run(family: ModelFamily, versions: Sequence[ModelVersion]) -> list[PromotionRow]:
    """What a proposal of these versions would be, worst regressions first; nothing is written."""
    return sorted((_preview(found) for found in candidacies(family, versions)), key=_gain)


def _promotions(wave: Wave) -> QuerySet[Promotion]:
    found = wave.promotions.select_related("model__segment", "candidate", "champion", "evaluation")
    return found.defer("evaluation__daily").prefetch_related("gate_results").order_by("id")


def _preview(found: Candidacy) -> PromotionRow:
    model = found.candidate.model
    return PromotionRow(
        id=0,
        model=model.name,
        segment=model.its_segment.slug,
        name=model.its_segment.name,
        region=model.its_segment.region,
        status=Promotion.Status.REFUSED if found.refusal else Promotion.Status.PROPOSED,
        refusal=found.refusal,
        candidate=version_cell(found.candidate),
        champion=version_cell(found.champion) if found.champion else None,
        evaluation=score_of(found.evaluation) if found.evaluation else None,
        verdicts=found.verdicts,
        parameter_changes=_changes(found.champion, found.candidate),
    )


def _row(promotion: Promotion) -> PromotionRow:
    verdicts = [Verdict(r.kind, Outcome(r.outcome), r.sentence, r.numbers) for r in promotion.gate_results.all()]
    return PromotionRow(
        id=promotion.pk,
        model=promotion.model.name,
        segment=promotion.model.its_segment.slug,
        name=promotion.model.its_segment.name,
        region=promotion.model.its_segment.region,
        status=promotion.status,
        refusal=promotion.refusal,
        candidate=version_cell(promotion.candidate),
        champion=version_cell(promotion.champion) if promotion.champion else None,
        evaluation=score_of(promotion.evaluation) if promotion.evaluation else None,
        verdicts=tuple(verdicts),
        parameter_changes=_changes(promotion.champion, promotion.candidate),
    )


def _changes(champion: ModelVersion | None, candidate: ModelVersion) -> tuple[ParameterChange, ...]:
    before, after = (champion.parameters if champion else {}), candidate.parameters
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return tuple(ParameterChange(name, before.get(name), after.get(name)) for name in names) if champion else ()


def _gain(row: PromotionRow) -> tuple[float, str]:
    """Worst regressions first; a first version has nothing to regress from."""
    difference = row.evaluation.difference if row.evaluation else None
    return (float("inf") if difference is None else difference, row.model)


def _totals(rows: Sequence[PromotionRow]) -> Totals | None:
    scores = [row.evaluation for row in rows if row.evaluation]
    known = [(s.candidate, s.champion, s.rows) for s in scores if s.candidate is not None and s.champion is not None]
    if not known:
        return None
    weight = sum(rows or 0 for _, _, rows in known) or 1
    return Totals(
        segments=len(known),
        candidate=fmean(candidate for candidate, _, _ in known),
        champion=fmean(champion for _, champion, _ in known),
        weighted_candidate=sum(candidate * (rows or 0) for candidate, _, rows in known) / weight,
        weighted_champion=sum(champion * (rows or 0) for _, champion, rows in known) / weight,
    )
