"""Live values of a wave, and what they mean for its next stage."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from apps.registry.gates import day
from apps.registry.models import LiveValue, ModelFamily, Wave


def live_values(wave: Wave) -> QuerySet[LiveValue]:
    """The newest first, each with who posted it."""
    return wave.live_values.select_related("by", "wave__family")


def starts_next_stage(wave: Wave, live: LiveValue) -> bool:
    """True if this value is about the present stage, was known after the label delay, and keeps the limit."""
    return wave.live_limit is not None and live.stage == wave.stage and not objection(wave, live)


def objection(wave: Wave, live: LiveValue) -> str:
    """The sentence why this value starts nothing; empty when it may. Without a limit a person decides."""
    if wave.live_limit is None:
        return "A person starts the next stage: this wave has no limit for live values."
    began = wave.stage_at.date() if wave.stage_at else None
    if began is None or live.through < began:
        return f"It was measured through {day(live.through)}, before stage {live.stage} began to serve."
    known = live.through + timedelta(days=wave.family.label_delay_days)
    if live.at.date() < known:
        return f"It was posted before its labels could be known: those of {day(live.through)} come {day(known)}."
    unit = f" {wave.family.unit}" if wave.family.unit else ""
    return "" if _keeps(wave, live) else f"{live.value:g}{unit} is worse than the limit of {wave.live_limit:g}{unit}."


def _keeps(wave: Wave, live: LiveValue) -> bool:
    limit = wave.live_limit or 0.0
    if wave.family.direction == ModelFamily.Direction.LOWER:
        return live.value <= limit
    return live.value >= limit
