"""What a pipeline is defined by, and whether it makes sense; pure but for looking whether the script is there."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from apps.core.errors import Invalid
from apps.retraining.parameters import check_schema, validate

WINDOW_NAMES = ({"as_of", "months"}, {"first", "last"})
LONGEST_SECONDS = 86_400
SMALLEST_MEMORY_MB = 64


@dataclass(frozen=True)
class Definition:
    """Everything a platform admin says about a pipeline, but whose it is."""

    name: str
    script: str  # below the pipelines' folder
    schema: Mapping[str, Any]  # JSON Schema 2020-12 of the parameters
    description: str = ""
    data: str = ""  # a folder below the pipelines' data folder
    preload: Sequence[str] = ()  # modules that are imported once for many runs
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    window: Mapping[str, str] = field(default_factory=dict)  # {"as_of": parameter, "months": parameter}
    seconds: int = 600
    memory_mb: int = 1024
    max_concurrent: int = 50
    max_attempts: int = 3
    overlap: str = "queue"  # what to do about segments that are being retrained: queue, forbid or replace
    canary: int = 0  # so many segments run first, the others once these have ended well
    stop_after: int = 5  # so many same failures in a row hold a request; 0: never
    after_success: str = "evaluate"
    visibility: str = "everyone"
    is_active: bool = True


def check(definition: Definition, *, scripts: Path, data: Path) -> None:
    """Raises Invalid naming the field that is wrong."""
    if not definition.name.strip():
        raise Invalid("Give the pipeline a name.", field="name")
    if not script_path(scripts, definition.script).is_file():
        raise Invalid(f"There is no file {definition.script!r} in the pipelines' folder.", field="script")
    if definition.data:
        below(data, definition.data, field="data")
    check_schema(definition.schema)
    _check_numbers(definition)
    _check_window(definition)
    _check_presets(definition)


def script_path(scripts: Path, name: str) -> Path:
    return below(scripts, name, field="script")


def below(root: Path, name: str, *, field: str) -> Path:
    """The path of a relative name; raises Invalid for one that could lead outside of the root."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        raise Invalid("Give a path below the folder, without a leading '/' and without '..'.", field=field)
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise Invalid("This path leads out of its folder.", field=field)
    return path


def sha256_of(script: Path) -> str:
    """Digest of the script's text, 64 hex digits."""
    return hashlib.sha256(script.read_bytes()).hexdigest()


def _check_numbers(definition: Definition) -> None:
    if not 1 <= definition.seconds <= LONGEST_SECONDS:
        raise Invalid(f"The time limit is between 1 and {LONGEST_SECONDS:,} seconds.", field="seconds")
    if definition.memory_mb < SMALLEST_MEMORY_MB:
        raise Invalid(f"A run needs at least {SMALLEST_MEMORY_MB} MB.", field="memory_mb")
    if not 1 <= definition.max_concurrent <= 1_000:
        raise Invalid("Between 1 and 1,000 runs can be on their way at a time.", field="max_concurrent")
    if not 0 <= definition.canary <= 100:
        raise Invalid("Between 0 and 100 segments can run first.", field="canary")
    if not 0 <= definition.stop_after <= 1_000:
        raise Invalid(
            "Say after how many same failures in a row to stop: 1 to 1,000, or 0 for never.", field="stop_after"
        )
    if not 1 <= definition.max_attempts <= 10:
        raise Invalid("A run can be tried between 1 and 10 times.", field="max_attempts")


def _check_window(definition: Definition) -> None:
    names = set(definition.window)
    if names and names not in WINDOW_NAMES:
        raise Invalid("The window is {'as_of', 'months'} or {'first', 'last'}, each a parameter.", field="window")
    if unknown := set(definition.window.values()) - set(definition.schema["properties"]):
        raise Invalid(f"The schema has no parameter {sorted(unknown)[0]!r}.", field="window")


def _check_presets(definition: Definition) -> None:
    for name, values in definition.presets.items():
        try:
            validate(definition.schema, values)
        except Invalid as error:
            raise Invalid(f"The preset {name!r} does not fit the schema: {error.message}", field="presets") from error
