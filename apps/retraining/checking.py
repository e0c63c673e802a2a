"""Whether a pipeline's definition makes sense: everything that is wrong with it at once, each by its path."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apps.core.errors import Invalid
from apps.retraining.definitions import Definition, below, script_path
from apps.retraining.parameters import mistakes, schema_mistakes
from apps.retraining.shape import DEFINITION

WINDOW_NAMES = ({"as_of", "months"}, {"first", "last"})
NOWHERE = "This is needed: a script, or the connection and the workflow of a platform."
Mistakes = dict[str, str]
"""Path, such as `presets.Strong.alpha` → sentence."""


def check(definition: Definition, *, scripts: Path, data: Path) -> None:
    """Raises Invalid whose `errors` name everything that is wrong."""
    lists = {"preload": list(definition.preload), "requesters": list(definition.requesters)}
    said = asdict(definition) | lists | {"team": "somebodys", "families": []}
    if errors := mistakes_of(said, scripts=scripts, data=data):
        path, sentence = next(iter(errors.items()))
        raise Invalid(f"{path}: {sentence}", field=path, errors=errors)


def mistakes_of(said: Mapping[str, Any], *, scripts: Path, data: Path) -> Mistakes:
    """Of a definition as it is written down, in the shape's words; empty if it can be taken as it is."""
    found = mistakes(DEFINITION, said, noun="setting")
    found |= _place(said, scripts) if not {"script", "connection", "workflow"} & set(found) else {}
    if "data" not in found and said.get("data"):
        found |= _inside(said["data"], data, "data")
    if "schema" in found or "schema" not in said:
        return found
    broken = schema_mistakes(said["schema"])
    return found | broken if broken else found | _window(said) | _presets(said)


def _place(said: Mapping[str, Any], scripts: Path) -> Mistakes:
    """Where it runs: a script of ours, or a workflow of a platform."""
    if not said.get("connection"):
        if said.get("workflow") or said.get("segment_parameter"):
            return {"connection": "Name the connection to the platform that has this workflow."}
        return _script(said["script"], scripts) if said.get("script") else {"script": NOWHERE}
    if said.get("script") or said.get("data") or said.get("preload"):
        return {"connection": "What a platform runs has no script, data or preload of its own here: take them out."}
    if not said.get("workflow"):
        return {"workflow": "Say what the platform calls it."}
    return _segment_parameter(said)


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
