"""How a pipeline is written down, as a JSON Schema: the file, the API and the page judge a definition by it; pure."""

import json
import re
from dataclasses import asdict
from typing import Any

from apps.retraining.definitions import Definition

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
RESERVED = ("new",)  # words of addresses
AFTER_SUCCESS = ("nothing", "evaluate", "propose", "promote")
OVERLAP = ("queue", "forbid", "replace")
VISIBILITY = ("everyone", "teams")


def _slug(description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": SLUG, "maxLength": 64, "description": description}


def _count(low: int, high: int, description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "description": description}


def _text(longest: int, description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, "description": description, **more}


def _list(items: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True, "maxItems": 100, "description": description}


_PROPERTIES: dict[str, dict[str, Any]] = {
    "name": _text(100, "What people call it.", pattern=r"\S"),
    "description": _text(10_000, "What it is for, in a sentence or two."),
    "team": _slug("Whose it is."),
    "families": _list(_slug("A model family."), "What it trains."),
    "script": _text(200, "The training script, below the pipelines' folder."),
    "command": {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 1_000},
        "maxItems": 100,
        "description": "A program's path and its arguments, run in place of Python; {params_file} and {script} are "
        "filled in, no shell reads it. Where the portal's settings allow commands.",
    },
    "connection": _text(64, "In place of a script: the name of the connection to the platform that runs it."),
    "workflow": _text(250, "What that platform calls it, such as the id of a DAG."),
    "segment_parameter": _text(100, "The workflow's parameter that gets the segment's slug; it is not in the form."),
    "data": _text(200, "The folder it reads, below the pipelines' data folder; empty: none."),
    "preload": _list(_text(100, "A module."), "Imported once for many runs, not in each."),
    "schema": {"type": "object", "description": "JSON Schema 2020-12 of the parameters: what the form is made from."},
    "presets": {
        "type": "object",
        "additionalProperties": {"type": "object"},
        "propertyNames": {"minLength": 1, "maxLength": 100},
        "description": "Name → the parameters that differ from the defaults.",
    },
    "window": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Which parameters say on which days it trains: as_of and months, or first and last.",
    },
    "seconds": _count(1, 86_400, "Time limit of a run."),
    "memory_mb": _count(64, 1_048_576, "Memory limit of a run, in MB."),
    "max_concurrent": _count(1, 1_000, "So many runs on their way at a time."),
    "max_attempts": _count(1, 10, "So many tries of a run when a worker or the platform fails."),
    "overlap": {
        "enum": list(OVERLAP),
        "description": "What becomes of a segment that an earlier request still retrains.",
    },
    "canary": _count(0, 100, "So many segments run first, the others once these have ended well."),
    "stop_after": _count(0, 1_000, "So many same failures in a row hold a request; 0: never."),
    "requesters": _list(
        _slug("A team."), "Only members of these teams may request it; none: all of the family's team."
    ),
    "approval_above": {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "Requests for more segments wait for an approver of the family; 0: each one; null: none.",
    },
    "after_success": {"enum": list(AFTER_SUCCESS), "description": "What becomes of the new versions."},
    "visibility": {"enum": list(VISIBILITY), "description": "Who sees it: everyone, or its team."},
    "is_active": {"type": "boolean", "description": "false: nobody can request it any more."},
}


NEEDED = ("name", "team", "schema")
DEFAULTS = json.loads(json.dumps(asdict(Definition(name="", schema={})) | {"families": []}))
DEFINITION: dict[str, Any] = {
    "type": "object",
    "required": list(NEEDED),
    "additionalProperties": False,
    "properties": {
        name: part if name in NEEDED else {**part, "default": DEFAULTS[name]} for name, part in _PROPERTIES.items()
    },
}
"""One pipeline."""


def file_schema() -> dict[str, Any]:
    """Of a whole file, for editors that complete and check YAML by a JSON Schema."""
    schema_part = {
        **_PROPERTIES["schema"],
        "type": ["object", "string"],
        "description": "JSON Schema 2020-12 of the parameters, or the name of a file beside this one that holds it.",
    }
    one = {**DEFINITION, "properties": {**DEFINITION["properties"], "schema": schema_part}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pipelines",
        "type": "object",
        "required": ["pipelines"],
        "additionalProperties": False,
        "properties": {
            "pipelines": {"type": "object", "propertyNames": {"pattern": SLUG}, "additionalProperties": one}
        },
    }


def in_openapi() -> dict[str, Any]:
    """One pipeline in OpenAPI 3.0's words, which know neither a list of types nor rules for names."""
    properties = {name: dict(part) for name, part in DEFINITION["properties"].items()}
    properties["approval_above"] |= {"type": "integer", "nullable": True}
    del properties["presets"]["propertyNames"]
    return DEFINITION | {"properties": properties}


def slug_mistake(slug: str) -> str:
    """Why a pipeline can not be called so; empty if it can."""
    if not re.fullmatch(SLUG, slug) or len(slug) > 64:
        return f"{slug[:64]!r} is no slug: small letters, digits and single hyphens between them, 64 at most."
    return f"No pipeline can be called {slug!r}: the portal uses the word." if slug in RESERVED else ""
