"""The catalog in formats of other products. Pure: rows come in, text goes out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import yaml

from apps.catalog.radar import QUADRANTS, RINGS, STAGES, Blip

if TYPE_CHECKING:
    from apps.catalog.models import Decision, RingMove, Tool

LIFECYCLES = {"adopt": "production", "trial": "experimental", "assess": "experimental"}
ANNOTATION = "mlportal.example"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run by spreadsheets."""
ATOM = "http://www.w3.org/2005/Atom"


def byor(tools: Iterable[Tool], moved: dict[str, str]) -> list[dict[str, str]]:
    """Entries of Build Your Own Radar; `moved` says how a tool has moved lately, by slug."""
    words = {"in": "moved in", "out": "moved out", "new": "new"}
    return [
        {
            "name": tool.name,
            "ring": tool.position.ring,
            "quadrant": QUADRANTS[STAGES[tool.capability.stage]],
            "isNew": "TRUE" if moved.get(tool.slug) == "new" else "FALSE",
            "status": words.get(moved.get(tool.slug, ""), "no change"),
            "description": tool.summary or tool.capability.need,
        }
        for tool in tools
        if tool.position.ring in RINGS
    ]


def byor_csv(tools: Iterable[Tool], moved: dict[str, str]) -> str:
    return table(["name", "ring", "quadrant", "isNew", "status", "description"], byor(tools, moved))


def byor_json(tools: Iterable[Tool], moved: dict[str, str]) -> str:
    return json.dumps(byor(tools, moved), indent=1, ensure_ascii=False)


def tech_radar(blips: Iterable[Blip], moves: Iterable[RingMove], site: str) -> str:
    """What Backstage's tech-radar plugin loads."""
    told: dict[str, list[dict[str, Any]]] = {}
    for move in moves:
        entry = {"moved": {"in": 1, "out": -1}.get(move.direction, 0), "ringId": move.to_ring}
        told.setdefault(move.tool.slug, []).append(entry | {"date": f"{move.applied_on}", "description": move.reason})
    shown = {
        "title": "Radar",
        "quadrants": [{"id": str(number), "name": name} for number, name in enumerate(QUADRANTS)],
        "rings": [{"id": ring, "name": ring.capitalize(), "color": color} for ring, color in COLORS.items()],
        "entries": [_entry(blip, told.get(blip.slug, []), site) for blip in blips if blip.ring in RINGS],
    }
    return json.dumps(shown, indent=1, ensure_ascii=False)


COLORS = {"adopt": "#12653d", "trial": "#0a5a84", "assess": "#4a5362", "hold": "#7d4a00"}


def _entry(blip: Blip, told: list[dict[str, Any]], site: str) -> dict[str, Any]:
    now = {"moved": 0, "ringId": blip.ring, "date": f"{blip.since}", "description": ""}
    return {
        "key": blip.slug,
        "id": blip.slug,
        "title": blip.name,
        "quadrant": str(blip.quadrant),
        "url": f"{site}/tools/{blip.slug}/",
        "timeline": told or [now],
    }


def backstage(tools: Iterable[Tool], site: str) -> str:
    """Resources of type ml-tool, as one file that a Backstage Location of type url reads."""
    return yaml.safe_dump_all([_resource(tool, site) for tool in tools], allow_unicode=True, sort_keys=False)


def _resource(tool: Tool, site: str) -> dict[str, Any]:
    position = tool.position
    notes = {"ring": position.ring, "capability": tool.capability.slug, "sourcing": tool.sourcing}
    notes |= {"ecosystem": tool.ecosystem, "spdx": tool.licence}
    links = [{"url": tool.homepage, "title": "Home page"}] if tool.homepage else []
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Resource",
        "metadata": {
            "name": tool.slug,
            "title": tool.name,
            "description": tool.summary or tool.capability.need,
            "tags": [tool.capability.slug, position.ring],
            "links": [*links, {"url": f"{site}/tools/{tool.slug}/", "title": "In the ML portal"}],
            "annotations": {f"{ANNOTATION}/{name}": value for name, value in notes.items() if value},
        },
        "spec": {
            "type": "ml-tool",
            "lifecycle": LIFECYCLES.get(position.ring, "deprecated"),
            "owner": f"group:default/{position.team.slug if position.team else 'unknown'}",
        },
    }


def table(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    """CSV with a header; a cell that a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(row.get(name)) for name in columns} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    word = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return f"'{word}" if word.startswith(FORMULA) else word


def atom(moves: Sequence[RingMove], site: str) -> str:
    """Ring moves, the newest first."""
    Xml.register_namespace("", ATOM)
    feed = Xml.Element(f"{{{ATOM}}}feed")
    newest = max((move.applied_on for move in moves if move.applied_on), default=date(1970, 1, 1))
    _add(feed, title="Ring moves", id=f"{site}/radar/moves/", updated=_moment(newest))
    for move in moves:
        entry = Xml.SubElement(feed, f"{{{ATOM}}}entry")
        way = f"from {move.from_ring} to {move.to_ring}" if move.from_ring else f"new in {move.to_ring}"
        address = f"{site}/radar/moves/{move.pk}/"
        _add(entry, title=f"{move.tool.name}: {way}", id=address, updated=_moment(move.applied_on), summary=move.reason)
        Xml.SubElement(entry, f"{{{ATOM}}}link", href=address)
        _add(Xml.SubElement(entry, f"{{{ATOM}}}author"), name=str(move.proposer))
    return Xml.tostring(feed, encoding="unicode", xml_declaration=True)


def _add(parent: Xml.Element, **words: str) -> None:
    for name, value in words.items():
        Xml.SubElement(parent, f"{{{ATOM}}}{name}").text = _printable(value)


def _printable(value: str) -> str:
    """XML has no control characters."""
    return "".join(letter for letter in value if letter >= " " or letter in "\n\t")


def _moment(day: date | None) -> str:
    return f"{day or date(1970, 1, 1)}T00:00:00Z"


def calendar(decisions: Iterable[Decision], site: str, host: str) -> str:
    """iCal of the days on which to look again, and of those on which exceptions end and migrations are due."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//ML Portal//Catalog//EN", "CALSCALE:GREGORIAN"]
    for decision in decisions:
        for what, day in days_of(decision):
            lines += _event(decision, what, day, site, host)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def days_of(decision: Decision) -> list[tuple[str, date]]:
    """What happens on which day: look again, ends, everybody has moved."""
    if not decision.is_open:
        return []
    found = {"Look again": decision.look_again_on, "Ends": decision.expires_on, "Everybody has moved": decision.move_by}
    return [(what, day) for what, day in found.items() if day]


def _event(decision: Decision, what: str, day: date, site: str, host: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{decision.label}-{what.replace(' ', '-').lower()}@{host}",
        f"DTSTAMP:{datetime.combine(day, datetime.min.time(), tzinfo=UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(f'{what}: {decision}')}",
        f"DESCRIPTION:{_escaped(decision.trigger)}",
        f"URL:{site}/decisions/{decision.label}/",
        "END:VEVENT",
    ]


def _escaped(words: str) -> str:
    plain = " ".join(words.split())
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """At most 75 bytes a line; the rest begins with a space."""
    pieces, piece = [], ""
    for letter in line:
        if len((piece + letter).encode()) > 73:
            pieces.append(piece)
            piece = ""
        piece += letter
    return "\r\n ".join([*pieces, piece])
