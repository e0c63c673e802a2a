"""All endpoints of the protocol. What is not in this table does not exist here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from apps.mlflow_protocol import registry, server, webhooks
from apps.mlflow_protocol.artifacts import multipart, proxy
from apps.mlflow_protocol.endpoints import Endpoint
from apps.mlflow_protocol.tracking import experiments, logged_models, reporting, runs

ENDPOINTS: tuple[Endpoint, ...] = (
    *server.ENDPOINTS,
    *experiments.ENDPOINTS,
    *runs.ENDPOINTS,
    *reporting.ENDPOINTS,
    *logged_models.ENDPOINTS,
    *proxy.ENDPOINTS,
    *multipart.ENDPOINTS,
    *registry.ENDPOINTS,
    *webhooks.ENDPOINTS,
)
REST = "*"


def find(version: str, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
    """The endpoint and the parts of its address."""
    exact, shaped = _index()
    if endpoint := exact.get((version, method, path)):
        return endpoint, {}
    parts = path.split("/")
    for endpoint in shaped.get((version, method), ()):
        places = _places(endpoint.path.split("/"), parts)
        if places is not None:
            return endpoint, places
    return None


@cache
def _index() -> tuple[dict[tuple[str, str, str], Endpoint], dict[tuple[str, str], list[Endpoint]]]:
    """Most calls are one look into a dict; only paths with places in them are compared part by part."""
    exact, shaped = {}, dict[tuple[str, str], list[Endpoint]]()
    for endpoint in ENDPOINTS:
        if "{" in endpoint.path:
            shaped.setdefault((endpoint.version, endpoint.method), []).append(endpoint)
        else:
            exact[(endpoint.version, endpoint.method, endpoint.path)] = endpoint
    return exact, shaped


def _places(shape: list[str], parts: list[str]) -> dict[str, str] | None:
    places = dict[str, str]()
    for at, word in enumerate(shape):
        if word.endswith(REST + "}") and len(parts) > at:
            return {**places, word.strip("{*}"): "/".join(parts[at:])}
        if at >= len(parts) or (not word.startswith("{") and word != parts[at]):
            return None
        if word.startswith("{"):
            places[word.strip("{}")] = parts[at]
    return places if len(shape) == len(parts) else None
