"""A wave that is under way: its next stage, live values, and taking all of it back."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid, PortalError
from apps.core.permissions import require
from apps.core.transitions import move
from apps.registry.actions.applying import apply_stage
from apps.registry.actions.freezes import refuse_while_frozen
from apps.registry.actions.rollbacks import RollbackDone, check_reason, go_back
from apps.registry.events import Event
from apps.registry.models import LiveValue, ModelFamily, Promotion, Wave
from apps.registry.queries.freezes import freeze_on
from apps.registry.queries.live import starts_next_stage
from apps.registry.queries.ways_back import ways_back_from_wave

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST_NOTE = 2_000
MOST_AT_ONCE = 50


@transaction.atomic
def advance(*, actor: User, wave: Wave, stage: int, reason: str = "") -> Wave:
    """Moves stage number `stage` of a wave that is under way; naming it makes a double click harmless.

    Raises Conflict when that stage has moved, when the wave is closed, and while the family is frozen.
    """
    wave = _locked(wave)
    require(actor, "registry.advance", wave)
    refuse_while_frozen(family=wave.family)
    _check_stage(wave, stage)
    return _advance(actor, wave, reason.strip())


@transaction.atomic
def post_live_value(*, actor: User, wave: Wave, value: float, through: date, note: str = "") -> LiveValue:
    """Stores what was measured in production through that day, in the metric's unit; nothing forgets it.

    Where the wave has a limit, a value that keeps it and was known after the label delay moves the next stage, now or
    when a freeze is over. Raises Conflict for a wave that is not under way, Invalid for a wrong value.
    """
    wave = _locked(wave)
    require(actor, "registry.advance", wave)
    _check_live(wave, value, through, note)
    live = LiveValue.objects.create(
        wave=wave, stage=wave.stage, value=value, through=through, note=note.strip(), by=actor
    )
    words = {"value": value, "through": str(through), "stage": wave.stage}
    record(actor=actor, action=Event.LIVE_VALUE, target=wave, after=words, note=live.note)
    _go_on(wave)
    return LiveValue.objects.select_related("wave__family", "by").get(pk=live.pk)


def advance_waves(*, limit: int = MOST_AT_ONCE) -> int:
    """Moves stages whose live value came while nothing could move; answers how many. No clock starts anything."""
    waiting = Wave.objects.filter(status=Wave.Status.RUNNING, live_limit__isnull=False, live_values__isnull=False)
    return sum(_try(pk) for pk in list(waiting.distinct().order_by("pk").values_list("pk", flat=True)[:limit]))


@transaction.atomic
def undo_wave(*, actor: User, wave: Wave, reason: str) -> RollbackDone:
    """Takes back what the wave has moved, in cities that still are on its version; the others are listed.

    What had not moved yet is withdrawn. A rollback by one person: no freeze stops it, and somebody reviews it.
    """
    check_reason(reason=reason)
    wave = _locked(wave)
    require(actor, "registry.roll_back", wave.family)
    if wave.status not in (Wave.Status.RUNNING, Wave.Status.APPLIED):
        raise Conflict(f"This is {wave.get_status_display().lower()}; there is nothing to take back.")
    ways = ways_back_from_wave(wave)
    done = go_back(actor=actor, family=wave.family, ways=ways, reason=reason.strip(), alias=wave.alias, wave=wave)
    _close_undone(wave, [step.model_id for step in done.moves])
    wave = move(wave, Wave.Status.UNDONE, closed_at=Now(), note=reason.strip())
    record(actor=actor, action=Event.WAVE_UNDONE, target=wave, after={"kept": done.refused}, note=wave.note)
    return done


def _close_undone(wave: Wave, models: list[int]) -> None:
    back = wave.promotions.filter(status=Promotion.Status.APPLIED, model__in=models)
    back.update(status=Promotion.Status.UNDONE)
    wave.promotions.filter(status=Promotion.Status.PROPOSED).update(status=Promotion.Status.WITHDRAWN)
    wave.promotions.filter(is_open=True).update(is_open=False)


def _advance(actor: User, wave: Wave, note: str) -> Wave:
    before = wave.stage
    wave = apply_stage(actor=actor, wave=wave, note=note)
    words = {"stage": before}, {"stage": wave.stage, "status": wave.status}
    record(actor=actor, action=Event.WAVE_ADVANCED, target=wave, before=words[0], after=words[1], note=note)
    return wave


def _go_on(wave: Wave) -> bool:
    """As whoever posted the value that allows it."""
    live = wave.live_values.select_related("by").first()
    if live is None or freeze_on(wave.family) or not starts_next_stage(wave, live):
        return False
    _advance(live.by, wave, f"The live value is {live.value:g} {wave.family.unit}".strip() + ".")
    return True


def _try(pk: int) -> bool:
    """One wave's trouble does not stop the others; it is tried again with the next tick."""
    try:
        with transaction.atomic():
            wave = _locked(Wave(pk=pk))
            return wave.status == Wave.Status.RUNNING and _go_on(wave)
    except PortalError:
        return False


def _locked(wave: Wave) -> Wave:
    family = Wave.objects.values_list("family_id", flat=True).get(pk=wave.pk)
    ModelFamily.objects.locked().get(pk=family)
    return Wave.objects.whole().get(pk=wave.pk)


def _check_stage(wave: Wave, stage: int) -> None:
    if wave.status != Wave.Status.RUNNING:
        raise Conflict(f"This is {wave.get_status_display().lower()}: no stage of it waits.")
    if stage <= wave.stage:
        raise Conflict(f"Stage {stage} has moved already; reload to see how it does.")
    if stage > wave.last_stage:
        raise Invalid(f"It has {wave.last_stage} stages.", field="stage")
    if stage > wave.stage + 1:
        raise Conflict(f"Stage {wave.stage + 1} comes before stage {stage}.")


def _check_live(wave: Wave, value: float, through: date, note: str) -> None:
    if wave.status != Wave.Status.RUNNING:
        raise Conflict(f"This is {wave.get_status_display().lower()}: live values belong to a wave that is under way.")
    if not math.isfinite(value):
        raise Invalid("A live value is a number.", field="value")
    if through > timezone.now().date():
        raise Invalid(f"{through} has not happened yet.", field="through")
    if len(note) > LONGEST_NOTE:
        raise Invalid(f"A note has at most {LONGEST_NOTE} characters.", field="note")
