"""The shapes between the portal and the places where training runs; free of Django."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Limits:
    """What one run may use; passing `log_bytes` shortens the log, passing another one ends the run."""

    seconds: float  # wall clock, from the fork to the end
    memory_mb: int  # of the script and everything it started, together
    log_bytes: int
    output_bytes: int  # of all files in the run's folder together


FILLED = ("{params_file}", "{script}")
"""What stands for the path of the parameters, and of the script, in a command's arguments. No shell reads them."""


@dataclass(frozen=True)
class Work:
    """One attempt at one segment: which script, with what, within which limits."""

    key: str  # "<segment run uuid>-<attempt>": names the scratch folder; one at a time per key
    script: Path  # a Python file, run as __main__; beside a command whatever that runs
    params: Mapping[str, object]  # written as JSON, its path is in PORTAL_PARAMS
    segment: str  # PORTAL_SEGMENT
    data: Path | None  # PORTAL_DATA, which the script may only read
    limits: Limits
    preload: tuple[str, ...] = ()  # modules the warm parent imports once, e.g. ("pandas", "sklearn.linear_model")
    env: Mapping[str, str] = field(default_factory=dict)  # everything else the script's environment shall hold
    inputs: Mapping[str, Path] = field(default_factory=dict)  # copied to PORTAL_INPUTS/<name>
    command: tuple[str, ...] = ()  # run in place of Python: a program's path and its arguments, filled in by `FILLED`
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
class Handed:
    """An attempt that a platform has: the platform's name of the workflow, and the key that we gave it."""

    workflow: str
    key: str


@dataclass(frozen=True)
class Order:
    """One attempt at one segment, as a platform gets it. The key was written down before the order is sent."""

    handed: Handed
    params: Mapping[str, object]
    note: str = ""  # who asked for it, for people who look at it there
    partition: str = ""  # where the workflow has partitions: which one


class Phase(Enum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class State:
    """What the platform says of an attempt; `started_at` is None as long as nothing of it has started."""

    phase: Phase
    started_at: datetime | None = None


@dataclass(frozen=True)
class LogChunk:
    """What is new of a log, and where to go on; a cursor is opaque."""

    text: str
    cursor: str


@dataclass(frozen=True)
class Report:
    """What is left of an attempt that has ended: its result, or the sentence why it failed."""

    result: Mapping[str, object] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Workflow:
    """Something that a platform can run: its own schema makes the form. `problem` says why it would not run now."""

    name: str
    title: str
    description: str
    tags: Sequence[str]
    schema: Mapping[str, object] = field(default_factory=dict)  # JSON Schema 2020-12; empty in a list
    problem: str = ""  # it can not be started
    notice: str = ""  # it can, but would not run at once
    partitioned: bool = False


class Platform(Protocol):
    """Somebody else runs it; we hand an order over and look after it, in short calls.

    Every call raises `Unreachable` (nobody knows; try again) or `Refused` (trying again changes nothing).
    """

    stopping_seconds: float  # a cancelled attempt may still work for so long

    def submit(self, order: Order) -> None:
        """Idempotent by the key: after any answer, none included, the same order can be sent again."""
        ...

    def retry(self, order: Order) -> None:
        """Runs again only what failed of it; all of it where the platform has forgotten it. Idempotent as well."""
        ...

    def states(self, handed: Sequence[Handed], since: datetime) -> dict[str, State]:
        """By key, those that may have changed since then, in as few calls as the platform allows."""
        ...

    def state(self, handed: Handed) -> State | None:
        """None: the platform knows no such attempt."""
        ...

    def cancel(self, handed: Handed, note: str) -> None:
        """Asks for the end; it may take `stopping_seconds`. Cancelling what has ended changes nothing."""
        ...

    def log(self, handed: Handed, cursor: str) -> LogChunk:
        """What came since the cursor; an empty cursor is the beginning."""
        ...

    def report(self, handed: Handed, state: State) -> Report:
        """Of an attempt that has ended."""
        ...

    def workflows(self, tag: str = "") -> Sequence[Workflow]:
        """What it can run, by name; those of a tag, where one is given."""
        ...

    def workflow(self, name: str) -> Workflow:
        """With its schema. Raises Refused for one that it does not know."""
        ...


@dataclass(frozen=True)
class Happening:
    """Something that happened on a platform; `said` is what whoever made it attached to it."""

    key: str  # the platform's own, different from every other there
    subject: str  # what it happened to, such as an asset
    at: datetime
    said: Mapping[str, object]
    workflow: str = ""  # that made it, where one did
    partition: str = ""


@runtime_checkable
class Teller(Protocol):
    """A platform that also tells what happens there. One that does not is only a `Platform`."""

    def happenings(self, since: datetime) -> Sequence[Happening]:
        """Those since then, the oldest first. Raises as every call of a platform."""
        ...


@dataclass(frozen=True)
class Isolation:
    """Whether training code runs as another operating-system user; `because` completes "off, because …"."""

    on: bool
    because: str
