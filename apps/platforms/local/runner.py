"""The local runner: runs one piece of work at a time per call, in a child of a warm parent."""

import contextlib
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from apps.platforms.base import FILLED, Continue, End, Isolation, Outcome, Progress, Work
from apps.platforms.local.libraries import libraries_of
from apps.platforms.local.privileges import RunUser, isolation
from apps.platforms.local.scratch import Scratch, sweep
from apps.platforms.local.verdict import outcome
from apps.platforms.local.warm import Unstartable, WarmParent, base_environment
from apps.platforms.local.wire import Message


class LocalRunner:
    """Implements `Runner`; keep one per process, because its warm parents are what makes a run cheap.

    `scratch` is the folder for the runs' own folders, `beat_every` seconds between two beats, `keep` the number
    of idle warm parents, `idle` the seconds after which one of them ends to give its memory back, and `python`
    the interpreter that has the libraries.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        beat_every: float = 2.0,
        keep: int = 4,
        idle: float = 300.0,
        python: str = sys.executable,
    ) -> None:
        self.root, self.beat_every, self.keep = scratch.absolute(), beat_every, keep
        self.idle, self.python = idle, python
        self._idle: list[WarmParent] = []
        self._forget()
        _runners.add(self)

    def run(self, work: Work, beat: Callable[[Progress], Continue]) -> Outcome:
        scratch = Scratch(self.root, work.key)
        with contextlib.ExitStack() as stack:
            try:
                parent = stack.enter_context(self._warm_parent(work.preload))
                uid = stack.enter_context(self._user(work, parent))
                request = self._prepare(work, scratch, uid)
            except Unstartable as error:
                return _not_started(str(error))
            except OSError as error:
                return _not_started(_unprepared(error))
            report = parent.run(request, beat, self.beat_every)
            scratch.seal()
        return replace(outcome(work, scratch, report), libraries=libraries_of(scratch.home, parent.packages))

    def discard(self, work: Work) -> None:
        scratch = self._scratches.pop(work.key, None) or Scratch(self.root, work.key)
        scratch.remove()

    def close(self) -> None:
        """End the warm parents; the runner can still be used and would start new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for parent in idle:
            parent.close()

    def _prepare(self, work: Work, scratch: Scratch, uid: int | None) -> Message:
        if not work.script.is_file():
            raise Unstartable(f"The script {work.script} does not exist on this worker.")
        sweep(self.root)
        self.discard(work)
        self._scratches[work.key] = scratch
        try:
            scratch.make(work, uid)
        except BaseException:
            self.discard(work)
            raise
        return _request(work, scratch, uid)

    @contextlib.contextmanager
    def _warm_parent(self, preload: tuple[str, ...]) -> Iterator[WarmParent]:
        parent = self._idle_parent(preload) or WarmParent(preload, self.python, self.idle)
        try:
            yield parent
        finally:
            self._give_back(parent)

    def _idle_parent(self, preload: tuple[str, ...]) -> WarmParent | None:
        with self._lock:
            for parent in [parent for parent in self._idle if parent.preload == preload]:
                self._idle.remove(parent)
                if parent.ready:
                    return parent
                parent.close()
        return None

    def _give_back(self, parent: WarmParent) -> None:
        with self._lock:
            if parent.alive:
                self._idle.append(parent)
            surplus, self._idle = self._idle[: -self.keep], self._idle[-self.keep :]
        for oldest in surplus:
            oldest.close()

    @contextlib.contextmanager
    def _user(self, work: Work, parent: WarmParent) -> Iterator[int | None]:
        """A user id for this run alone, None where training code has to run as the portal's own user."""
        isolation = self._isolation(work, parent)
        if work.isolated and not isolation.on:
            raise Unstartable(
                f"It may only run as another operating-system user. Isolation is off, because {isolation.because}"
            )
        if not isolation.on:
            yield None
            return
        user = RunUser()
        try:
            yield user.uid
        finally:
            user.close()

    def _isolation(self, work: Work, parent: WarmParent) -> Isolation:
        needs = (work.script, *([work.data] if work.data else []), *parent.environment)
        if needs not in self._isolations:
            self._isolations[needs] = isolation(self.root, needs, python=())
        return self._isolations[needs]

    def _forget(self) -> None:
        """Start empty; also in a fork of this process, where the warm parents belong to somebody else."""
        for parent in self._idle:
            parent.forget()
        self._idle.clear()
        self._lock = threading.Lock()
        self._scratches: dict[str, Scratch] = {}
        self._isolations: dict[Sequence[Path], Isolation] = {}


_runners: weakref.WeakSet[LocalRunner] = weakref.WeakSet()


def _forget_all() -> None:
    for runner in list(_runners):
        runner._forget()


os.register_at_fork(after_in_child=_forget_all)


def _request(work: Work, scratch: Scratch, uid: int | None) -> Message:
    limits = work.limits
    return {
        "script": str(work.script.absolute()),
        "command": _filled(work, scratch),
        "uid": uid,
        "offline": work.isolated,
        "env": _environment(work, scratch),
        "out": str(scratch.out),
        "home": str(scratch.home),
        "seconds": limits.seconds,
        "memory_mb": limits.memory_mb,
        "log_bytes": limits.log_bytes,
        "output_bytes": limits.output_bytes,
    }


def _filled(work: Work, scratch: Scratch) -> list[str]:
    paths = dict(zip(FILLED, (str(scratch.params), str(work.script.absolute())), strict=True))
    return [paths.get(part, part) for part in work.command]


def _environment(work: Work, scratch: Scratch) -> dict[str, str]:
    return {
        **base_environment(),
        "HOME": str(scratch.home),
        "TMPDIR": str(scratch.home),
        "USER": "portal-run",  # getpass asks for it, and a run's user id has no name
        "PYTHONUNBUFFERED": "1",  # of Python processes the script starts: their lines too come as they are printed
        **work.env,
        "PORTAL_PARAMS": str(scratch.params),
        "PORTAL_OUT": str(scratch.out),
        "PORTAL_SEGMENT": work.segment,
        "PORTAL_INPUTS": str(scratch.inputs),
        **({"PORTAL_DATA": str(work.data.absolute())} if work.data else {}),
    }


def _unprepared(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"The run's folder could not be prepared: {error.strerror or error}{where}."


def _not_started(reason: str) -> Outcome:
    return Outcome(End.FAILED, "start", reason, 0.0, {}, "")
