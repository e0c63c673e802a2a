"""Workers, broker and database are harmed while fifty cities are retrained; afterwards everything is counted."""

import os
import random
import signal
import time

import pytest
from django.db import connection
from redis import Redis

from apps.accounts.models import User
from apps.demo import lake
from apps.retraining import actions
from apps.retraining.models import Attempt, RetrainingRequest, SegmentRun, Worker
from portal.celery import app
from tests.faults.conftest import SEGMENTS, SLOW_SECONDS, Submit
from tests.faults.counting import assert_every_run_ended_once, done, is_over, lost_attempts
from tests.faults.database import commit_for_real, crash_postgresql
from tests.faults.portal import Portal

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Other moments in each run; the seed is shown when the test fails."""
    seed = random.randrange(10**6)
    print(f"{request.node.name}: seed {seed}")
    return random.Random(seed)


def wait_until_done(request: RetrainingRequest, runs: int, portal: Portal) -> None:
    portal.wait_for(lambda: done(request) >= runs)


def wait_until_over(request: RetrainingRequest, portal: Portal) -> None:
    portal.wait_for(lambda: is_over(request))


def test_workers_killed_at_random_moments_of_three_hundred_runs_change_nothing_but_the_time(
    portal: Portal, submit_three_hundred: Submit, chance: random.Random
) -> None:
    portal.start()
    request = submit_three_hundred()
    for moment in (10, 80, 150, 220):
        wait_until_done(request, moment + chance.randrange(60), portal)
        portal.wait_for(lambda: _held_by("work") > 0)
        time.sleep(chance.random() / 20)
        for pid in portal.pool("work"):  # the processes that train, and the one that leads them
            os.kill(pid, signal.SIGKILL)
        portal.kill("work")
        portal.start("work")
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)
    assert request.segments_total == SEGMENTS
    assert lost_attempts(request) > 0


def test_a_worker_whose_main_process_alone_is_killed_leaves_nothing_twice(
    portal: Portal, submit: Submit, chance: random.Random
) -> None:
    portal.start()
    request = submit()
    for moment in (5, 25):
        wait_until_done(request, moment + chance.randrange(10), portal)
        portal.kill("work")
        portal.start("work")
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)


def test_everything_killed_while_the_fan_out_is_half_sent_is_taken_up_again(
    portal: Portal, submit: Submit, chance: random.Random
) -> None:
    request = submit()
    portal.start("valkey", "control", "beat")
    portal.wait_for(lambda: SegmentRun.objects.filter(status="sent").exists())
    for name in ("control", "beat", "valkey"):
        portal.kill(name)
    portal.start()
    wait_until_done(request, 10 + chance.randrange(20), portal)
    for name in ("control", "beat", "work", "valkey"):
        portal.kill(name)
    portal.start()
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)


def test_a_frozen_worker_that_comes_back_late_changes_nothing(
    portal: Portal, submit: Submit, chance: random.Random
) -> None:
    """All workers are frozen at once: one left awake could end all of the request before the others are missed."""
    portal.start("valkey", "control", "beat", "work", "work2")
    request = submit()
    for moment in (5, 20):
        wait_until_done(request, moment + chance.randrange(5), portal)
        portal.wait_for(lambda: _held_by("work") == 2)
        frozen = portal.pool("work") + portal.pool("work2")
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        portal.wait_for(lambda: not _held_by("work") and not _held_by("work2"))
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)


def test_a_thawed_worker_changes_nothing_of_the_attempt_that_took_over(
    portal: Portal, submit_two_slow_ones: Submit
) -> None:
    """The worker is frozen, not its scripts: they succeed, and thawed it hands in what somebody else now works on."""
    portal.start("valkey", "control", "beat", "work")
    request = submit_two_slow_ones()
    portal.wait_for(lambda: SegmentRun.objects.filter(status="running", progress__gt=0).count() == 2)
    frozen, ended = portal.pool("work"), time.monotonic() + SLOW_SECONDS + 1
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    portal.start("work2")
    portal.wait_for(lambda: _held_by("work2") == 2 and time.monotonic() > ended)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)
    assert set(request.runs.values_list("attempt", flat=True)) == {2}


def test_messages_that_come_twice_late_and_out_of_order_are_harmless(
    portal: Portal, submit: Submit, chance: random.Random
) -> None:
    portal.start()
    request = submit()
    ids = list(request.runs.values_list("pk", flat=True))
    with app.connection_for_write(url=portal.redis_url) as broker:
        while not is_over(request):
            chance.shuffle(ids)
            for run_id in ids[:10]:
                app.send_task("retraining.train", args=([run_id], request.pk), queue="work", connection=broker)
            app.send_task("retraining.drive", args=(request.pk,), queue="control", connection=broker)
            time.sleep(1)
        app.send_task("retraining.train", args=(ids, request.pk), queue="work", connection=broker)
    portal.wait_for(lambda: _is_empty(portal))
    assert_every_run_ended_once(request)
    assert lost_attempts(request) == 0


def test_a_broker_emptied_and_restarted_loses_nothing(portal: Portal, submit: Submit, chance: random.Random) -> None:
    portal.start()
    request = submit()
    for moment in (5, 20):
        wait_until_done(request, moment + chance.randrange(10), portal)
        Redis.from_url(portal.redis_url).flushall()
    wait_until_done(request, 30 + chance.randrange(5), portal)
    portal.kill("valkey")
    time.sleep(3)
    portal.start("valkey")
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)


def test_a_broker_that_is_away_for_half_a_minute_loses_nothing_not_even_what_is_sent_meanwhile(
    portal: Portal, submit: Submit, chance: random.Random
) -> None:
    portal.start()
    first = submit()
    wait_until_done(first, 10 + chance.randrange(20), portal)
    portal.kill("valkey")
    meanwhile = submit([place.slug for place in lake.destinations()[:5]])
    time.sleep(30)
    portal.start("valkey")
    wait_until_over(first, portal)
    wait_until_over(meanwhile, portal)
    assert_every_run_ended_once(first, meanwhile)


def test_a_postgresql_that_crashes_and_recovers_loses_nothing(
    portal: Portal, submit: Submit, chance: random.Random
) -> None:
    commit_for_real()
    portal.start()
    request = submit()
    for moment in (5, 25):
        wait_until_done(request, moment + chance.randrange(10), portal)
        crash_postgresql(portal)
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)


def test_a_drained_worker_takes_nothing_until_it_is_put_back(
    portal: Portal, submit: Submit, operator: User, chance: random.Random
) -> None:
    portal.start("valkey", "control", "beat", "work")
    portal.wait_for(lambda: Worker.objects.filter(name__startswith="work@").exists())
    worker = Worker.objects.get(name__startswith="work@")
    actions.drain_worker(actor=operator, worker=worker)
    _let_report(portal, worker, 2)  # the first of them may have looked before
    portal.start("work2")
    request = submit([place.slug for place in lake.destinations()[:10]])
    wait_until_over(request, portal)
    assert {name.split("@")[0] for name in Attempt.objects.values_list("worker", flat=True)} == {"work2"}
    portal.ask_to_stop("work2")
    actions.undrain_worker(actor=operator, worker=worker)
    again = submit([place.slug for place in lake.destinations()[10:20]])
    wait_until_over(again, portal)
    assert set(Attempt.objects.filter(segment_run__request=again).values_list("worker", flat=True)) == {worker.name}


def test_dropped_database_connections_lose_nothing(portal: Portal, submit: Submit, chance: random.Random) -> None:
    portal.start()
    request = submit()
    for moment in (5, 20):
        wait_until_done(request, moment + chance.randrange(10), portal)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)


def test_a_deploy_ends_what_runs_and_repeats_nothing(portal: Portal, submit: Submit, chance: random.Random) -> None:
    portal.start()
    request = submit()
    for moment in (5, 25):
        wait_until_done(request, moment + chance.randrange(10), portal)
        portal.ask_to_stop("work")
        assert not SegmentRun.objects.filter(status="running").exists()
        portal.start("work")
    wait_until_over(request, portal)
    assert_every_run_ended_once(request)
    assert Attempt.objects.count() == SegmentRun.objects.count()


def _let_report(portal: Portal, worker: Worker, times: int) -> None:
    """Until the worker has reported itself so often; with each report it looks what is wanted of it."""
    for _ in range(times):
        worker.refresh_from_db()
        later = Worker.objects.filter(pk=worker.pk, seen_at__gt=worker.seen_at)
        portal.wait_for(later.exists)


def _held_by(name: str) -> int:
    return SegmentRun.objects.filter(status="running", worker__startswith=f"{name}@").count()


def _is_empty(portal: Portal) -> bool:
    with Redis.from_url(portal.redis_url) as broker:
        return broker.llen("work") == 0 and broker.hlen("unacked") == 0
