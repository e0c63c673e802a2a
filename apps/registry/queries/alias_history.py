"""What an alias pointed to at any time, who moved it there, on which evidence; and who looks at rollbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from apps.accounts.queries import team_ids_of
from apps.approvals.queries import votes_of
from apps.core.errors import Missing
from apps.registry.gates import Outcome, Verdict
from apps.registry.models import AliasMove, ModelFamily, RegisteredModel, Rollback
from apps.registry.models.alias import RollbackQuerySet
from apps.registry.models.family import CHAMPION
from apps.registry.queries.fleet import ScoreCell, VersionCell, score_of, version_cell

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class AliasAt:
    """The version behind an alias at a moment (None: nothing was), and the evidence of the move that put it there."""

    model: str
    alias: str
    at: datetime
    version: VersionCell | None
    move: AliasMove | None
    wave: int | None
    evaluation: ScoreCell | None
    verdicts: tuple[Verdict, ...]
    approved_by: tuple[str, ...]

    @property
    def sentence(self) -> str:
        if self.move is None or self.version is None:
            return f"Nothing was the {self.alias} of {self.model} then."
        how = {"promotion": "promoted", "rollback": "rolled back to", "imported": "imported"}.get(self.move.kind, "set")
        return f"{self.version.label} was the {self.alias} of {self.model}; {self.move.by} {how} it: {self.move.reason}"


def alias_at(model: RegisteredModel, at: datetime, alias: str = CHAMPION) -> AliasAt:
    """As the history tells it."""
    moves = AliasMove.objects.filter(model=model, name=alias, at__lte=at).select_related(
        "after", "by", "promotion__wave__approval", "promotion__evaluation"
    )
    move = moves.order_by("-at", "-id").first()
    promotion = move.promotion if move else None
    evaluation = promotion.evaluation if promotion else None
    return AliasAt(
        model=model.name,
        alias=alias,
        at=at,
        version=version_cell(move.after) if move and move.after else None,
        move=move,
        wave=promotion.wave_id if promotion else None,
        evaluation=score_of(evaluation) if evaluation else None,
        verdicts=_verdicts(move),
        approved_by=_approved_by(move),
    )


def _verdicts(move: AliasMove | None) -> tuple[Verdict, ...]:
    said = move.promotion.gate_results.all() if move and move.promotion else ()
    return tuple(Verdict(one.kind, Outcome(one.outcome), one.sentence, one.numbers) for one in said)


def _approved_by(move: AliasMove | None) -> tuple[str, ...]:
    approval = move.promotion.wave.approval if move and move.promotion else None
    return tuple(str(vote.user) for vote in votes_of(approval) if vote.verdict == "yes") if approval else ()


def rollbacks(actor: User) -> RollbackQuerySet:
    """The newest first."""
    return Rollback.objects.visible_to(actor).whole().order_by("-id")


def rollback(*, actor: User, rollback_id: int) -> Rollback:
    """Raises Missing."""
    found = rollbacks(actor).filter(pk=rollback_id).first()
    if found is None:
        raise Missing("There is no such rollback here, or you may not see it.")
    return found


def rollbacks_to_review(user: User) -> RollbackQuerySet:
    """What somebody else took back in families that this person approves for, or belongs to; the oldest first."""
    approves = ModelFamily.approvers.through.objects.filter(user=user).values("modelfamily")
    mine = Q(family__team__in=team_ids_of(user)) | Q(family__in=approves)
    waiting = Rollback.objects.visible_to(user).whole().filter(mine, reviewed_at=None).exclude(by=user)
    return waiting.none() if user.is_service else waiting.order_by("id")
