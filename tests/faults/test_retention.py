"""What a family keeps no longer is being removed when the process that does it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]
import pytest
from django.db import connection
from django.db.models import F

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.registry.models import ModelFamily
from apps.retention.models import Cut
from apps.retention.terms import Terms
from apps.retraining.models import Attempt, SegmentRun
from apps.tracking.models import Metric, Run
from tests.retention import conftest as retention
from tests.retention.conftest import Trained, cut_all, make_rule
from tests.served import ROOT, database_url

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
family, pipeline, submit = retention.family, retention.pipeline, retention.submit
pipelines_folder, trained = retention.pipelines_folder, retention.trained
MONTHS = timedelta(days=60)
TERMS = Terms(logs_days=30, attempts_days=30, metrics_days=30)
A_POINT = "SELECT 1 FROM tracking_metric WHERE key = 'loss' AND step = 3 ORDER BY id DESC LIMIT 1 FOR UPDATE"


def test_a_cut_that_is_killed_leaves_nothing_half_and_goes_on(
    family: ModelFamily, approver: User, trained: list[Trained], tmp_path: Path
) -> None:
    """In the middle of its third piece: logs and attempts are gone, and of the points some are, uncommitted."""
    SegmentRun.objects.update(finished_at=F("finished_at") - MONTHS)
    Run.objects.update(started_at=F("started_at") - MONTHS, ended_at=F("ended_at") - MONTHS)
    rule = make_rule(approver, family, TERMS)
    with _somebody_holds_a_point(), _cutting(tmp_path) as process:
        _until(_somebody_waits, process)
        process.kill()
        process.wait()
    _until(lambda: _others() == 0)
    assert Metric.objects.filter(key="loss").count() == 15
    assert not Run.objects.exclude(history_cut_at=None).exists()
    assert Cut.objects.get(finished_at=None).sums == _sums(logs=3, log_bytes=24, attempts=3)
    assert not AuditEvent.objects.filter(action="retention.cut").exists()

    assert cut_all(rule) == 1
    assert Cut.objects.get().sums == _sums(logs=3, log_bytes=24, attempts=3, points=12)
    assert Cut.objects.get().finished_at
    assert Metric.objects.filter(key="loss").count() == Attempt.objects.count() == 3
    assert AuditEvent.objects.get(action="retention.cut").after["points"] == 12


def _sums(**known: int) -> dict[str, int]:
    return dict.fromkeys(("logs", "log_bytes", "attempts", "points", "versions", "trees", "file_bytes"), 0) | known


@contextmanager
def _somebody_holds_a_point() -> Iterator[None]:
    with closing(psycopg2.connect(database_url())) as session, session.cursor() as cursor:
        cursor.execute(A_POINT)
        yield


@contextmanager
def _cutting(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url(),
        "REDIS_URL": os.environ["REDIS_URL"],
        "ENCRYPTION_KEYS": os.environ["ENCRYPTION_KEYS"],
        "SECRET_KEY": "only-for-this-test-" * 3,
        "PORTAL_LOCAL": "1",
        "VAR_DIR": str(folder),
    }
    process = subprocess.Popen([sys.executable, "manage.py", "retention", "--cut"], cwd=ROOT, env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes] | None = None, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _somebody_waits() -> bool:
    return _count("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND {here}") > 0


def _others() -> int:
    """Sessions of processes that are gone, whose server side has not noticed yet."""
    return _count("SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {here}")


def _count(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(here="datname = current_database()"))
        return int(cursor.fetchone()[0])
