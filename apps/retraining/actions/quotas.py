"""How much of the workers a team may use at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit.actions import record
from apps.core.errors import Invalid
from apps.core.permissions import require
from apps.retraining.events import Event
from apps.retraining.models import TeamQuota

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

MOST = 1_000


@transaction.atomic
def set_team_quota(*, actor: User, team: Team, max_concurrent: int | None) -> TeamQuota | None:
    """At most so many runs of the team's families are on their way at a time; None takes the limit away.

    Raises Invalid for a number below 1 or above 1,000.
    """
    require(actor, "retraining.operate")
    if max_concurrent is not None and not 1 <= max_concurrent <= MOST:
        raise Invalid(f"Give a number from 1 to {MOST:,}, or none for no limit.", field="max_concurrent")
    known = TeamQuota.objects.select_related("team").select_for_update(of=("self",)).filter(team=team).first()
    before = {"max_concurrent": known.max_concurrent} if known else {}
    if max_concurrent is None:
        _remove(actor, known, before)
        return None
    quota, _ = TeamQuota.objects.update_or_create(team=team, defaults={"max_concurrent": max_concurrent})
    after = {"max_concurrent": max_concurrent}
    if before != after:
        record(actor=actor, action=Event.QUOTA_SET, target=quota, before=before, after=after)
    return quota


def _remove(actor: User, quota: TeamQuota | None, before: dict[str, int]) -> None:
    if quota:
        record(actor=actor, action=Event.QUOTA_REMOVED, target=quota, before=before)
        quota.delete()
