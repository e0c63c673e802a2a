"""No leakage: neither candidate nor champion was trained on what it is evaluated on."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from apps.registry.gates.facts import Compared, Facts, Outcome, Said, Trained
from apps.registry.gates.wording import day


def no_leakage(facts: Facts, compared: Compared, settings: Mapping[str, Any]) -> Said:
    """A label of day d is known `label_delay_days` later: training must end that long before the window begins."""
    latest = compared.first - timedelta(days=facts.label_delay_days + 1)
    versions = [facts.candidate] + ([facts.champion] if facts.champion else [])
    trained = {version.label: version.through and str(version.through) for version in versions}
    numbers = trained | {"latest": str(latest), "rows": compared.rows, "days": compared.days}
    judged = [version for version in versions if not _may_have_seen_it(version, facts)]
    leaks = [leak for version in judged if (leak := _leak(version, latest, compared.first))]
    if leaks:
        return Outcome.FAIL, " ".join(leaks), numbers
    passed = f"Training ended before {day(compared.first)}, when the evaluation begins."
    unknown = " ".join(_doubt(version) for version in versions if version not in judged)
    return Outcome.PASS, f"{passed} {unknown}".strip(), numbers


def _may_have_seen_it(version: Trained, facts: Facts) -> bool:
    """An imported champion of an unknown window: having seen these days would speak for it, so who is better anyway is
    better. Otherwise nothing could ever replace it.
    """
    return version is facts.champion and version.imported and version.through is None


def _doubt(version: Trained) -> str:
    return f"Nobody knows what {version.label}, which was imported, was trained on; these days would only help it."


def _leak(version: Trained, latest: date, first: date) -> str:
    if version.untrained:
        return ""
    if version.through is None:
        return f"Nobody knows what {version.label} was trained on, so it can not be judged on {day(first)} and later."
    if version.through > latest:
        trained = f"{version.label} was trained through {day(version.through)}"
        return f"{trained}; evaluated from {day(first)}, it may go to {day(latest)}."
    return ""
