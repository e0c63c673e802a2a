"""Whether a pipeline's definition makes sense: everything that is wrong with it at once, each by its path."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apps.core.errors import Invalid
from apps.retraining.definitions import Definition, below, script_path
from apps.retraining.parameters import mistakes, schema_mistakes
from apps.retraining.shape import DEFINITION

WINDOW_NAMES = ({"as_of", "months"}, {"first", "last"})
NOWHERE = "This is needed: a script, a command, or the connection and the workflow of a platform."
Mistakes = dict[str, str]
"""Path, such as `presets.Strong.alpha` → sentence."""


def check(definition: Definition, *, scripts: Path, data: Path, commands: bool = False) -> None:
    """Raises Invalid whose `errors` name everything that is wrong."""
    lists = {name: list(getattr(definition, name)) for name in ("preload", "requesters", "command")}
    said = asdict(definition) | lists | {"team": "somebodys", "families": []}
    if errors := mistakes_of(said, scripts=scripts, data=data, commands=commands):
        path, sentence = next(iter(errors.items()))
        raise Invalid(f"{path}: {sentence}", field=path, errors=errors)


def mistakes_of(said: Mapping[str, Any], *, scripts: Path, data: Path, commands: bool = False) -> Mistakes:
    """Of a definition as it is written down, in the shape's words; empty if it can be taken as it is.

    `commands`: whether a pipeline may be a command.
    """
    found = mistakes(DEFINITION, said, noun="setting")
    if not {"script", "connection", "workflow"} & set(found) and not any(path.startswith("command") for path in found):
        found |= _place(said, scripts, commands=commands)
    if "data" not in found and said.get("data"):
        found |= _inside(said["data"], data, "data")
    if "schema" in found or "schema" not in said:
        return found
    broken = schema_mistakes(said["schema"])
    return found | broken if broken else found | _window(said) | _presets(said)


def _place(said: Mapping[str, Any], scripts: Path, *, commands: bool) -> Mistakes:
    """Where it runs: a script or a command of ours, or a workflow of a platform."""
    if not said.get("connection"):
        if said.get("workflow") or said.get("segment_parameter"):
            return {"connection": "Name the connection to the platform that has this workflow."}
        wrong = _command(said, commands=commands) if said.get("command") else {}
        if said.get("script"):
            wrong |= _script(said["script"], scripts)
        return wrong if said.get("script") or said.get("command") else {"script": NOWHERE}
    if any(said.get(name) for name in ("script", "command", "data", "preload")):
        return {
            "connection": "What a platform runs has no script, command, data or preload of its own here: take them out."
        }
    if not said.get("workflow"):
        return {"workflow": "Say what the platform calls it."}
    return _segment_parameter(said)


def _command(said: Mapping[str, Any], *, commands: bool) -> Mistakes:
    command = said["command"]
    if not commands:
        return {"command": "Commands are switched off: whoever runs the portal sets PIPELINE_COMMANDS=1."}
    if said.get("preload"):
        return {"preload": "A command begins anew each time, so nothing is imported for it: take this out."}
    if "{script}" in command and not said.get("script"):
        return {"script": "The command names {script}: say which file of the pipelines' folder that is."}
    return _program(Path(command[0]))


def _program(path: Path) -> Mistakes:
    if path.is_absolute() and path.is_file() and os.access(path, os.X_OK):
        return {}
    return {"command": f"It begins with the whole path of a program that can be run; {str(path)[:100]!r} is none here."}


def _segment_parameter(said: Mapping[str, Any]) -> Mistakes:
    schema = said.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if isinstance(properties, Mapping) and said.get("segment_parameter") in properties:
        return {"segment_parameter": "The portal fills it in with the segment: take it out of the schema."}
    return {}


def _script(name: str, scripts: Path) -> Mistakes:
    wrong = _inside(name, scripts, "script")
    if wrong or script_path(scripts, name).is_file():
        return wrong
    return {"script": f"There is no file {name!r} in the pipelines' folder, which is {scripts}."}


def _inside(name: str, root: Path, field: str) -> Mistakes:
    try:
        below(root, name, field=field)
    except Invalid as error:
        return error.errors
    return {}


def _window(said: Mapping[str, Any]) -> Mistakes:
    window = said.get("window", {})
    if not isinstance(window, Mapping) or not window:
        return {}
    if set(window) not in WINDOW_NAMES:
        return {"window": "The window is as_of and months, or first and last; each names a parameter."}
    known = said["schema"]["properties"]
    return {
        f"window.{word}": f"The schema has no parameter {name!r}."
        for word, name in window.items()
        if isinstance(name, str) and name not in known
    }


def _presets(said: Mapping[str, Any]) -> Mistakes:
    presets = said.get("presets", {})
    if not isinstance(presets, Mapping):
        return {}
    schema = {**said["schema"], "required": []}  # a preset fills in a part; the rest is asked for
    found: Mistakes = {}
    for name, values in presets.items():
        if isinstance(values, Mapping):
            wrong = mistakes(schema, values)
            found |= {f"presets.{name}.{path}" if path else f"presets.{name}": told for path, told in wrong.items()}
    return found
