"""Gates that read the numbers of an evaluation: better than the champion, good enough, not worse than a baseline."""

from collections.abc import Mapping
from typing import Any

from apps.registry.gates.facts import Against, Compared, Facts, Outcome, Said, Trained
from apps.registry.gates.wording import amount, better_or_worse, figure, interval, listed

NO_CHAMPION = "There is no champion yet, so nothing to be better than."
NO_CHAMPION_TO_KEEP = "It was evaluated on {size}; there is no champion yet that could be kept."
ON_AVERAGE, PROVEN = "average", "proven"


def significance(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    if facts.champion is None:
        return Outcome.PASS, NO_CHAMPION, _size(compared)
    margin = settings["margin"]
    numbers = _interval_of(compared) | _size(compared) | {"margin": margin}
    outcome, sentence = _better(facts, compared, facts.champion, margin)
    return outcome, sentence, numbers


def _better(facts: Facts, compared: Compared, champion: Trained, margin: float) -> tuple[Outcome, str]:
    """Better is proven when the lower bound clears the margin, and disproven when the upper one does not."""
    if compared.difference is None or compared.lower is None or compared.upper is None:
        return Outcome.INCONCLUSIVE, f"There are too few days to say whether it is better than {champion.label}."
    wanted = f"more than {amount(margin, facts.unit)}" if margin else ""
    bounds = interval(compared.lower, compared.upper, facts.unit)
    found = f"{amount(abs(compared.difference), facts.unit)} {better_or_worse(compared.difference)}"
    found = f"{found} than {champion.label}"
    if compared.lower > margin:
        return Outcome.PASS, f"It is {found} ({bounds})."
    if compared.upper <= margin:
        lacks = f"not better by {wanted}" if wanted else "not better"
        return Outcome.FAIL, f"It is {found}, {lacks} ({bounds}): keep the champion."
    unproven = f": {wanted} is not proven" if wanted else ""
    return Outcome.INCONCLUSIVE, f"It is {found}, but that may be chance{unproven} ({bounds})."


def threshold(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    limit = settings["limit"]
    numbers = {"metric": compared.metric, "limit": limit} | _size(compared)
    if compared.metric is None:
        return Outcome.INCONCLUSIVE, "The evaluation has no metric of it.", numbers
    kept = compared.metric <= limit if facts.lower_is_better else compared.metric >= limit
    bound = f"{'at most' if facts.lower_is_better else 'at least'} {amount(limit, facts.unit)}"
    found = f"It has {amount(compared.metric, facts.unit)} on {compared.size}"
    if kept:
        return Outcome.PASS, f"{found}; {bound} is asked for.", numbers
    return Outcome.FAIL, f"{found}, but {bound} is asked for.", numbers


def baseline(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    name = settings["baseline"] or next(iter(facts.baselines or compared.baselines), "")
    against = compared.baselines.get(name)
    if against is None:
        return Outcome.INCONCLUSIVE, _unmeasured(name, compared), _size(compared) | {"baseline": name}
    numbers = {"baseline": name, "metric": against.metric, "margin": settings["margin"]}
    outcome, sentence = _not_worse(facts, compared, against, name, settings)
    return outcome, sentence, numbers | _interval_of(against) | _size(compared)


def _unmeasured(name: str, compared: Compared) -> str:
    if not compared.baselines:
        return "Its evaluation measured no baseline on these rows, so nothing says that it is worth more than one."
    named = f"the baseline {name!r}" if name else "a baseline"
    return f"Its evaluation did not measure {named}, only {listed(sorted(compared.baselines))}: evaluate it again."


def _not_worse(
    facts: Facts, compared: Compared, against: Against, name: str, settings: Mapping[str, Any]
) -> tuple[Outcome, str]:
    """On average: the mean decides. Proven: the lower bound does, and what may be chance is inconclusive."""
    margin = settings["margin"]
    found = f"It is {amount(abs(against.difference), facts.unit)} {better_or_worse(against.difference)}"
    found = f"{found} than the baseline {name}{_bounds(facts, compared, against)}"
    if settings["proof"] == PROVEN and (against.lower is None or against.upper is None):
        return Outcome.INCONCLUSIVE, f"There are too few days to say whether it is worse than the baseline {name}."
    reached = against.difference if settings["proof"] == ON_AVERAGE else against.lower or 0.0
    if reached >= -margin:
        return Outcome.PASS, f"{found}."
    possible = against.difference if settings["proof"] == ON_AVERAGE else against.upper or 0.0
    if possible >= -margin:
        return Outcome.INCONCLUSIVE, f"{found}; that it is not worse is not proven."
    allowed = f" (up to {amount(margin, facts.unit)} worse is allowed)" if margin else ""
    return Outcome.FAIL, f"{found}{allowed}: the baseline may serve instead."


def _bounds(facts: Facts, compared: Compared, against: Against) -> str:
    if against.lower is None or against.upper is None:
        return f" on {compared.size}"
    return f" ({interval(against.lower, against.upper, facts.unit)})"


def enough_data(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    rows, days = settings["rows"], settings["days"]
    numbers = _size(compared) | {"rows_needed": rows, "days_needed": days}
    if facts.champion is None:
        return Outcome.PASS, NO_CHAMPION_TO_KEEP.format(size=compared.size), numbers
    if compared.rows >= rows and compared.days >= days:
        return Outcome.PASS, f"It was compared on {compared.size}.", numbers
    needed = f"{figure(rows)} rows and {figure(days)} days needed"
    return Outcome.INCONCLUSIVE, f"Only {compared.size} of the {needed}: keep the champion.", numbers


def _size(compared: Compared) -> dict[str, Any]:
    return {"rows": compared.rows, "days": compared.days}


def _interval_of(found: Compared | Against) -> dict[str, Any]:
    return {"difference": found.difference, "lower": found.lower, "upper": found.upper}
