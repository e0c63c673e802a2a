"""What the engine costs: 1,000 segment runs of nothing beside 1,000 plain Celery tasks, and accepting such a request.

    make bench-retraining                       five rounds of each, interleaved, some six minutes; the table is kept
    make bench-retraining ARGS="--runs 300 --rounds 1"

Two worker processes, the same for all. A figure is the median of the rounds, and a ratio is what is meant: the times
are this machine's.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily
    from apps.retraining.models import Pipeline, RetrainingRequest

HERE = Path(__file__).parent
TABLE = HERE / "retraining.md"
PATIENCE = 240.0  # seconds that any of it may take
WARM_UP = 100  # segments of the first round, which does not count
Measure = Callable[[], float]


def main() -> None:
    said = _arguments()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        _prepare(Path(folder))
        user, family, pipeline = _company(said.runs)
        fan_out, warm_up = (FanOut(user, family, pipeline, most) for most in (said.runs, WARM_UP))
        rounds(1, warm_up.accepting)
        accepted = rounds(said.rounds, fan_out.accepting)
        with _workers(Path(folder)):
            rounds(1, warm_up.training)
            trained = rounds(said.rounds, fan_out.training)
    text = report(said, accepted | trained)
    TABLE.write_text(text)
    print(text)


def rounds(count: int, measures: dict[str, Measure]) -> dict[str, float]:
    """Median seconds of each, one after the other in every round."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(count):
        for name, measure in measures.items():
            taken[name].append(measure())
            print(f"round {number + 1}: {name} {taken[name][-1]:.2f} s", file=sys.stderr)
    return {name: statistics.median(found) for name, found in taken.items()}


class FanOut:
    """At most so many segments of a family, retrained in each of the ways that are compared."""

    def __init__(self, user: User, family: ModelFamily, pipeline: Pipeline, most: int) -> None:
        self._user, self._family, self._pipeline = user, family, pipeline
        self._segments = list(family.dimension.segments.order_by("pk")[:most])

    @property
    def accepting(self) -> dict[str, Measure]:
        return {"accept": self.accept, "insert": self.insert_by_hand}

    @property
    def training(self) -> dict[str, Measure]:
        return {"engine": self.train, "hand": self.train_by_hand, "bare": self.do_nothing}

    def accept(self) -> float:
        """From the parameters as a form sends them to frozen rows; not trained."""
        began = time.perf_counter()
        request = self._submit()
        taken = time.perf_counter() - began
        self._forget(request)
        return taken

    def insert_by_hand(self) -> float:
        """The same rows, and nothing checked, frozen or recorded."""
        from django.db import connection, transaction

        from apps.retraining.models import RetrainingRequest, SegmentRun

        like = RetrainingRequest.objects.order_by("-pk").first()
        plan, digest = (like.plan, like.digest) if like else ({}, "")
        began = time.perf_counter()
        with transaction.atomic():
            request = RetrainingRequest.objects.create(
                pipeline=self._pipeline,
                family=self._family,
                parameters={},
                segments_total=len(self._segments),
                requester=self._user,
                plan=plan,
                digest=digest,
            )
            SegmentRun.objects.bulk_create(SegmentRun(request=request, segment=one) for one in self._segments)
        taken = time.perf_counter() - began
        self._forget(request)
        connection.close()
        return taken

    def train(self) -> float:
        """A request from being sent to its end."""
        from apps.retraining.models import RetrainingRequest

        began = time.perf_counter()
        request = self._submit()
        wait_for(lambda: not RetrainingRequest.objects.open().filter(pk=request.pk).exists())
        taken = time.perf_counter() - began
        assert request.runs.filter(status="succeeded").count() == len(self._segments)
        return taken

    def train_by_hand(self) -> float:
        from benchmarks.noop_workers import by_hand

        return self._plain(
            lambda segment: by_hand.apply_async((self._family.pk, segment.pk, self._user.pk), queue="work")
        )

    def do_nothing(self) -> float:
        from benchmarks.noop_workers import bare

        return self._plain(lambda segment: bare.apply_async((segment.slug,), queue="work"))

    def _plain(self, send: Callable[[Any], Any]) -> float:
        from django.conf import settings
        from redis import Redis

        from benchmarks.noop_workers import DONE

        valkey = Redis.from_url(settings.CELERY_BROKER_URL)
        valkey.delete(DONE)
        began = time.perf_counter()
        for segment in self._segments:
            send(segment)
        wait_for(lambda: int(valkey.get(DONE) or 0) >= len(self._segments))
        return time.perf_counter() - began

    def _submit(self) -> RetrainingRequest:
        from apps.retraining.actions import submit_request

        return submit_request(
            actor=self._user,
            pipeline=self._pipeline,
            family=self._family,
            parameters={"alpha": 1.0},
            segments=[segment.slug for segment in self._segments],
            reason="Measured.",
        )

    def _forget(self, request: RetrainingRequest) -> None:
        request.runs.all().delete()
        type(request).objects.filter(pk=request.pk).update(status="cancelled", finished_at=request.created_at)


