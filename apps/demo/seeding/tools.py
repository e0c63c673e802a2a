"""The catalog: 284 known tools (`ml_tools.csv`), the company's positions, decisions, uses and gaps (`catalog.yml`)."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from apps.accounts.queries import team, user
from apps.catalog import actions, queries
from apps.demo.seeding.company import People

if TYPE_CHECKING:
    from apps.accounts.models import User

DATA = Path(__file__).parents[1] / "data"
NEWEST = date(2026, 9, 14)  # decisions without a date of their own
MEASURED_ON = "2026-11-22"
TEXTS = (
    *("title", "sourcing", "kind", "context", "drivers", "outcome", "consequences", "criteria", "revisit_on"),
    *("trigger", "trigger_kind", "weeks_saved", "expires_on", "move_by"),
)


def seed(people: People) -> None:
    """Nothing is written twice: a slug, a number or a name that is there is left as it is."""
    catalog = yaml.safe_load((DATA / "catalog.yml").read_text())
    _add_capabilities(people.operator)
    _add_tools(people.operator, catalog["tools"])
    known = Known(people.operator)
    for row in catalog["decisions"]:
        _decide(people, row, known)
    for row in catalog["positions"]:
        _place(people, row, known)
    if not queries.editions(actor=people.operator).exists():
        _tell_the_rest(people, catalog, known)


class Known:
    """What the catalog holds already, by slug and number."""

    def __init__(self, reader: User) -> None:
        self.capabilities = {row.slug: row for row in queries.capabilities(actor=reader)}
        self.tools = {row.slug: row for row in queries.tools(actor=reader)}
        self.decisions = {row.number: row for row in queries.decisions(actor=reader)}


def _add_capabilities(editor: User) -> None:
    there = {row.slug for row in queries.capabilities(actor=editor)}
    for row in yaml.safe_load((DATA / "capabilities.yml").read_text()):
        if row["id"] not in there:
            facts = actions.CapabilityFacts(name=row["name"], stage=row["stage"], need=row["need"])
            actions.add_capability(actor=editor, slug=row["id"], facts=facts)


def _add_tools(editor: User, ours: list[dict[str, Any]]) -> None:
    """The world's facts, then what we add to those that we have an opinion of."""
    there = {tool.slug: tool for tool in queries.tools(actor=editor)}
    if "apache-airflow" in there:
        return
    actions.import_file(actor=editor, content=(DATA / "ml_tools.csv").read_text(), source="ml_tools.csv, Nov 2026")
    known, traction = Known(editor), _traction()
    for row in ours:
        _describe(editor, row, known, traction)


def _describe(editor: User, row: dict[str, Any], known: Known, traction: dict[str, dict[str, Any]]) -> None:
    low, high = row.get("learn", (None, None))
    capability = known.capabilities[row["capability"]]
    said: dict[str, Any] = {"summary": row["summary"], "learning_days_low": low, "learning_days_high": high}
    tool = known.tools.get(row["slug"])
    if tool is None:
        name = row["slug"].replace("-", " ").capitalize()
        facts = actions.ToolFacts(name=name, capability=capability, sourcing="build", **said)
        actions.add_tool(actor=editor, slug=row["slug"], facts=facts, at=_noon(date(2019, 6, 17)))
        return
    measured = traction.get(tool.repo.removeprefix("https://github.com/").lower(), {})
    said["pypi_name"] = row.get("pypi", tool.pypi_name)
    facts = replace(actions.ToolFacts.of(tool), capability=capability, traction=measured, **said)
    actions.edit_tool(actor=editor, tool=tool, facts=facts)


def _traction() -> dict[str, dict[str, Any]]:
    """Figures by repository, as read from its git history."""
    with (DATA / "traction.csv").open() as file:
        return {row["repo"].lower(): _figures(row) for row in csv.DictReader(file)}


def _figures(row: dict[str, str]) -> dict[str, Any]:
    renamed = {"releases_12m": row["release_tags_12m"], "last_release_date": row["last_release_date"]}
    counted = {name: int(row[name]) for name in ("commits_12m", "contributors_12m", "contributor_absence_factor")}
    return {**counted, **renamed, "releases_12m": int(row["release_tags_12m"]), "as_of": MEASURED_ON}


def _decide(people: People, row: dict[str, Any], known: Known) -> None:
    if row["number"] in known.decisions:
        return
    at = _noon(row.get("date", NEWEST))
    draft = actions.draft_decision(
        actor=people.operator, text=_text(people, row, known), options=_options(row, known), number=row["number"], at=at
    )
    proposed = actions.propose_decision(actor=people.operator, decision=draft, at=at)
    known.decisions[row["number"]] = proposed if row.get("proposed") else _conclude(people, proposed, row, at, known)


