"""Pages of a family of 224 cities with 20 versions each, beside an empty family's page and a real MLflow's list.

    make bench-fleet

Ours are requests through the whole of Django, signed in, without a network; MLflow's is the call of its page of
registered models, a hundred at a time, over its own HTTP, with the same names and versions in it. A B A B, in one run;
a figure is the median over the rounds. Bytes are gzipped and include the styles and scripts of a first visit.
"""

from __future__ import annotations

import gzip
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Team, User
from apps.registry.actions import create_family
from apps.registry.models import ModelVersion
from tests import conftest as people
from tests.conftest import signed_in
from tests.dashboard import conftest as dashboard
from tests.parity import servers
from tests.parity.servers import Server

CITIES, VERSIONS = (int(os.environ.get(name, usual)) for name, usual in (("CITIES", 224), ("VERSIONS", 20)))
ROUNDS, REQUESTS = 5, 5
MOST_QUERIES, MOST_KB, MOST_TIMES = 25, 60, 2
EMPTY, MLFLOW = "an empty family", "MLflow's list of models"
TABLE = Path(__file__).with_suffix(".md")
admin, approver, colleague, owner = people.admin, people.approver, people.colleague, people.owner
plain_http, team, var_dir = people.plain_http, people.team, people.var_dir
family, cities, register, ask = dashboard.family, dashboard.cities, dashboard.register, dashboard.ask
measure, champions, candidates = dashboard.measure, dashboard.champions, dashboard.candidates
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1_800)]
Make = Callable[..., dict[str, ModelVersion]]


def test_the_pages_of_a_whole_fleet(
    admin: User, approver: User, team: Team, cities: Callable[[int], Sequence[str]], champions: Make, candidates: Make,
    register: Make, tmp_path: Path,
) -> None:  # fmt: skip
    create_family(
        actor=admin, slug="empty", name="Empty", team=team, dimension="country", metric="mae", evaluator="eta"
    )
    pages = stock(cities(CITIES), champions, candidates, register)
    client = signed_in(approver)
    with servers.mlflow(tmp_path) as mlflow:
        fill(mlflow)
        taken = measured(client, pages, mlflow)
        table = "\n".join(lines(client, pages, taken, mlflow))
    print(f"\n{table}")
    title = f"# Pages of a family of {CITIES} cities × {VERSIONS} versions"
    TABLE.write_text(f"{title}\n\nWritten by `make bench-fleet`.\n\n{table}\n")


def stock(slugs: Sequence[str], champions: Make, candidates: Make, register: Make) -> dict[str, str]:
    """The pages, by name: every city has a champion, versions that nobody looked at, and an evaluated candidate."""
    first = champions(slugs)
    for _ in range(VERSIONS - 2):
        register(slugs)
    newest = candidates(slugs)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    pair = f"{first['city-0'].pk},{newest['city-0'].pk}"
    return {
        EMPTY: "/m/empty/",
        "the fleet as a map": "/m/eta-trip/",
        "the fleet as a table": "/m/eta-trip/?view=table",
        "its versions": "/models/eta-trip/versions/",
        "two versions compared": f"/models/eta-trip/compare/?versions={pair}",
        "one version": f"/m/eta-trip/city-0/v{VERSIONS}/",
        "one city": "/m/eta-trip/city-0/",
    }


def fill(mlflow: Server) -> None:
    """The same names with as many versions, straight into its tables."""
    with psycopg2.connect(mlflow.database) as session, session.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registered_models (name, creation_time, last_updated_time)"
            " SELECT 'eta-trip.city-' || n, n, n FROM generate_series(0, %s) n", [CITIES - 1])  # fmt: skip
        cursor.execute(
            "INSERT INTO model_versions"
            " (name, version, creation_time, last_updated_time, source, current_stage, status)"
            " SELECT 'eta-trip.city-' || n, v, v, v, 's3://bucket/model', 'None', 'READY'"
            " FROM generate_series(0, %s) n, generate_series(1, %s) v", [CITIES - 1, VERSIONS])  # fmt: skip


def measured(client: Client, pages: dict[str, str], mlflow: Server) -> dict[str, float]:
    """Seconds of the median request, by page."""
    taken: dict[str, list[float]] = {name: [] for name in (*pages, MLFLOW)}
    asks: dict[str, Callable[[], Any]] = {name: partial(shown, client, address) for name, address in pages.items()}
    asks[MLFLOW] = partial(listed, mlflow)
    for _ in range(ROUNDS):
        for name, ask in asks.items():
            taken[name].append(statistics.median(seconds(ask) for _ in range(REQUESTS)))
    return {name: statistics.median(each) for name, each in taken.items()}


def seconds(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def shown(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def listed(mlflow: Server) -> Any:
    answer = mlflow.call("GET", "/ajax-api/2.0/mlflow/registered-models/search", {"max_results": 100})
    assert answer.status == 200, answer
    return answer.body


def lines(client: Client, pages: dict[str, str], taken: dict[str, float], mlflow: Server) -> Iterator[str]:
    yield f"| page | time | × {EMPTY} | queries | KB gzipped in all | |"
    yield "|---|---|---|---|---|---|"
    for name, address in pages.items():
        with CaptureQueriesContext(connection) as asked:
            page = shown(client, address)
        yield line(name, taken[name], taken[EMPTY], len(asked), kilobytes(page))
    whole = sum(len(gzip.compress(part)) for part in first_visit(mlflow)) / 1_000
    yield f"| {MLFLOW} | {1_000 * taken[MLFLOW]:.0f} ms | {taken[MLFLOW] / taken[EMPTY]:.1f}× | | {whole:,.0f} | |"


def line(name: str, taken: float, empty: float, queries: int, size: float) -> str:
    missed = [
        words
        for words, is_missed in (
            (f"over {MOST_TIMES}×", taken > MOST_TIMES * empty),
            (f"over {MOST_QUERIES} queries", queries > MOST_QUERIES),
            (f"over {MOST_KB} KB", size > MOST_KB),
        )
        if is_missed
    ]
    figures = f"{1_000 * taken:.0f} ms | {taken / empty:.1f}× | {queries} | {size:.0f}"
    return f"| {name} | {figures} | {', '.join(missed)} |"


def kilobytes(page: str) -> float:
    """The page with the styles and scripts that it names."""
    files = [Path(str(finders.find(name))).read_bytes() for name in dict.fromkeys(static_files(page))]
    return sum(len(gzip.compress(part)) for part in (page.encode(), *files)) / 1_000


def static_files(page: str) -> list[str]:
    return [name.split("?")[0] for name in re.findall(r'(?:href|src)="/static/([^"]+\.(?:css|js)[^"]*)"', page)]


def first_visit(mlflow: Server) -> Iterator[bytes]:
    """MLflow's page with the styles and scripts that its first HTML names."""
    page = mlflow.call("GET", "/").body
    yield str(page).encode()
    for name in re.findall(r'(?:href|src)="\.?/?(static-files/[^"]+\.(?:css|js))"', str(page)):
        yield str(mlflow.call("GET", f"/{name}").body).encode()
