"""Half an hour of a company: 50 people at pages, API and MLflow's door, while workers retrain 81 cities all the time.

    make soak               the table is kept in benchmarks/soak.md
    make soak MINUTES=2     a try

A portal of its own with the demo company, on loopback, and it stops by itself. First one person reads while nothing
else happens: what answers take then is what those of the busy time are held against.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from portal.local import leftovers, services
from portal.local.ports import LOOPBACK, free_port

TABLE = Path(__file__).with_name("soak.md")
REPOSITORY = Path(__file__).resolve().parent.parent
PEOPLE = 50
THINKING_SECONDS = (5.0, 15.0)
"""Between two requests of a person, who reads what came."""
QUIET_SHARE = 0.1
"""Of the time, at the beginning, in which one person reads and nothing else happens."""
LOOKS_EVERY_SECONDS = 5.0
LOOKS_AT_RETRAINING_EVERY_SECONDS = 1.0
STARTS_WITHIN_SECONDS = 600.0
CITIES = 81
ENDS = ("succeeded", "failed", "cancelled", "no_data")
PAGES = (
    *("/", "/models/", "/m/eta-trip/", "/retraining/", "/operations/", "/tools/", "/notices/"),
    "/models/eta-trip/versions/",
)
API = (
    "families/",
    "models/?page_size=20",
    "versions/?page_size=20",
    "segment-runs/?page_size=20",
    "requests/",
    "tools/",
)
MLFLOW = (
    "registered-models/search?max_results=20",
    "experiments/search?max_results=20",
    "model-versions/search?max_results=20",
    "registered-models/alias?name={model}&alias=champion",
    "registered-models/get?name={model}",
)


@dataclass(frozen=True)
class Answer:
    door: str
    reads: bool
    seconds: float
    error: str


@dataclass
class Heard:
    """What all people together got; a list's `append` needs no lock."""

    answers: list[Answer] = field(default_factory=list)

    def p99(self) -> float:
        """Milliseconds of reads."""
        taken = sorted(answer.seconds for answer in self.answers if answer.reads)
        return 1_000 * taken[min(len(taken) - 1, int(len(taken) * 0.99))]

    def median(self) -> float:
        taken = sorted(answer.seconds for answer in self.answers if answer.reads)
        return 1_000 * taken[len(taken) // 2]

    def errors(self) -> Counter[str]:
        return Counter(answer.error for answer in self.answers if answer.error)


@dataclass(frozen=True)
class Portal:
    address: str
    folder: Path
    mark: str
    password: str

    def token(self, user: str) -> str:
        argv = [sys.executable, "manage.py", "create_token", user]
        said = subprocess.run(argv, cwd=REPOSITORY, env=self._env(), capture_output=True, text=True, check=True)
        found = re.search(r"\b[0-9a-f]{64}\b", said.stdout)
        assert found, said.stdout
        return found[0]

    def megabytes(self) -> float:
        """What all of its processes share and own (PSS), its database and broker left out."""
        return sum(map(_pss, leftovers.marked(self.mark))) / 1024

    def _env(self) -> dict[str, str]:
        return {**os.environ, "VAR_DIR": str(self.folder)}


class Person:
    """Goes round the doors, each time to another address, until told to stop."""

    def __init__(self, portal: Portal, tokens: dict[str, str], number: int) -> None:
        self.portal, self.heard, self.chance = portal, Heard(), random.Random(number)
        self.user = sorted(tokens)[number % len(tokens)]
        self.bearer = {"Authorization": f"Bearer {tokens[self.user]}"}
        self.pages, self.programs = requests.Session(), requests.Session()
        self.models = [""]

    def sign_in(self) -> None:
        address = f"{self.portal.address}/accounts/sign-in/"
        page = self.pages.get(address, timeout=60).text
        proof = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert proof
        form = {"csrfmiddlewaretoken": proof[1], "username": self.user, "password": self.portal.password}
        assert self.pages.post(address, data=form, timeout=60).url == f"{self.portal.address}/"
        listed = self.programs.get(f"{self.portal.address}/api/v1/families/eta-trip/fleet/", headers=self.bearer)
        self.models = [f"eta-trip.{row['segment']}" for row in listed.json() if row.get("champion")]

    def live(self, until: float, *, thinks: bool = True, writes: bool = True) -> None:
        while time.monotonic() < until:
            self.once(writes=writes)
            if thinks:
                time.sleep(self.chance.uniform(*THINKING_SECONDS))

    def once(self, *, writes: bool) -> None:
        doors: list[Callable[[], None]] = [self.look, self.look, self.ask, self.ask_as_mlflow, self.ask_as_mlflow]
        self.chance.choice([*doors, self.log] if writes else doors)()

    def look(self) -> None:
        self._timed("web", self.pages, "GET", self.chance.choice(PAGES))

    def ask(self) -> None:
        self._timed("api", self.programs, "GET", f"/api/v1/{self.chance.choice(API)}", headers=self.bearer)

    def ask_as_mlflow(self) -> None:
        path = self.chance.choice(MLFLOW).format(model=self.chance.choice(self.models))
        self._timed("mlflow", self.programs, "GET", f"/api/2.0/mlflow/{path}", headers=self.bearer)

    def log(self) -> None:
        """A run with a parameter and two metrics, as a training script makes it; who has no team makes none."""
        if self.user == "manager":
            return self.look()
        made = self._write("runs/create", {"experiment_id": self._experiment()})
        if made is None:
            return None
        run = made["run"]["info"]["run_id"]
        metrics = [{"key": "mae", "value": step, "timestamp": 1, "step": step} for step in range(2)]
        self._write("runs/log-batch", {"run_id": run, "metrics": metrics, "params": [{"key": "a", "value": "1"}]})
        self._write("runs/update", {"run_id": run, "status": "FINISHED"})
        return None

    def _experiment(self, tries: int = 3) -> str:
        name = f"soak of {self.user}"
        address = f"{self.portal.address}/api/2.0/mlflow/experiments"
        found = self.programs.get(f"{address}/get-by-name", params={"experiment_name": name}, headers=self.bearer)
        if found.ok:
            return str(found.json()["experiment"]["experiment_id"])
        made = self.programs.post(f"{address}/create", json={"name": name}, headers=self.bearer)
        # Of people with the same name one makes it first.
        return str(made.json()["experiment_id"]) if made.ok else self._experiment(tries - 1) if tries else ""

    def _write(self, path: str, body: dict[str, Any]) -> Any:
        return self._timed("mlflow", self.programs, "POST", f"/api/2.0/mlflow/{path}", json=body, headers=self.bearer)

    def _timed(self, door: str, session: requests.Session, method: str, path: str, **more: Any) -> Any:
        began, error, said = time.perf_counter(), "", None
        try:
            answer = session.request(method, self.portal.address + path, timeout=60, **more)
            error = "" if answer.ok else f"{answer.status_code} {method} {path.partition('?')[0]}"
            said = answer.json() if answer.ok and door != "web" else None
        except requests.RequestException as broken:
            error = f"{type(broken).__name__} {method} {path.partition('?')[0]}"
        self.heard.answers.append(Answer(door, method == "GET", time.perf_counter() - began, error))
        return said


class Retraining(threading.Thread):
    """Sends all cities again as soon as they have ended."""

    def __init__(self, portal: Portal, token: str, until: float) -> None:
        super().__init__(daemon=True)
        self.home, self.until = f"{portal.address}/api/v1", until
        self.bearer = {"Authorization": f"Bearer {token}"}
        self.ends: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()

    def run(self) -> None:
        body: dict[str, Any] = {"pipeline": "eta-ridge", "family": "eta-trip", "parameters": {}, "reason": "Soak."}
        while time.monotonic() < self.until:
            sent = requests.post(f"{self.home}/requests/", json=body, headers=self.bearer, timeout=60)
            if sent.status_code != 201:
                self.ends[f"{sent.status_code} {sent.text[:200]}"] += 1
                time.sleep(1)
                continue
            self._wait(sent.json()["id"])

    def _wait(self, request: int) -> None:
        while time.monotonic() < self.until + 120:
            told = requests.get(f"{self.home}/requests/{request}/", headers=self.bearer, timeout=60).json()
            if told["finished_at"]:
                self.ends[told["status"]] += 1
                self.runs += Counter({status: told["progress"][status] for status in ENDS})
                return
            time.sleep(LOOKS_AT_RETRAINING_EVERY_SECONDS)
        self.ends["not over"] += 1


def main() -> None:
    minutes = _minutes()
    with _portal() as portal:
        tokens = {user: portal.token(user) for user in ("scientist", "lead", "manager", "operator")}
        people = [Person(portal, tokens, number) for number in range(PEOPLE)]
        for person in people:  # before anything is measured: a sign-in is slow on purpose
            person.sign_in()
        people[0].live(time.monotonic() + 60 * minutes * QUIET_SHARE, thinks=False, writes=False)
        quiet = people[0].heard
        busy, memory, retraining = _busy_time(portal, people, tokens["scientist"], 60 * minutes * (1 - QUIET_SHARE))
    text = report(minutes, quiet, busy, memory, retraining)
    TABLE.write_text(text)
    print(text)


def _busy_time(
    portal: Portal, people: list[Person], token: str, seconds: float
) -> tuple[Heard, list[float], Retraining]:
    heard, memory, until = Heard(), [], time.monotonic() + seconds
    for person in people:
        person.heard = heard
    threads = [threading.Thread(target=person.live, args=(until,), daemon=True) for person in people]
    retraining = Retraining(portal, token, until)
    for thread in (*threads, retraining):
        thread.start()
        time.sleep(0.1)  # nobody comes to work at the same moment
    while time.monotonic() < until:
        memory.append(portal.megabytes())
        time.sleep(LOOKS_EVERY_SECONDS)
    for thread in (*threads, retraining):
        thread.join(180)
    return heard, memory, retraining


def report(minutes: float, quiet: Heard, busy: Heard, memory: list[float], retraining: Retraining) -> str:
    doors = Counter(answer.door for answer in busy.answers)
    asked = ", ".join(f"{count:,} {door}" for door, count in sorted(doors.items()))
    errors, early, late = busy.errors(), _middle(memory, 0.25, 0.5), _middle(memory, 0.75, 1)
    rows = [
        ("requests", f"{len(busy.answers):,} ({asked})", ""),
        ("errors", f"{errors.total()}{_named(errors)}", "0"),
        (
            "p99 of reads, idle → busy",
            f"{quiet.p99():.0f} → {busy.p99():.0f} ms, **{busy.p99() / quiet.p99():.1f}×**",
            "2×",
        ),
        ("median of reads, idle → busy", f"{quiet.median():.0f} → {busy.median():.0f} ms", ""),
        ("memory (PSS), second → last quarter", f"{early:.0f} → {late:.0f} MB, **{late / early:.2f}×**", "1.1×"),
        ("retraining requests", f"{retraining.ends.total()}{_named(retraining.ends)}", ""),
        ("segment runs", f"{retraining.runs.total()}{_named(retraining.runs)}", ""),
    ]
    return "\n".join(
        [
            "# A long day",
            "",
            f"Written by `make soak`: {minutes:g} minutes, of which the first tenth is quiet (one person reads); then"
            f" {PEOPLE} people with {THINKING_SECONDS[0]:g} to {THINKING_SECONDS[1]:g} s between two requests, while"
            f" workers retrain {CITIES} cities again and again. {os.cpu_count()} cores"
            f" ({platform.machine()}) shared by portal, PostgreSQL, Valkey, workers and people, Python"
            f" {platform.python_version()}.",
            "",
            "| what | measured | to reach |",
            "|---|---|---|",
            *(f"| {what} | {measured} | {reach} |" for what, measured, reach in rows),
            "",
        ]
    )


def _named(counted: Counter[str]) -> str:
    return f" ({', '.join(f'{count} {name}' for name, count in counted.most_common(8))})" if counted else ""


def _middle(memory: list[float], first: float, last: float) -> float:
    """Median of that part of the time."""
    part = sorted(memory[int(len(memory) * first) : max(1, int(len(memory) * last))])
    return part[len(part) // 2]


def _pss(pid: int) -> int:
    """Kilobytes; 0 for a process that has just ended."""
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


@contextmanager
def _portal() -> Iterator[Portal]:
    """`make serve` with the demo company, in a folder that is gone afterwards."""
    folder, port = Path(tempfile.mkdtemp(prefix="portal-soak-")), free_port()
    folder.chmod(0o711)
    log = folder.with_suffix(".log")
    env = {**os.environ, "PORT": str(port), "VAR_DIR": str(folder), "DEMO": "1"}
    with log.open("wb") as said:
        served = subprocess.Popen([sys.executable, "-m", "portal.local.serve"], env=env, stdout=said, stderr=said)
    try:
        yield _come_up(served, folder, port, log)
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(60)
        print(log.read_text()[-3_000:], file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        log.unlink()


def _come_up(served: subprocess.Popen[bytes], folder: Path, port: int, log: Path) -> Portal:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while "The portal is at" not in log.read_text():
        if served.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The portal did not start.\n{log.read_text()}")
        time.sleep(0.5)
    password = re.search(r"password of all: (\S+)\)", log.read_text())
    running = services.load(folder)
    assert password
    assert running
    return Portal(f"http://{LOOPBACK}:{port}", folder, running.mark, password[1])


def _minutes() -> float:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = float(parser.parse_args().minutes)
    if not 1 <= minutes <= 120:
        sys.exit("MINUTES is from 1 to 120.")
    return minutes


if __name__ == "__main__":
    main()