def wait_for(is_over: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_over():
        if time.monotonic() > deadline:
            sys.exit(f"It was not over after {PATIENCE:.0f} seconds.")
        time.sleep(0.02)


def report(said: argparse.Namespace, seconds: dict[str, float]) -> str:
    each = {name: f"{taken:.2f} s ({taken / said.runs * 1000:.2f} ms)" for name, taken in seconds.items()}
    rows = [
        ("segment runs of the engine, from sending to the request's end", "engine", ""),
        ("the same function as a plain task: run, metrics, files and version by hand", "hand", "engine"),
        ("a plain task that does and keeps nothing", "bare", "engine"),
        ("accepting the request", "accept", ""),
        ("one bulk insert of the same rows", "insert", "accept"),
    ]
    lines = [f"| {words} | {each[name]} | {_ratio(seconds, of, name)} |" for words, name, of in rows]
    return "\n".join(
        [
            "# What the engine costs",
            "",
            f"Written by `make bench-retraining`: {said.runs:,} segment runs on a platform where training is nothing,"
            f" two worker processes, median of {said.rounds} rounds; {os.cpu_count()} cores ({platform.machine()})"
            f" shared with PostgreSQL and Valkey, Python {platform.python_version()}. To reach: 2× the plain task, 5×"
            " the bulk insert and under a second.",
            "",
            "| what | all of them (each) | the engine takes |",
            "|---|---|---|",
            *lines,
            "",
        ]
    )


def _ratio(seconds: dict[str, float], name: str, than: str) -> str:
    return f"**{seconds[name] / seconds[than]:.1f}×**" if name else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def _prepare(folder: Path) -> None:
    """Settings of a portal of its own, and the tables."""
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "noop.py").write_text("")
    folder.chmod(0o711)
    os.environ |= {"VAR_DIR": str(folder), "PIPELINES_DIR": str(folder / "pipelines"), "PIPELINES_DATA": str(folder)}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _company(segments: int) -> tuple[User, ModelFamily, Pipeline]:
    from apps.accounts import actions as accounts
    from apps.registry import actions as registry
    from apps.retraining import actions
    from apps.retraining.definitions import Definition

    admin = accounts.found_portal(username="admin", name="Admin", password="only-for-this-bench")
    team = accounts.create_team(actor=admin, slug="bench", name="Bench", kind="product")
    user = accounts.create_user(actor=admin, username="bench", name="Bench", password="only-for-this-bench")
    accounts.add_member(actor=admin, team=team, user=user, role="lead")
    family = registry.create_family(
        actor=admin, slug="bench", name="Bench", team=team, dimension="city", metric="mae", unit="min"
    )
    cities = [registry.SegmentSpec(f"city-{n}", f"City {n}") for n in range(segments)]
    registry.add_segments(actor=admin, family=family, segments=cities)
    schema = {"type": "object", "properties": {"alpha": {"type": "number", "default": 1.0}}}
    definition = Definition(
        name="No-op", script="noop.py", schema=schema, max_concurrent=segments, after_success="nothing"
    )
    pipeline = actions.define_pipeline(actor=admin, slug="noop", team=team, families=[family], definition=definition)
    return user, family, pipeline


@contextmanager
def _workers(folder: Path) -> Iterator[None]:
    """Two processes that train, one that decides, and beat: as the compose file starts them."""
    from portal.local import processes

    commands = {
        "work": processes.worker(queue="work", concurrency=2),
        "control": processes.worker(queue="control", concurrency=1),
        "beat": processes.beat(),
    }
    started = []
    for name, command in commands.items():
        argv = [sys.executable, "-m", *(part if part != "portal" else "benchmarks.noop_workers" for part in command)]
        with (folder / f"{name}.log").open("wb") as log:
            started.append(subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True))
    try:
        yield
    except BaseException:
        for name in commands:
            print(f"--- {name}\n{(folder / f'{name}.log').read_text()[-3_000:]}", file=sys.stderr)
        raise
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    main()
