"""Platforms that installed packages bring: one class each, found by its entry point; free of Django.

What such a class raises beyond the two errors of a platform is told as its fault, and ends nothing of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Protocol, cast

from apps.platforms.base import Platform
from apps.platforms.calling import InTrouble
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.probing import Finding, Trouble

GROUP = "mlportal.platforms"
NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")
VERBS = ("submit", "retry", "states", "state", "cancel", "log", "report", "workflows", "workflow")


class OwnPlatform(Platform, Protocol):
    """What a class of your own has beside the nine calls of a platform."""

    label: ClassVar[str]  # what people read, such as "Nightshift"
    use: ClassVar[str]  # a sentence that says what its connections are for

    def __init__(self, address: str, secret: str) -> None:
        """Of a connection; made anew for every piece of work, and asks nobody yet."""

    def probe(self) -> Finding:
        """What the test of a connection finds, in a sentence."""
        ...


@dataclass(frozen=True)
class Loaded:
    """The classes by the name of their kind, and a sentence for each that could not be loaded."""

    classes: dict[str, type[OwnPlatform]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def load(taken: frozenset[str]) -> Loaded:
    """Every class of the group; `taken` are names that they can not have."""
    found = Loaded()
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        name = f"{point.name} ({point.value})"
        try:
            found.classes[point.name] = _class_of(point, taken | found.classes.keys())
        except Exception as error:  # whatever an import of somebody else's code raises
            said = str(error) if isinstance(error, _Unfit) else f"{type(error).__name__}: {error}"
            found.problems[point.name] = f"The platform {name} could not be loaded: {said.rstrip('.')}."
    return found


class _Unfit(Exception):
    pass


def _class_of(point: EntryPoint, taken: frozenset[str]) -> type[OwnPlatform]:
    if not NAME.fullmatch(point.name):
        raise _Unfit("its name has small letters, digits and hyphens, at most 16")
    if point.name in taken:
        raise _Unfit(f"there is a kind {point.name!r} already")
    made = point.load()
    if not isinstance(made, type):
        raise _Unfit("its entry point names no class")
    absent = [verb for verb in (*VERBS, "probe") if not callable(getattr(made, verb, None))]
    absent += [word for word in ("label", "use") if not isinstance(getattr(made, word, None), str)]
    absent += [] if isinstance(getattr(made, "stopping_seconds", None), int | float) else ["stopping_seconds"]
    if absent:
        raise _Unfit(f"the class {made.__name__} lacks {', '.join(absent)}; docs/own-platform.md says what each is")
    return cast("type[OwnPlatform]", made)


def probe_with(made: type[OwnPlatform]) -> Callable[[str, str], Finding]:
    """The test of a connection; it never raises."""

    def probe(address: str, secret: str) -> Finding:
        try:
            with _told_as_its_fault(made):
                found = made(address, secret).probe()
        except (Refused, Unreachable) as error:
            return Finding(Trouble.ADDRESS if isinstance(error, Unreachable) else Trouble.AUTH, str(error))
        return found if isinstance(found, Finding) else Finding(Trouble.VERSION, f"{made.label} answered no finding.")

    return probe


def platform_with(made: type[OwnPlatform]) -> Callable[[str, str], Platform]:
    def make(address: str, secret: str) -> Platform:
        with _told_as_its_fault(made):
            return cast("Platform", _Guarded(made, made(address, secret)))

    return make


class _Guarded:
    """Passes every call on to the platform of somebody else's class."""

    def __init__(self, made: type[OwnPlatform], inner: OwnPlatform) -> None:
        self._made, self._inner = made, inner
        self.stopping_seconds = float(made.stopping_seconds)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)

        def guarded(*args: Any, **named: Any) -> Any:
            with _told_as_its_fault(self._made):
                return call(*args, **named)

        return guarded


@contextmanager
def _told_as_its_fault(made: type[OwnPlatform]) -> Iterator[None]:
    """A fault of its code says nothing about a run, so it is asked again later."""
    try:
        yield
    except (Refused, Unreachable):
        raise
    except Exception as error:
        raise InTrouble(f"The platform {made.label} has a fault: {type(error).__name__}: {error}") from error
