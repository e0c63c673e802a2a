"""The portal's processes as command lines: what `make serve` starts and docker-compose.yml names, said once."""

from __future__ import annotations

from collections.abc import Mapping

WEB_THREADS = 8
"""Requests answered at once: more than the cores, because most of their time they wait for the database."""

TRAININGS_AT_ONCE = 2

MIGRATE = ("python", "manage.py", "migrate", "--verbosity", "0")
COLLECT_STATIC = ("python", "manage.py", "collectstatic", "--noinput", "--verbosity", "0")
SEED_DEMO = ("python", "manage.py", "seed_demo")
DEMO_LOGINS = ("python", "manage.py", "demo_logins")


def web(*, host: str, port: int) -> tuple[str, ...]:
    listening = ("--host", host, "--port", str(port))
    # Where the supervisor was killed, nobody else ends a worker that still waits for a database that is gone.
    size = ("--workers", "1", "--blocking-threads", str(WEB_THREADS), "--workers-kill-timeout", "10")
    quiet = ("--no-access-log", "--log-level", "error", "--no-ws")
    return ("granian", "--interface", "wsgi", *listening, *size, *quiet, "portal.wsgi:application")


def worker(*, queue: str, concurrency: int, pool: str = "prefork") -> tuple[str, ...]:
    """A Celery worker of one queue. Workers need nothing of each other, so they exchange no gossip."""
    node = ("--queues", queue, "--pool", pool, "--concurrency", str(concurrency), "--hostname", f"{queue}@%h")
    return (*_CELERY, "portal", "worker", *node, "--without-gossip", "--without-mingle", "--loglevel", "WARNING")


def beat() -> tuple[str, ...]:
    """Beat with its schedule in memory: what is due every few seconds needs no file of when it was last due."""
    return (*_CELERY, "portal.celery:beat", "beat", "--scheduler", "celery.beat:Scheduler", "--loglevel", "WARNING")


def background(*, trainings: int = TRAININGS_AT_ONCE) -> Mapping[str, tuple[str, ...]]:
    """What works without a person waiting, by the name it has in the log and in docker-compose.yml."""
    return {
        "control": worker(queue="control", concurrency=1),
        "work": worker(queue="work", concurrency=trainings),
        # Threads: it only waits for other machines, and one process instead of five costs a quarter of the memory.
        "outgoing": worker(queue="outgoing", concurrency=4, pool="threads"),
        "beat": beat(),
    }


_CELERY = ("celery", "--quiet", "--app")
