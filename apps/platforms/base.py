"""The shapes between the portal and the places where training runs; free of Django."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Limits:
    """What one run may use; passing `log_bytes` shortens the log, passing another one ends the run."""

    seconds: float  # wall clock, from the fork to the end
    memory_mb: int  # of the script and everything it started, together
    log_bytes: int
    output_bytes: int  # of all files in the run's folder together


@dataclass(frozen=True)
class Work:
    """One attempt at one segment: which script, with what, within which limits."""

    key: str  # "<segment run uuid>-<attempt>": names the scratch folder; one at a time per key
    script: Path  # a Python file, run as __main__
    params: Mapping[str, object]  # written as JSON, its path is in PORTAL_PARAMS
    segment: str  # PORTAL_SEGMENT
    data: Path | None  # PORTAL_DATA, which the script may only read
    limits: Limits
    preload: tuple[str, ...] = ()  # modules the warm parent imports once, e.g. ("pandas", "sklearn.linear_model")
    env: Mapping[str, str] = field(default_factory=dict)  # everything else the script's environment shall hold
    inputs: Mapping[str, Path] = field(default_factory=dict)  # copied to PORTAL_INPUTS/<name>
    isolated: bool = False  # as another user or not at all; without a network where the system lets us take it away


@dataclass(frozen=True)
class Progress:
    fraction: float | None  # 0 to 1; None until the script has said one
    message: str
    log: str  # the text that is new since the last beat


class Continue(Enum):
    """The caller's answer to a beat."""

    GO = "go"
    CANCEL = "cancel"  # somebody wants it ended
    LOST = "lost"  # the lease is lost: another worker may have taken the run over


class End(Enum):
    SUCCEEDED = "succeeded"
    NO_DATA = "no data"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # nothing is known about the script's result; it may be tried again


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    `cause` is a word for a machine: "" (succeeded), exit, signal, timeout, memory, output, cancelled, lost,
    no-data, or start (the script was never reached). `reason` is one sentence for a person, "" on success.
    `files` maps relative paths to regular files that nothing but the caller can change any more; it is empty
    unless the run succeeded, and the files live until `Runner.discard`. `log` is the end of the log, at most
    `limits.log_bytes` long. `libraries` maps the installed distributions that the script had loaded when it ended to
    their versions; it is empty where that is not known.
    """

    end: End
    cause: str
    reason: str
    seconds: float
    files: Mapping[str, Path]
    log: str
    libraries: Mapping[str, str] = field(default_factory=dict)


class Runner(Protocol):
    """A worker of ours runs the work as a child process and waits for it."""

    def run(self, work: Work, beat: Callable[[Progress], Continue]) -> Outcome:
        """Run to the end, calling `beat` every few seconds; no process of the run outlives this call.

        Whatever the script does is an Outcome. Raises ValueError for work that makes no sense (a key that is
        no file name, parameters that are no JSON) and whatever `beat` raises.
        """
        ...

    def discard(self, work: Work) -> None:
        """Remove what the run left on disk; call it after the files are stored."""
        ...


@dataclass(frozen=True)
class Isolation:
    """Whether training code runs as another operating-system user; `because` completes "off, because …"."""

    on: bool
    because: str
