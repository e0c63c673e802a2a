"""Whether a policy fires on an occasion: pure, so that the past can be played through it before it is switched on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from apps.core.errors import Invalid

STORM_SHARE = 0.2
STORM_AT_LEAST = 3  # segments; in a family of three, one is no storm
STORM_WITHIN = timedelta(hours=24)
NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Rules:
    """What a policy allows."""

    cool_down: timedelta
    daily_cap: int


@dataclass(frozen=True)
class Situation:
    """What is known when an occasion comes. `last` is when each segment was last retrained by the policy."""

    at: datetime
    segments: Sequence[str]
    last: Mapping[str, datetime]
    busy: frozenset[str] = frozenset()  # being retrained now
    runs_within_a_day: int = 0
    frozen: str = ""  # why nothing may start
    suggested: frozenset[str] = frozenset()  # named by a suggestion that waits


@dataclass(frozen=True)
class Decision:
    """The segments to retrain and why; without segments, why not."""

    segments: tuple[str, ...]
    reason: str

    @property
    def fires(self) -> bool:
        return bool(self.segments)


def decide(cause: str, situation: Situation, rules: Rules) -> Decision:
    """`cause` is a sentence: what happened."""
    if situation.frozen:
        return _not(cause, situation.frozen)
    if not situation.segments:
        return _not(cause, "there is no segment to retrain")
    free = [one for one in situation.segments if one not in situation.busy]
    if not free:
        return _not(cause, f"{_named(situation.segments)} being retrained already")
    ready = [one for one in free if not _cools_down(one, situation, rules)]
    if not ready:
        hours = rules.cool_down.total_seconds() / 3600
        return _not(cause, f"{_named(free)} in the cool-down: retrained within the last {hours:g} hours")
    unsaid = [one for one in ready if one not in situation.suggested]
    if not unsaid:
        return _not(cause, f"{_named(ready)} named by a suggestion that waits already")
    ready = unsaid
    if situation.runs_within_a_day + len(ready) > rules.daily_cap:
        return _not(cause, f"{len(ready)} more would pass the {rules.daily_cap} runs that it may start within a day")
    return Decision(tuple(ready), cause)


def due_times(cron: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """When a schedule comes due after `after`, up to and including `until`, in UTC; as cron does at clock changes."""
    local = after.astimezone(ZoneInfo(zone))
    times = (moment.astimezone(UTC) for moment in CronSim(cron, local))
    return takewhile(lambda moment: moment <= until, times)


def check_schedule(cron: str, zone: str) -> None:
    """Raises Invalid."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise Invalid(f"There is no time zone {zone!r}; one is Europe/Tallinn.", field="time_zone") from error
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise Invalid(
            f"{cron!r} is no schedule ({error}). Five fields: minute, hour, day, month, weekday; '0 6 1 * *' is six"
            " in the morning on the first of each month.",
            field="cron",
        ) from error


def is_storm(alarmed: int, segments: int) -> bool:
    """So many segments alarmed within a day that the cause lies upstream, and retraining would learn the fault."""
    return alarmed >= STORM_AT_LEAST and alarmed > STORM_SHARE * segments


def _cools_down(segment: str, situation: Situation, rules: Rules) -> bool:
    last = situation.last.get(segment)
    return last is not None and situation.at - last < rules.cool_down


def _not(cause: str, because: str) -> Decision:
    return Decision((), f"{cause} It did not fire because {because}.")


def _named(segments: Sequence[str]) -> str:
    """With the verb: 'atlanta is', 'atlanta and boston are', 'atlanta, boston, chicago and 4 more are'."""
    shown, more = list(segments[:NAMED_AT_MOST]), len(segments) - NAMED_AT_MOST
    parts = [*shown, f"{more} more"] if more > 0 else shown
    text = " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    return f"{text} {'is' if len(segments) == 1 else 'are'}"
