"""A runner on a scratch folder, and scripts written by the tests; every process is real."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from apps.platforms.base import Continue, Limits, Outcome, Progress, Work
from apps.platforms.local import LocalRunner

LIMITS = Limits(seconds=20, memory_mb=400, log_bytes=100_000, output_bytes=5_000_000)
METRICS = "import json, os; json.dump({'mae': 1.5}, open('metrics.json', 'w'))"

Build = Callable[..., Work]
Run = Callable[..., Outcome]
Gone = Callable[[int], bool]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[LocalRunner]:
    runner = LocalRunner(tmp_path / "scratch", beat_every=0.1)
    yield runner
    runner.close()


@pytest.fixture
def work(tmp_path: Path) -> Build:
    """Work around a script given as text; further arguments replace the fields' values."""

    def build(script: str, **fields: Any) -> Work:
        path = tmp_path / "train.py"
        path.write_text(dedent(script))
        plain: dict[str, Any] = {"key": "run-1", "params": {}, "segment": "atlanta", "data": None, "limits": LIMITS}
        return Work(script=path, **{**plain, **fields})

    return build


@pytest.fixture
def run(runner: LocalRunner, work: Build) -> Run:
    def start(script: str, beat: Callable[[Progress], Continue] = lambda _: Continue.GO, **fields: Any) -> Outcome:
        return runner.run(work(script, **fields), beat)

    return start


@pytest.fixture
def gone() -> Gone:
    """Whether a process has ended; waits a while for the kernel to finish with it."""

    def look(pid: int) -> bool:
        for _ in range(200):
            if not runs(pid):
                return True
            time.sleep(0.02)
        return False

    return look


def runs(pid: int) -> bool:
    """Whether the process runs at this moment; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
