"""Reads of waves: what waits for a person, and everything an approver looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from apps.approvals.queries import may_vote, votes_of
from apps.approvals.queries import waiting_for as questions_for
from apps.core.errors import Missing
from apps.core.permissions import allowed
from apps.registry.models import Alias, ModelVersion, Promotion, Wave
from apps.registry.models.family import CHAMPION
from apps.registry.models.promotion import WaveQuerySet
from apps.registry.queries.candidacies import candidacies
from apps.registry.queries.freezes import freeze_on
from apps.registry.queries.habits import approval_hints
from apps.registry.queries.live import live_values, objection
from apps.registry.queries.wave_rows import (
    Progress,
    PromotionRow,
    StageCell,
    Totals,
    by_gain,
    false_winners,
    preview_of,
    progress_of,
    row_of,
    stages_of,
    totals_of,
)

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.approvals.models import Vote
    from apps.registry.models import Freeze, LiveValue, ModelFamily

WAVE_STATUSES = tuple(Wave.Status.choices)
"""Pairs of stored value and label, for filters."""
WORST = 5


@dataclass(frozen=True)
class LiveCell:
    """A live value, and why it starts no stage (empty when it does, or did)."""

    value: float
    through: date
    stage: int
    by: str
    at: datetime
    note: str
    objection: str


@dataclass(frozen=True)
class WaveView:
    """A wave as its page shows it; rows that are refused are apart, worst regressions come first.

    `false_winners` is how many cities pass by chance at most; `hints` say that the family's tier may be wrong.
    """

    wave: Wave
    rows: tuple[PromotionRow, ...]
    refused: tuple[PromotionRow, ...]
    totals: Totals | None
    false_winners: float | None
    progress: Progress
    stages: tuple[StageCell, ...]
    live_values: tuple[LiveCell, ...]
    votes: tuple[Vote, ...]
    hints: tuple[str, ...]
    freeze: Freeze | None
    may_decide: bool
    may_withdraw: bool
    may_advance: bool
    may_undo: bool

    @property
    def worst(self) -> tuple[PromotionRow, ...]:
        """The five that gain least, regressions first."""
        return self.rows[:WORST]

    @property
    def next_stage(self) -> StageCell | None:
        return next((stage for stage in self.stages if stage.is_next), None)

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


def wave_of_key(*, actor: User, family: str, key: str) -> Wave | None:
    """What this person has proposed under that key."""
    return waves(actor).filter(family__slug=family, proposer=actor, key=key).first()


def wave_view(*, actor: User, wave_id: int) -> WaveView:
    """Everything an approver looks at. Raises Missing."""
    found = wave(actor=actor, wave_id=wave_id)
    rows = [row_of(promotion) for promotion in _promotions(found)]
    standing = by_gain((row for row in rows if row.status != Promotion.Status.REFUSED), found.family)
    return WaveView(
        wave=found,
        rows=tuple(standing),
        refused=tuple(row for row in rows if row.status == Promotion.Status.REFUSED),
        totals=totals_of(standing),
        false_winners=false_winners(rows),
        progress=progress_of(rows, _now(found)),
        stages=stages_of(found, standing),
        live_values=tuple(_live_cell(found, live) for live in live_values(found)),
        votes=tuple(votes_of(found.approval)) if found.approval else (),
        hints=tuple(approval_hints(found.family)) if found.approval else (),
        freeze=freeze_on(found.family) if found.is_open else None,
        **_may(actor, found),
    )


def _may(actor: User, wave: Wave) -> dict[str, bool]:
    """What this person could do now; a freeze is another matter."""
    asked = wave.status == Wave.Status.PROPOSED and wave.approval is not None
    running = wave.status == Wave.Status.RUNNING
    moved = running or wave.status == Wave.Status.APPLIED
    return {
        "may_decide": asked and may_decide(actor, wave),
        "may_withdraw": (asked or running) and allowed(actor, "registry.withdraw", wave),
        "may_advance": running and allowed(actor, "registry.advance", wave),
        "may_undo": moved and allowed(actor, "registry.roll_back", wave.family),
    }


def _now(wave: Wave) -> dict[str, int]:
    """By model's name, which version the alias points to."""
    aliases = Alias.objects.filter(name=wave.alias, model__promotions__wave=wave)
    return dict(aliases.values_list("model__name", "version"))


def _live_cell(wave: Wave, live: LiveValue) -> LiveCell:
    why_not = objection(wave, live) if live.stage == wave.stage else ""
    return LiveCell(live.value, live.through, live.stage, str(live.by), live.at, live.note, why_not)


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


def waiting_for(user: User, questions: Sequence[int] | None = None) -> WaveQuerySet:
    """Waves that this person may decide and has not, the most urgent first.

    `questions`: the open ones to this person, where they are known already.
    """
    asked = questions_for(user) if questions is None else questions
    return waves(user).filter(status=Wave.Status.PROPOSED, approval__in=asked).order_by("expires_at", "id")


def waiting_for_a_stage(user: User) -> WaveQuerySet:
    """Waves that this person proposed and that are under way: nobody else is told to go on with them."""
    return waves(user).filter(status=Wave.Status.RUNNING, proposer=user).order_by("stage_at", "id")


def newest_moved(family: ModelFamily, alias: str = CHAMPION) -> Wave | None:
    """The wave that last moved this alias and was not taken back; what an alarm at night is most often about."""
    moved = Wave.objects.filter(family=family, alias=alias, status__in=(Wave.Status.RUNNING, Wave.Status.APPLIED))
    return moved.whole().order_by("-stage_at").first()


@dataclass(frozen=True)
class DryRun:
    """What a proposal would be: what would go, what the gates refuse, worst regressions first, and the sum of it."""

    rows: tuple[PromotionRow, ...]
    refused: tuple[PromotionRow, ...]
    totals: Totals | None
    false_winners: float | None

    @property
    def refusal(self) -> str:
        """Why nothing of it could be proposed; empty when something can."""
        if not self.rows:
            return "No candidate passes the gates."
        return "Together they would make the sum over all rows worse." if self.totals and self.totals.is_worse else ""


def wave_dry_run(family: ModelFamily, versions: Sequence[ModelVersion], alias: str = CHAMPION) -> DryRun:
    """Nothing is written."""
    rows = dry_run(family, versions, alias)
    going = tuple(row for row in rows if not row.refusal)
    return DryRun(going, tuple(row for row in rows if row.refusal), totals_of(going), false_winners(rows))


def dry_run(family: ModelFamily, versions: Sequence[ModelVersion], alias: str = CHAMPION) -> list[PromotionRow]:
    """What a proposal of these versions would be, worst regressions first; nothing is written."""
    return by_gain((preview_of(found) for found in candidacies(family, versions, alias)), family)


def _promotions(wave: Wave) -> QuerySet[Promotion]:
    found = wave.promotions.select_related("candidate__model__segment", "champion", "evaluation")
    return found.defer("evaluation__daily").prefetch_related("gate_results").order_by("id")
