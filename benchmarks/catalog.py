"""Pages of the catalog at 50 and at 5,000 tools with a position, A B A B, in one run.

    make bench-catalog

Each is a request through the whole of Django, signed in, without a network. A figure is the median over the rounds of
the median of a round's requests. Between two rounds the tables are emptied, so that nothing is measured on dead rows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from tests import conftest as people
from tests.catalog.crowd import CROWDED, crowd
from tests.conftest import signed_in

FEW, MANY, ROUNDS, REQUESTS = 50, 5_000, 5, 7
other_team, plain_http, stranger, var_dir = people.other_team, people.plain_http, people.stranger, people.var_dir
TABLES = ("usage", "position", "tool")
TABLE = Path(__file__).with_suffix(".md")
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def test_the_catalog_at_fifty_and_at_five_thousand_tools(stranger: User) -> None:
    client = signed_in(stranger)
    taken: dict[tuple[int, str], list[float]] = {}
    for _ in range(ROUNDS):
        for tools in (FEW, MANY):
            fill(tools)
            for address in CROWDED:
                taken.setdefault((tools, address), []).append(median_request(client, address))
    table = "\n".join(lines({key: statistics.median(each) for key, each in taken.items()}))
    print(f"\n{table}")
    TABLE.write_text(f"# Pages of the catalog\n\nWritten by `make bench-catalog`.\n\n{table}\n")


def fill(tools: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(f'catalog_{name}' for name in TABLES)} CASCADE")
        crowd(tools)
        cursor.execute("ANALYZE")


def median_request(client: Client, address: str) -> float:
    """Seconds; the first request only warms."""
    return statistics.median([request(client, address) for _ in range(REQUESTS)][1:])


def request(client: Client, address: str) -> float:
    began = time.perf_counter()
    response = client.get(address)
    taken = time.perf_counter() - began
    assert response.status_code == 200, address
    return taken


def lines(taken: dict[tuple[int, str], float]) -> Iterator[str]:
    yield f"| page | {FEW} tools | {MANY:,} tools | ratio |"
    yield "|---|---|---|---|"
    for address in CROWDED:
        few, many = taken[FEW, address], taken[MANY, address]
        yield f"| `{address}` | {few * 1_000:.1f} ms | {many * 1_000:.1f} ms | **{many / few:.1f}×** |"