def _conclude(people: People, decision: Any, row: dict[str, Any], at: datetime, known: Known) -> Any:
    was_known = _dated(row["known"]) if "known" in row else None
    decision = actions.accept_decision(actor=people.manager, decision=decision, known=was_known, at=at)
    if older := row.get("supersedes"):
        actions.supersede_decision(actor=people.manager, decision=known.decisions[older], by=decision, at=at)
    if row.get("closed"):
        met, reason = row.get("trigger_met_on"), row["closed"]
        day = _noon(met) if met else at
        actions.close_decision(actor=people.manager, decision=decision, reason=reason, trigger_met_on=met, at=day)
    if said := row.get("look_back"):
        _look_back(people, decision, said)
    return decision


def _look_back(people: People, decision: Any, said: dict[str, Any]) -> None:
    day = _noon(said["on"])
    verdict, text = said["verdict"], said["text"]
    actions.look_back(actor=people.manager, decision=decision, verdict=verdict, text=text, at=day)


def _dated(known: dict[str, Any]) -> dict[str, Any]:
    return {**known, "on": str(known["on"])}


def _text(people: People, row: dict[str, Any], known: Known) -> actions.Text:
    plain = {name: row[name] for name in TEXTS if name in row}
    tools: dict[str, Any] = {
        name: known.tools[row[name]] for name in ("tool", "moves_from", "trigger_tool") if name in row
    }
    whose: dict[str, Any] = {"team": team(slug=row["team"])} if "team" in row else {}
    capability = known.capabilities[row["capability"]]
    return actions.Text(capability=capability, owner=people.operator, **plain, **tools, **whose)


def _options(row: dict[str, Any], known: Known) -> list[actions.OptionDraft]:
    return [actions.OptionDraft(**option | _tool_of(option, known)) for option in row["options"]]


def _tool_of(option: dict[str, Any], known: Known) -> dict[str, Any]:
    return {"tool": known.tools.get(option.get("tool", ""))}


def _place(people: People, row: dict[str, Any], known: Known) -> None:
    tool = known.tools[row.pop("tool")]
    if hasattr(tool, "position"):
        return
    since = _noon(row.pop("since"))
    row["decision"] = known.decisions.get(row.get("decision", 0))
    row["instead"] = known.tools.get(row.get("instead", ""))
    reason = row.pop("reason", "What we do, written down.")
    opinion = actions.Opinion(owner=people.operator, team=team(slug="ml-platform"), **row)
    move = actions.propose_move(actor=people.operator, tool=tool, opinion=opinion, reason=reason, at=since)
    actions.approve_move(actor=people.manager, move=move, at=since)


def _tell_the_rest(people: People, catalog: dict[str, Any], known: Known) -> None:
    """Uses, gaps, requests and earlier editions of the radar."""
    for row in catalog["uses"]:
        _use(people.operator, row, known)
    for row in catalog["gaps"]:
        _lack(people.operator, row, known)
    for row in catalog["requests"]:
        _wish(row, known)
    for row in catalog["editions"]:
        actions.publish_edition(actor=people.operator, name=row["name"], at=_noon(row["on"]))
    airflow = known.tools["apache-airflow"]
    actions.name_experts(actor=people.operator, tool=airflow, experts=[people.operator, people.scientist, people.lead])


def _use(editor: User, row: dict[str, Any], known: Known) -> None:
    usage = actions.declare_usage(
        actor=editor,
        tool=known.tools[row["tool"]],
        kind=row["kind"],
        name=row.get("name", row["team"]),
        team=team(slug=row["team"]),
        evidence=row.get("evidence", ""),
        at=_noon(date(2026, 5, 5)),
    )
    if until := row.get("until"):
        actions.end_usage(actor=editor, usage=usage, at=_noon(until))


def _lack(editor: User, row: dict[str, Any], known: Known) -> None:
    gap = actions.Gap(
        title=row["title"],
        pain=row["pain"],
        workaround=row["workaround"],
        upstream=row["upstream"],
        better=known.tools.get(row.get("better", "")),
    )
    teams = [team(slug=slug) for slug in row["hurts"]]
    tool, at = known.tools[row["tool"]], _noon(row["opened"])
    found = actions.record_gap(actor=editor, tool=tool, gap=gap, hurts=teams, at=at)
    if shipped := row.get("shipped"):
        actions.edit_gap(actor=editor, gap=found, wanted=replace(gap, upstream="shipped"), at=_noon(shipped))


def _wish(row: dict[str, Any], known: Known) -> None:
    wish = actions.Wish(
        name=row["name"],
        tool=known.tools.get(row.get("tool", "")),
        capability=known.capabilities[row["capability"]],
        need=row["need"],
        why_not_existing=row["why"],
        team=team(slug=row["team"]),
        people=row["people"],
        connects_to=row["connects_to"],
    )
    actions.request_tool(actor=user(username=row["by"]), wish=wish, at=_noon(row["asked"]))


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)
