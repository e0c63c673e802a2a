"""The small catalog: tools, positions and decisions of `data/catalog.yml`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from apps.accounts.queries import team
from apps.catalog import actions, queries
from apps.demo.seeding.company import People

if TYPE_CHECKING:
    from apps.accounts.models import User

DATA = Path(__file__).parents[1] / "data"
NEWEST = date(2026, 9, 14)  # decisions without a date of their own


def seed(people: People) -> None:
    """Nothing is written twice: a slug or a number that is there is left as it is."""
    catalog = yaml.safe_load((DATA / "catalog.yml").read_text())
    known = Known(people.operator)
    _add_capabilities(people.operator, catalog["capabilities"], known)
    since = {row["tool"]: row["since"] for row in catalog["positions"]}
    for row in catalog["tools"]:
        _add_tool(people.operator, row, known, _noon(since.get(row["slug"], NEWEST)))
    for row in catalog["decisions"]:
        _decide(people, row, known)
    for row in catalog["positions"]:
        _place(people, row, known)


class Known:
    """What the catalog holds already, by slug and number."""

    def __init__(self, reader: User) -> None:
        self.capabilities = {row.slug: row for row in queries.capabilities(actor=reader)}
        self.tools = {row.slug: row for row in queries.tools(actor=reader)}
        self.decisions = {row.number: row for row in queries.decisions(actor=reader)}


def _add_capabilities(editor: User, wanted: list[str], known: Known) -> None:
    for row in yaml.safe_load((DATA / "capabilities.yml").read_text()):
        slug = row["id"]
        if slug in wanted and slug not in known.capabilities:
            facts = actions.CapabilityFacts(name=row["name"], stage=row["stage"], need=row["need"])
            known.capabilities[slug] = actions.add_capability(actor=editor, slug=slug, facts=facts)


def _add_tool(editor: User, row: dict[str, Any], known: Known, at: datetime) -> None:
    slug = row.pop("slug")
    if slug in known.tools:
        return
    capability = known.capabilities[row.pop("capability")]
    facts = actions.ToolFacts(capability=capability, **row)
    known.tools[slug] = actions.add_tool(actor=editor, slug=slug, facts=facts, at=at)


def _decide(people: People, row: dict[str, Any], known: Known) -> None:
    if row["number"] in known.decisions:
        return
    at = _noon(row.get("date", NEWEST))
    draft = actions.draft_decision(
        actor=people.operator, text=_text(row, known), options=_options(row, known), number=row["number"], at=at
    )
    known.decisions[row["number"]] = _conclude(
        people, actions.propose_decision(actor=people.operator, decision=draft, at=at), row, at
    )


def _conclude(people: People, decision: Any, row: dict[str, Any], at: datetime) -> Any:
    if row.get("proposed"):
        return decision
    decision = actions.accept_decision(actor=people.manager, decision=decision, at=at)
    if row.get("closed"):
        decision = actions.close_decision(actor=people.manager, decision=decision, reason=row["closed"], at=at)
    return decision


def _text(row: dict[str, Any], known: Known) -> actions.Text:
    plain = {name: row[name] for name in ("title", "sourcing", "context", "outcome")}
    later = {name: row[name] for name in ("revisit_on", "trigger") if name in row}
    return actions.Text(capability=known.capabilities[row["capability"]], **plain, **later)


def _options(row: dict[str, Any], known: Known) -> list[actions.OptionDraft]:
    return [
        actions.OptionDraft(
            label=option.get("label", ""),
            tool=known.tools.get(option.get("tool", "")),
            chosen=option.get("chosen", False),
            why=option["why"],
        )
        for option in row["options"]
    ]


def _place(people: People, row: dict[str, Any], known: Known) -> None:
    tool = known.tools[row.pop("tool")]
    if hasattr(tool, "position"):
        return
    since = _noon(row.pop("since"))
    row["decision"] = known.decisions.get(row.get("decision", 0))
    row["instead"] = known.tools.get(row.get("instead", ""))
    reason = row.pop("reason", "What we run, written down.")
    opinion = actions.Opinion(owner=people.operator, team=team(slug="ml-platform"), **row)
    move = actions.propose_move(actor=people.operator, tool=tool, opinion=opinion, reason=reason, at=since)
    actions.approve_move(actor=people.manager, move=move, at=since)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)
