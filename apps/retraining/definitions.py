"""What a pipeline is defined by, and where its script and its data are; pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from apps.core.errors import Invalid


@dataclass(frozen=True)
class Definition:
    """Everything a platform admin says about a pipeline, but whose it is."""

    name: str
    schema: Mapping[str, Any]  # JSON Schema 2020-12 of the parameters
    script: str = ""  # below the pipelines' folder; or, in its place, a workflow of a platform:
    command: Sequence[str] = ()  # a program and its arguments, which run the script in place of Python
    connection: str = ""  # the name of the connection to that platform
    workflow: str = ""  # what the platform calls it, such as a DAG's id
    segment_parameter: str = ""  # which of its parameters gets the segment's slug
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
    requesters: Sequence[str] = ()  # teams; none: every member of the family's team
    approval_above: int | None = None  # requests for more segments wait for an approver; None: none does
    after_success: str = "evaluate"
    visibility: str = "everyone"
    is_active: bool = True


def script_path(scripts: Path, name: str) -> Path:
    return below(scripts, name, field="script")


def program(scripts: Path, script: str, command: Sequence[str]) -> Path:
    """The file whose text decides what is run."""
    return script_path(scripts, script) if script else Path(command[0])


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
