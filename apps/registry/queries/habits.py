"""Hints that a family's tier asks for approvals that nobody really gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.approvals.queries import habits
from apps.registry.models import ModelFamily, Wave

if TYPE_CHECKING:
    from apps.approvals.queries import Habits

ALWAYS_YES = 50


def approval_hints(family: ModelFamily) -> list[str]:
    """Sentences for approvers and leads; empty when people look and sometimes refuse."""
    asked = Wave.objects.filter(family=family, approval__isnull=False)
    found = habits(asked.order_by().values("approval"))
    return [sentence for sentence in (_quick(found), _always_yes(found)) if sentence]


def _quick(found: Habits) -> str:
    if not found.quick:
        return ""
    of = "The only answer so far" if found.votes == 1 else f"{found.quick} of the last {found.votes} answers"
    return f"{of} came within 30 seconds of the question. If nobody needs to look, the family's tier is wrong."


def _always_yes(found: Habits) -> str:
    if found.yes_in_a_row < ALWAYS_YES:
        return ""
    said = f"The last {found.yes_in_a_row} answers were all yes."
    return f"{said} If nothing is ever refused, the family's tier is wrong."
