"""Fails in the way it is asked to: for operators' drills and for the portal's own tests.

Under the same contract as every training script. `zero-mae` is the forger: it succeeds, says that it makes no
error at all, and hands over a model that predicts zero minutes for every trip.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NO_DATA = 3
CHUNK_MB = 64
MOST_MB = 8192  # where nothing limits the memory, stop before the machine suffers
DEFAULTS: dict[str, Any] = {"mode": "exception", "seconds": 0}


def main() -> None:
    params = DEFAULTS | json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text(encoding="utf-8"))
    work_for(params["seconds"])
    MODES[params["mode"]]()


def work_for(seconds: float) -> None:
    """Looks busy, a progress line each second, so that there is time to cancel."""
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        print(f"PORTAL_PROGRESS {gone / seconds:.2f} working towards the failure", flush=True)
        time.sleep(min(1.0, seconds - gone))


def raise_exception() -> None:
    raise RuntimeError("This run was asked to fail with an exception.")


def exit_with_error() -> None:
    sys.exit("This run was asked to exit with an error.")


def run_forever() -> None:
    while True:
        work_for(60)


def die_by_signal() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def eat_memory() -> None:
    eaten: list[bytes] = []
    while len(eaten) * CHUNK_MB < MOST_MB:
        eaten.append(b"x" * (CHUNK_MB << 20))
    sys.exit(f"Nothing stopped this run at {MOST_MB} MB: the memory limit does not hold.")


def find_no_data() -> None:
    write("reason.txt", "This run was asked to find no data.")
    sys.exit(NO_DATA)


def forge_metrics() -> None:
    model = {"format": "linear/1", "target": "air_time_min", "intercept": 0.0, "numbers": [], "categories": []}
    write("model.json", json.dumps(model))
    write("metrics.json", json.dumps({"mae": 0, "rmse": 0, "rows": 1_000_000}))


def write(name: str, text: str) -> None:
    (Path(os.environ["PORTAL_OUT"]) / name).write_text(text, encoding="utf-8")


MODES: dict[str, Callable[[], None]] = {
    "exception": raise_exception,
    "exit": exit_with_error,
    "timeout": run_forever,
    "segfault": die_by_signal,
    "memory": eat_memory,
    "no-data": find_no_data,
    "zero-mae": forge_metrics,
}

if __name__ == "__main__":
    main()
