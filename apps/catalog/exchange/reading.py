"""Files of other products → Sheet; the format is recognised by what is in the file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import yaml
from django.utils.text import slugify

from apps.catalog.exchange.madr import read_madr
from apps.catalog.exchange.sheet import (
    MOST_BYTES,
    DistributionRow,
    RingRow,
    Sheet,
    ToolRow,
    limited,
)
from apps.core.errors import Invalid

RINGS = {
    "caution": "hold",
    "adopt": "adopt",
    "trial": "trial",
    "assess": "assess",
    "hold": "hold",
    "retired": "retired",
}
STAGES = ("data", "build", "ship", "run", "govern")
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([^\s;#]+)")
KNOWN = (
    "BYOR CSV or JSON, Zalando's config.json, landscape.yml, Backstage catalog-info.yaml, MADR, pip freeze, "
    "or a CSV of facts about tools"
)


def read(content: str) -> Sheet:
    """Raises Invalid for a file that nobody here can read."""
    if len(content.encode()) > MOST_BYTES:
        raise Invalid(f"A file may have {MOST_BYTES // 1024**2} MB.", field="content")
    text = content.lstrip("\ufeff").strip()
    for looks_like, reader in READERS:
        if looks_like(text):
            return limited(reader(text))
    raise Invalid(f"This format is not known here; it takes {KNOWN}.", field="content")


def read_byor_csv(text: str) -> Sheet:
    sheet = Sheet("BYOR CSV")
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        _ring(sheet, line, {str(key).strip().lower(): value for key, value in row.items()})
    return sheet


def read_byor_json(text: str) -> Sheet:
    sheet, rows = Sheet("BYOR JSON"), _loaded(json.loads, text)
    for line, row in enumerate(rows if isinstance(rows, list) else [], start=1):
        if isinstance(row, dict):
            _ring(sheet, line, {str(key).strip().lower(): value for key, value in row.items()})
        else:
            sheet.problem(line, "An entry is an object with a name and a ring.")
    return sheet


def read_zalando(text: str) -> Sheet:
    """Rings are numbers, from the inside."""
    sheet, document = Sheet("Zalando radar"), _loaded(json.loads, text)
    for line, entry in enumerate(_dicts(document.get("entries")), start=1):
        ring = FROM_INSIDE.get(_word(entry.get("ring")), "")
        _ring(sheet, line, {"name": entry.get("label"), "ring": ring})
    return sheet


FROM_INSIDE = {"0": "adopt", "1": "trial", "2": "assess", "3": "hold"}


def read_facts_csv(text: str) -> Sheet:
    """`slug,name,capability,…`, one tool a line."""
    sheet = Sheet("CSV of tools")
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        if not row.get("slug") or not row.get("name") or not row.get("capability"):
            sheet.problem(line, "A tool needs a slug, a name and a capability.")
            continue
        sheet.tools.append(ToolRow(line, row["slug"], _facts_of(row)))
    return sheet


def read_landscape(text: str) -> Sheet:
    sheet = Sheet("landscape.yml")
    document = _loaded(_yaml, text)
    categories = document.get("landscape", document.get("categories")) if isinstance(document, dict) else None
    for number, (stage, need, item) in enumerate(_items(categories), start=1):
        name = _word(item.get("name"))
        if not name or not slugify(name):
            sheet.problem(number, "An item needs a name.")
            continue
        sheet.tools.append(ToolRow(number, slugify(name)[:64], _landscape_facts(item, name, need), stage))
    return sheet


def read_backstage(text: str) -> Sheet:
    sheet = Sheet("Backstage catalog-info.yaml")
    for number, entity in enumerate(_loaded(_yaml_all, text), start=1):
        if not isinstance(entity, dict) or not isinstance(entity.get("metadata"), dict):
            sheet.problem(number, "An entity needs metadata with a name.")
        elif (entity.get("spec") or {}).get("type") == "ml-tool":
            _entity(sheet, number, entity["metadata"])
    return sheet


def read_freeze(text: str) -> Sheet:
    sheet = Sheet("pip freeze")
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.strip()
        if not words or words.startswith(("#", "-")) or " @ " in words:
            continue
        if found := PIN.match(words):
            sheet.distributions.append(DistributionRow(number, found[1], found[2]))
        else:
            sheet.problem(number, "A line of pip freeze is name==version.")
    return sheet


def _ring(sheet: Sheet, line: int, row: dict[str, Any]) -> None:
    name, ring = _word(row.get("name")), _word(row.get("ring")).lower()
    if not name:
        sheet.problem(line, "An entry needs a name.")
    elif ring not in RINGS:
        sheet.problem(line, f"{name}: there is no ring {ring[:20]!r}; known are {', '.join(RINGS)}.")
    else:
        sheet.rings.append(RingRow(line, name, RINGS[ring], _word(row.get("description"))[:500]))


def _facts_of(row: dict[str, str]) -> dict[str, Any]:
    said = {
        **{name: row.get(name) for name in PLAIN},
        "pypi_name": row.get("pypi_package") or row.get("pypi_name"),
        "latest_version": row.get("pypi_latest_version") or row.get("latest_version"),
        "released_on": day_of(row.get("pypi_latest_month") or row.get("released_on")),
        "milestones": {name: row[name] for name in MILESTONES if row.get(name)},
        "offerings": [{"name": name, "ended": None} for name in _listed(row.get("managed_offerings"))],
        "others": _others(row),
    }
    found = {name: value for name, value in said.items() if value}
    doubtful = [*(["licence"] if row.get("licence_basis", "").startswith("general") and row.get("licence") else [])]
    doubtful += [name for name in ("ecosystem", "offerings") if "licence_basis" in row and found.get(name)]
    return found | ({"unverified": doubtful} if doubtful else {})


PLAIN = (
    *("name", "summary", "capability", "sourcing", "ecosystem", "vendor", "homepage", "repo", "licence", "foundation"),
    "foundation_stage",
)
MILESTONES = ("accepted", "incubating", "graduated", "archived")


def _others(row: dict[str, str]) -> list[dict[str, str]]:
    if not row.get("tw_ring"):
        return []
    return [{"who": "Thoughtworks Technology Radar", "ring": row["tw_ring"], "on": row.get("tw_ring_date", "")}]


def _items(categories: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for category in _dicts(categories):
        stage = slugify(_word(category.get("name")))
        for sub in _dicts(category.get("subcategories")):
            for item in _dicts(sub.get("items")):
                yield stage if stage in STAGES else "govern", _word(sub.get("name")), item


def _landscape_facts(item: dict[str, Any], name: str, need: str) -> dict[str, Any]:
    extra: dict[str, Any] = item["extra"] if isinstance(item.get("extra"), dict) else {}
    said = {
        "name": name[:100],
        "summary": _word(item.get("description"))[:280],
        "capability": need,
        "sourcing": "open-source" if item.get("repo_url") else "rent",
        "homepage": _address(item.get("homepage_url")),
        "repo": _address(item.get("repo_url")),
        "licence": _word(item.get("license"))[:64],
        "foundation_stage": _word(item.get("project")) if item.get("project") in FOUNDATION else "",
        "milestones": {name: str(extra[name]) for name in MILESTONES if day_of(str(extra.get(name) or ""))},
    }
    return {name: value for name, value in said.items() if value}


FOUNDATION = ("sandbox", "incubating", "graduated", "archived")


def _entity(sheet: Sheet, line: int, metadata: dict[str, Any]) -> None:
    notes = {key.split("/")[-1]: str(value) for key, value in (metadata.get("annotations") or {}).items()}
    slug, tags = _word(metadata.get("name")), [str(tag) for tag in metadata.get("tags") or []]
    links = [link.get("url") for link in _dicts(metadata.get("links")) if link.get("title") == "Home page"]
    said = {
        "name": _word(metadata.get("title")) or slug,
        "summary": _word(metadata.get("description"))[:280],
        "capability": notes.get("capability") or next((tag for tag in tags if tag not in RINGS), ""),
        "sourcing": notes.get("sourcing", ""),
        "ecosystem": notes.get("ecosystem", ""),
        "licence": notes.get("spdx", ""),
        "homepage": _address(links[0]) if links else "",
    }
    sheet.tools.append(ToolRow(line, slug, {name: value for name, value in said.items() if value}))
    if notes.get("ring") in RINGS:
        sheet.rings.append(RingRow(line, slug, RINGS[notes["ring"]], "As in the Backstage catalog."))


def day_of(word: str | None) -> date | None:
    """A day, or the first of a month (2026-09); None for anything else."""
    try:
        return date.fromisoformat(f"{word}-01" if word and len(word) == 7 else word or "")
    except ValueError:
        return None


def _address(value: Any) -> str:
    word = _word(value)
    return word if word.startswith(("https://", "http://")) and len(word) <= 200 else ""


def _word(value: Any) -> str:
    return " ".join(str(value).split()) if value is not None else ""


def _listed(value: str | None) -> list[str]:
    return [name.strip()[:100] for name in (value or "").split(";") if name.strip()]


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _loaded(load: Callable[[str], Any], text: str) -> Any:
    try:
        return load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        sentence = " ".join(str(error).split())[:200]
        raise Invalid(f"This file can not be read: {sentence}.", field="content") from error


def _yaml(text: str) -> Any:
    return yaml.load(_without_anchors(text), Loader=SAFE)  # noqa: S506  (a safe loader)


def _yaml_all(text: str) -> list[Any]:
    return list(yaml.load_all(_without_anchors(text), Loader=SAFE))


SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ANCHOR = re.compile(r"(?m)(?:[:?-]\s+|[\[{,]\s*)&\w")


def _without_anchors(text: str) -> str:
    """Ten lines of anchors and aliases can name a billion things, and no catalog needs them."""
    if ANCHOR.search(text):
        raise ValueError("anchors (&name) are not taken")
    return text


def _header(text: str) -> list[str]:
    return [name.strip().lower() for name in text.split("\n", 1)[0].split(",")]


READERS: tuple[tuple[Callable[[str], bool], Callable[[str], Sheet]], ...] = (
    (lambda text: text.startswith("["), read_byor_json),
    (lambda text: text.startswith("{") and '"entries"' in text, read_zalando),
    (lambda text: {"slug", "name", "capability"} <= set(_header(text)), read_facts_csv),
    (lambda text: {"name", "ring"} <= set(_header(text)), read_byor_csv),
    (lambda text: bool(re.search(r"(?m)^(landscape|categories):", text)), read_landscape),
    (lambda text: "backstage.io/" in text and bool(re.search(r"(?m)^kind:", text)), read_backstage),
    (lambda text: bool(re.search(r"(?m)^# \S", text)) and bool(re.search(r"(?m)^## ", text)), read_madr),
    (lambda text: any(PIN.match(line.strip()) for line in text.splitlines()[:50]), read_freeze),
)
