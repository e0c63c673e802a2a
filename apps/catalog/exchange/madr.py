"""Decisions as MADR 4.0 Markdown, both ways; our own words are further keys of its front matter."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

from apps.catalog.exchange.sheet import DecisionRow, Sheet

if TYPE_CHECKING:
    from apps.catalog.models import Decision

FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
SECTION = re.compile(r"(?m)^##\s+(.+?)\s*$")
PART = re.compile(r"(?m)^###\s+(.+?)\s*$")
CHOSEN = re.compile(r"^Chosen option: [“\"']?(.+?)[”\"']?, because (.*)\Z", re.DOTALL)
NUMBER = re.compile(r"^(?:ADR-)?([0-9]{1,9})")


def read_madr(text: str) -> Sheet:
    """One decision of a file."""
    sheet = Sheet("MADR")
    front = FRONT.match(text + "\n")
    keys = _keys(front[1]) if front else {}
    body = text[front.end() :] if front else text
    title = re.search(r"(?m)^# +(.+?) *$", body)
    if not title or not keys.get("capability"):
        sheet.problem(1, "A decision needs a title (# …) and a capability in its front matter.")
        return sheet
    found = _sections(body, SECTION)
    sheet.decisions.append(DecisionRow(1, _number(keys), _words(title[1], keys, found), _options(keys, found)))
    return sheet


def write_madr(decision: Decision) -> str:
    """The whole decision; reading it again gives the same words."""
    options = list(decision.options.all())
    chosen = next((option for option in options if option.chosen), None)
    front = yaml.safe_dump(_front(decision, chosen), allow_unicode=True, sort_keys=False)
    outcome = decision.outcome
    parts = [f"---\n{front}---\n# {decision.title}", _part("## Context and Problem Statement", decision.context)]
    parts += [_part("## Decision Drivers", decision.drivers)]
    parts += [_part("## Considered Options", "\n".join(f"* {option.label}" for option in options))]
    parts += [_part("## Decision Outcome", outcome or "Not decided yet.")]
    parts += [_part("### Consequences", decision.consequences), _part("### Confirmation", decision.confirmation)]
    said = "\n\n".join(f"### {option.label}\n\n{option.why}" for option in options if option.why)
    parts += [_part("## Pros and Cons of the Options", said), _part("## More Information", _more(decision))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(decision: Decision, chosen: Any) -> dict[str, Any]:
    said = {
        "status": decision.status,
        "date": decision.decided_on,
        "decision-makers": [decision.decided_by.username] if decision.decided_by else [],
        "number": decision.label,
        "capability": decision.capability.slug,
        "sourcing": decision.sourcing,
        "kind": decision.kind,
        "options": [option.tool.slug if option.tool else option.label for option in decision.options.all()],
        "chosen": (chosen.tool.slug if chosen.tool else chosen.label) if chosen else None,
        "revisit": decision.revisit_on,
        "trigger": decision.trigger,
        "trigger-met": decision.trigger_met_on,
        "expires": decision.expires_on,
    }
    return {name: value for name, value in said.items() if value}


def _more(decision: Decision) -> str:
    said = []
    if decision.revisit_on:
        said.append(f"To be revisited on {decision.revisit_on}.")
    if decision.trigger:
        said.append(f"Or earlier, when: {decision.trigger}.")
    if decision.closed_because:
        said.append(f"Closed: {decision.closed_because}")
    if decision.superseded_by:
        said.append(f"Superseded by {decision.superseded_by}.")
    return "\n\n".join(said)


def _part(heading: str, text: str) -> str:
    return f"{heading}\n\n{text.strip()}" if text.strip() else ""


def _keys(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _sections(body: str, heading: re.Pattern[str]) -> dict[str, str]:
    pieces = heading.split(body)
    return {name.strip().lower(): text.strip() for name, text in zip(pieces[1::2], pieces[2::2], strict=False)}


def _words(title: str, keys: dict[str, Any], found: dict[str, str]) -> dict[str, Any]:
    outcome, parts = _outcome(found.get("decision outcome", ""))
    said = {
        "title": title[:200],
        "capability": str(keys["capability"]),
        "sourcing": str(keys.get("sourcing") or "open-source"),
        "context": found.get("context and problem statement", ""),
        "drivers": found.get("decision drivers", ""),
        "outcome": outcome,
        "consequences": parts.get("consequences", ""),
        "confirmation": parts.get("confirmation", ""),
        "revisit_on": _day(keys.get("revisit")),
        "trigger": str(keys.get("trigger") or "")[:300],
    }
    return {name: value for name, value in said.items() if value}


def _outcome(text: str) -> tuple[str, dict[str, str]]:
    first = PART.search(text)
    words = (text[: first.start()] if first else text).strip()
    return ("" if words == "Not decided yet." else words), _sections(text, PART)


def _options(keys: dict[str, Any], found: dict[str, str]) -> list[dict[str, Any]]:
    labels = [
        line[1:].strip() for line in found.get("considered options", "").splitlines() if line[:1] in "*-" and line
    ]
    tools = [str(one) for one in keys.get("options") or []] if isinstance(keys.get("options"), list) else []
    reasons = _sections(found.get("pros and cons of the options", ""), PART)
    tools = tools if len(tools) == len(labels) else [""] * len(labels)
    return [
        {
            "label": label[:100],
            "tool": tool,
            "chosen": bool(tool) and tool == keys.get("chosen"),
            "why": " ".join(reasons.get(label.lower(), "").split())[:500],
        }
        for label, tool in zip(labels, tools, strict=True)
    ]


def _number(keys: dict[str, Any]) -> int | None:
    found = NUMBER.match(str(keys.get("number") or ""))
    return int(found[1]) if found else None


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) else None
