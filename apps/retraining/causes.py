"""What policies look at, with the sentence that says it: champions grown old or worse, and alarms."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.registry import queries as registry
from apps.retraining.models import Policy, Signal


@dataclass(frozen=True)
class Cause:
    """What happened, and to which segments."""

    sentence: str
    segments: Sequence[str]


def old_champions(policy: Policy, chosen: Sequence[str]) -> Cause:
    """Champions that are older than the family wants."""
    limit, found = policy.family.freshness_days, registry.standings(policy.family)
    old = [slug for slug, standing in found.items() if slug in chosen and standing.is_fresh is False]
    return Cause(f"{_champions(len(old))} older than {limit} days on {policy.family.labelled_until}.", old)


def fallen_champions(policy: Policy, chosen: Sequence[str]) -> Cause | None:
    """Champions that have become worse than the policy bears; None as long as it is not known of all of them."""
    found = {slug: one for slug, one in registry.standings(policy.family).items() if slug in chosen}
    window = registry.newest_window(policy.family)
    if window is None or not found or any(one.is_awaited for one in found.values()):
        return None
    fallen = [slug for slug, one in found.items() if (_loss(policy, one) or 0) > policy.worse_by / 100]
    than = policy.get_yardstick_display()
    by = f"more than {policy.worse_by} % worse on {window.first:%B %Y}"
    return Cause(f"{_champions(len(fallen))} {by} {than}.", fallen)


def _loss(policy: Policy, standing: registry.Standing) -> float | None:
    promoted = policy.yardstick == Policy.Yardstick.PROMOTED
    return standing.since_promoted if promoted else standing.against_baseline


def _champions(count: int) -> str:
    return "1 champion is" if count == 1 else f"{count or 'No'} champions are"


def signalled(alarms: Sequence[Signal]) -> str:
    """What alarms say, in a sentence."""
    first = alarms[0]
    if len(alarms) == 1:
        return f"Signal #{first.pk}: {first.summary}"
    return f"{len(alarms)} signals, the first of them #{first.pk}: {first.summary}"
