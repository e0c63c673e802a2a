"""What the workers do, done here: the demo is seeded before they start."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from apps.platforms.base import Continue, End, Outcome, Progress, Work
from apps.registry import evaluating
from apps.retraining import actions as retraining
from apps.retraining import queries as retraining_queries
from apps.retraining import training

if TYPE_CHECKING:
    from apps.retraining.models import RetrainingRequest

NO_DATA = 3


class InThisProcess:
    """A runner for the demo's own scripts alone: no fork, no limits, and a fleet trains in half the time."""

    def run(self, work: Work, beat: Callable[[Progress], Continue]) -> Outcome:
        began, log = time.monotonic(), io.StringIO()
        with _environment(work) as out, contextlib.redirect_stdout(log):
            code = _exit_code(work.script)
        seconds, said = time.monotonic() - began, log.getvalue()
        if code == NO_DATA:
            return Outcome(End.NO_DATA, "no-data", (out / "reason.txt").read_text(), seconds, {}, said)
        if code:
            return Outcome(End.FAILED, "exit", f"The script ended with {code}.", seconds, {}, said)
        return Outcome(End.SUCCEEDED, "", "", seconds, {file.name: file for file in out.iterdir()}, said)

    def discard(self, work: Work) -> None:
        shutil.rmtree(_folder(work), ignore_errors=True)


def train(request: RetrainingRequest) -> None:
    """Works the request off, and asks for its evaluations."""
    while request.is_open:
        retraining.drive(request_id=request.pk)
        for run_id in retraining_queries.runs_of(request).filter(status="sent").values_list("pk", flat=True):
            training.train(run_id, worker="seed", runner=InThisProcess())
        request.refresh_from_db()
    retraining.follow_up(request_id=request.pk)


def evaluate() -> None:
    while evaluating.evaluate_batch():
        pass


@contextlib.contextmanager
def _environment(work: Work) -> Iterator[Path]:
    """The script's contract, for as long as it runs."""
    out = _folder(work) / "out"
    out.mkdir(parents=True)
    asked = out.with_name("params.json")
    asked.write_text(json.dumps(work.params), encoding="utf-8")
    given = {"PORTAL_PARAMS": asked, "PORTAL_OUT": out, "PORTAL_DATA": work.data or "", "PORTAL_SEGMENT": work.segment}
    os.environ.update({name: str(value) for name, value in given.items()})
    try:
        yield out
    finally:
        for name in given:
            del os.environ[name]


def _folder(work: Work) -> Path:
    return Path(settings.VAR_DIR) / "scratch" / f"seed-{work.key}"


def _exit_code(script: Path) -> object:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return end.code
    return 0
