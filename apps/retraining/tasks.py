"""Celery door of retraining. `control` decides and is never blocked; `work` trains.

Messages are doorbells: they may come twice, late or never.
"""

import os
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from celery import current_task, shared_task
from celery.signals import worker_ready, worker_shutdown
from django.db import DatabaseError, InterfaceError, connection

from apps.core.context import Door, through
from apps.core.doorbell import ring
from apps.core.release import release
from apps.retraining import abroad, actions, listening, lookups, queries, training

log = structlog.get_logger(__name__)
WORK = "work"
REPORT_EVERY = 5.0  # seconds
STALE_AFTER = 60  # seconds; the coordinator rings every two seconds, an older ring says nothing new


@shared_task(name="retraining.coordinate", expires=STALE_AFTER)
def coordinate() -> None:
    with through(Door.TASK):
        actions.coordinate()


@shared_task(name="retraining.watch", expires=STALE_AFTER)
def watch() -> None:
    """Settles signals, then lets each policy look for its occasion."""
    with through(Door.TASK):
        actions.settle_signals()
        actions.watch_policies()


@shared_task(name="retraining.discover", expires=STALE_AFTER)
def discover() -> None:
    """Tells the catalog what the runs had loaded. Idempotent."""
    with through(Door.TASK):
        actions.discover_usage()


@shared_task(name="retraining.drive", expires=STALE_AFTER)
def drive(request_id: int) -> None:
    with through(Door.TASK):
        actions.drive(request_id=request_id)


@shared_task(name="retraining.follow_up", expires=STALE_AFTER)
def follow_up(request_id: int) -> None:
    with through(Door.TASK):
        actions.follow_up(request_id=request_id)


@shared_task(name="retraining.train")
def train(run_ids: Sequence[int], request_id: int) -> None:
    """Trains a small batch, one after the other, and rings for what comes next."""
    with through(Door.TASK):
        worker = str(current_task.request.hostname)
        trained = [training.train(run_id, worker=worker) for run_id in run_ids]
        if any(trained):  # a message that came twice has nothing to tell
            ring("retraining.drive", request_id)


@shared_task(name="retraining.hand_over")
def hand_over(run_ids: Sequence[int]) -> None:
    """Gives a small batch to the platform that runs it."""
    with through(Door.TASK):
        abroad.hand_over(run_ids)


@shared_task(name="retraining.attend", expires=STALE_AFTER)
def attend(connection_id: int) -> None:
    """Looks after what a platform has of us."""
    with through(Door.TASK):
        abroad.attend(connection_id)


@shared_task(name="retraining.look_up_all", expires=STALE_AFTER)
def look_up_all() -> None:
    """Rings for each pipeline that a platform runs."""
    with through(Door.TASK):
        for pipeline_id in queries.pipelines_at_platforms():
            ring("retraining.look_up", pipeline_id)


@shared_task(name="retraining.look_up", expires=STALE_AFTER)
def look_up(pipeline_id: int) -> None:
    """Asks the platform about one pipeline's workflow."""
    with through(Door.TASK):
        lookups.look_up(pipeline_id)


@shared_task(name="retraining.listen_all", expires=STALE_AFTER)
def listen_all() -> None:
    """Rings for each connection that has pipelines."""
    with through(Door.TASK):
        for connection_id in queries.connections_of_pipelines():
            ring("retraining.listen", connection_id)


@shared_task(name="retraining.listen", expires=STALE_AFTER)
def listen(connection_id: int) -> None:
    """Hears what one platform tells of the world."""
    with through(Door.TASK):
        listening.listen(connection_id)


@worker_ready.connect
def report_worker(sender: Any, **_: Any) -> None:
    """The worker's main process reports itself, now and every few seconds, whatever its pool is doing."""
    report = _report_of(sender)
    _note(report, starting=True)
    sender.timer.call_repeatedly(REPORT_EVERY, _report, (sender, report))
    worker_shutdown.connect(_farewell(report.name), weak=False)


def _report_of(consumer: Any) -> actions.WorkerReport:
    queues = sorted(queue.name for queue in consumer.task_consumer.queues)
    isolated = training.training_isolation() if WORK in queues else None
    return actions.WorkerReport(
        name=consumer.hostname,
        pid=os.getpid(),
        host=socket.gethostname(),
        queues=queues,
        slots=consumer.pool.num_processes,
        isolation=isolated.because if isolated else "",
        release=release(),
    )


def _report(consumer: Any, report: actions.WorkerReport) -> None:
    _note(report)
    _tell(lambda: _follow_wish(consumer, report))


def _follow_wish(consumer: Any, report: actions.WorkerReport) -> None:
    """A worker that an operator drains stops to take runs; what it decides as `control` goes on."""
    draining = queries.is_draining(report.name)
    takes = any(queue.name == WORK for queue in consumer.task_consumer.queues)
    if draining and takes:
        consumer.cancel_task_queue(WORK)
    if not draining and not takes and WORK in report.queues:
        consumer.add_task_queue(WORK)


def _note(report: actions.WorkerReport, starting: bool = False) -> None:
    _tell(lambda: actions.note_worker(report=report, starting=starting))


def _farewell(name: str) -> Any:
    return lambda **_: _tell(lambda: actions.note_worker_stopped(name=name))


def _tell(what: Any) -> None:
    """No connection stays open here: this process is forked into the pool's."""
    try:
        what()
    except (DatabaseError, InterfaceError) as error:
        log.warning("retraining.worker_not_noted", error=type(error).__name__)
    finally:
        connection.close()
