"""Queues, workers, requests and policies in numbers, as Prometheus reads them.

Of all families together: numbers without names, so that whoever may read at all may read them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily

from apps.core.measures import gauge
from apps.registry.queries import evaluations_due
from apps.retraining import queries
from apps.retraining.models import Firing, Incident, RetrainingRequest, SegmentRun, Signal


def gauges() -> Iterator[GaugeMetricFamily]:
    depths = queries.queue_depths()
    ends = SegmentRun.objects.order_by().exclude(status__in=[depth.status for depth in depths])
    ended = ends.values_list("status", "cause").annotate(Count("id"))
    requests = RetrainingRequest.objects.order_by().values_list("status").annotate(Count("id"))
    firings = Firing.objects.order_by().values_list("outcome").annotate(Count("id"))
    waits = [(depth.status, depth.oldest) for depth in depths]
    yield gauge("segment_runs_open", "Segment runs on their way.", [(d.status, d.count) for d in depths], "status")
    yield gauge("segment_runs_oldest_seconds", "Since the oldest of them was asked for.", waits, "status")
    told = "Segment runs that have ended; one that is retried is open again."
    yield gauge("segment_runs_ended", told, ended, "status", "cause")
    yield gauge("requests", "Retraining requests.", requests, "status")
    yield gauge("evaluations_due", "Evaluations that wait for a worker.", [(evaluations_due(),)])
    yield gauge("signals_unsettled", "Signals that nobody has looked at yet.", [(_unsettled(),)])
    yield gauge("incidents_open", "Storms of signals that nobody has closed.", [(_storms(),)])
    yield gauge("policy_decisions", "What policies decided.", firings, "outcome")
    yield from _of_workers()


def _unsettled() -> int:
    return Signal.objects.filter(settled_at=None).count()


def _storms() -> int:
    return Incident.objects.filter(closed_at=None).count()


def _of_workers() -> Iterator[GaugeMetricFamily]:
    workers: Sequence[Any] = list(queries.workers())
    alive: Iterable[Any] = [(one.name, queries.is_alive(one)) for one in workers]
    yield gauge("worker_up", "1 for a worker that reports itself.", alive, "worker")
    draining = [(one.name, one.draining_since is not None) for one in workers]
    yield gauge("worker_draining", "1 for a worker that takes nothing more.", draining, "worker")
    yield gauge("worker_busy", "Segment runs that it trains.", [(one.name, one.busy) for one in workers], "worker")
