"""Figures for Prometheus: a gauge out of rows of a query, and how long this process takes to answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily

Respond = Callable[[HttpRequest], HttpResponse]
OF_THIS_PROCESS = CollectorRegistry()
"""What a process can only say of itself: each web process is asked for its own."""
ANSWERS = Histogram(
    "portal_answer_seconds",
    "How long requests took, by door, method and hundred of the status.",
    ["door", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=OF_THIS_PROCESS,
)
ProcessCollector(namespace="portal", registry=OF_THIS_PROCESS)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
PROBES = frozenset({"/healthz", "/readyz"})


def gauge(name: str, told: str, rows: Iterable[Iterable[Any]], *labels: str) -> GaugeMetricFamily:
    """`portal_<name>` with a sample for each row: the values of the labels, then the number."""
    made = GaugeMetricFamily(f"portal_{name}", told, labels=labels)
    for *values, number in rows:
        made.add_metric([str(value) for value in values], float(number))
    return made


class TimedAnswers:
    """Outermost, so that it sees every answer of every door; probes are left out."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        if request.path not in PROBES:
            method = request.method if request.method in METHODS else "other"
            labels = (_door(request.path), method or "other", f"{response.status_code // 100}xx")
            ANSWERS.labels(*labels).observe(time.perf_counter() - began)
        return response


def _door(path: str) -> str:
    if path.startswith(("/api/2.0/", "/api/3.0/", "/ajax-api/")):
        return "mlflow"
    return "api" if path.startswith("/api/") else "web"
