"""All that Prometheus reads, gathered when it asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core.measures import OF_THIS_PROCESS, gauge
from apps.dashboard.queries.readiness import readiness
from apps.notifications.queries import delivery_counts
from apps.registry.queries import promotion_counts, verdict_counts
from apps.retraining import prometheus as retraining


class Portal(Collector):
    """What the tables say, the same from every web process."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from retraining.gauges()
        yield gauge(
            "gate_verdicts", "What gates said when promotions were proposed.", verdict_counts(), "gate", "outcome"
        )
        yield gauge("promotions", "Promotions of single segments.", promotion_counts(), "status")
        yield gauge("deliveries", "Webhooks, mails and chat messages.", delivery_counts(), "status")
        yield from _of_servers()


def _of_servers() -> Iterator[GaugeMetricFamily]:
    found = readiness()
    yield gauge("broker_up", "1 while the broker answers.", [(found.broker,)])
    heard = [] if found.beat_silent is None else [(found.beat_silent,)]
    yield gauge("beat_silent_seconds", "Since beat was heard through a worker that decides.", heard)
    up = [(not found.files.said,)] if found.files and found.files.said is not None else []
    yield gauge("file_store_up", "1 while the place of the files answered when it was looked at last.", up)
    yield gauge("database_connections", "Connections that are taken.", [(found.connections,)])
    yield gauge("database_connections_most", "Connections that there can be.", [(found.most_connections,)])


TABLES = CollectorRegistry()
TABLES.register(Portal())


def exposition() -> bytes:
    """The text that Prometheus reads: what the tables say, and what this web process says of itself."""
    return generate_latest(TABLES) + generate_latest(OF_THIS_PROCESS)
