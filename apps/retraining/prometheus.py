"""What a company's dashboards ask every few seconds, in Prometheus' text format."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from apps.registry.queries import evaluations_due
from apps.retraining import queries
from apps.retraining.models import Firing, Incident, RetrainingRequest, SegmentRun, Signal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Gauge:
    """A name, what it means, and its values by labels."""

    name: str
    help: str
    samples: Sequence[Sample]


def gauges() -> list[Gauge]:
    """Of all families together: numbers without names, so that whoever may read at all may read them."""
    depths = queries.queue_depths()
    ends = SegmentRun.objects.order_by().exclude(status__in=[depth.status for depth in depths])
    ended = ends.values_list("status", "cause").annotate(Count("id"))
    requests = RetrainingRequest.objects.order_by().values_list("status").annotate(Count("id"))
    unsettled = Signal.objects.filter(settled_at=None).count()
    storms = Incident.objects.filter(closed_at=None).count()
    firings = Firing.objects.order_by().values_list("outcome").annotate(Count("id"))
    return [
        Gauge("segment_runs_open", "Segment runs on their way.", [({"status": d.status}, d.count) for d in depths]),
        Gauge(
            "segment_runs_oldest_seconds",
            "Since the oldest of them was asked for.",
            [({"status": d.status}, d.oldest) for d in depths],
        ),
        Gauge(
            "segment_runs_ended",
            "Segment runs that have ended; one that is retried is open again.",
            [({"status": status, "cause": cause}, count) for status, cause, count in ended],
        ),
        Gauge("requests", "Retraining requests.", [({"status": status}, count) for status, count in requests]),
        Gauge("evaluations_due", "Evaluations that wait for a worker.", [({}, evaluations_due())]),
        Gauge("signals_unsettled", "Signals that nobody has looked at yet.", [({}, unsettled)]),
        Gauge("incidents_open", "Storms of signals that nobody has closed.", [({}, storms)]),
        Gauge("policy_decisions", "What policies decided.", [({"outcome": name}, count) for name, count in firings]),
        *_of_workers(),
    ]


def _of_workers() -> list[Gauge]:
    workers: list[Any] = list(queries.workers())
    named = [{"worker": worker.name} for worker in workers]
    alive = [float(queries.is_alive(one)) for one in workers]
    drained = [float(one.draining_since is not None) for one in workers]
    busy = [float(one.busy) for one in workers]
    return [
        Gauge("worker_up", "1 for a worker that reports itself.", list(zip(named, alive, strict=True))),
        Gauge("worker_draining", "1 for a worker that takes nothing more.", list(zip(named, drained, strict=True))),
        Gauge("worker_busy", "Segment runs that it trains.", list(zip(named, busy, strict=True))),
    ]


def exposition(found: Iterable[Gauge]) -> str:
    """The text that Prometheus reads."""
    return "".join(_lines(gauge) for gauge in found)


def _lines(gauge: Gauge) -> str:
    name = f"portal_{gauge.name}"
    head = f"# HELP {name} {gauge.help}\n# TYPE {name} gauge\n"
    return head + "".join(f"{name}{_labels(labels)} {float(value)!r}\n" for labels, value in gauge.samples)


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
