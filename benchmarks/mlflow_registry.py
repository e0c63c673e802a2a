"""The registry's calls, the portal beside a real MLflow server: requests per second and p99, A B A B, in one run.

    make bench                              all sizes and both settings of the client; takes about an hour
    make bench ARGS="--sizes 1000 --seconds 2 --rounds 3"

Both servers have a database of their own on one PostgreSQL and the same rows. A figure is the median of the rounds.
The client is a process of its own that asks over kept-alive connections, with TCP_QUICKACK off (as every Python client
does, which costs MLflow's default 40 ms a call) and on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg2  # type: ignore[import-untyped]

from tests.parity import servers
from tests.parity.servers import Server

HERE = Path(__file__).parent
S3 = "s3://bucket/model"
PER_MODEL = 10
Ask = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    """What is asked; `ask(n)` is the n-th call of this run."""

    name: str
    writes: bool
    ask: Callable[[int], Ask]


def operations(models: int) -> list[Operation]:
    """`models` are stored, named m-0, m-1 …, each with versions, an alias and tags."""

    def named(n: int) -> str:
        return f"m-{n * 7919 % models}"

    def found(text: str) -> Ask:
        return "GET", f"{rm}/search", {"filter": text, "max_results": 10}

    def alias(n: int) -> dict[str, str]:
        return {"name": named(n), "alias": "test", "version": str(1 + n % 2)}

    rm, mv = "registered-models", "model-versions"
    return [
        Operation("get by alias", False, lambda n: ("GET", f"{rm}/alias", {"name": named(n), "alias": "prod"})),
        Operation("get version", False, lambda n: ("GET", f"{mv}/get", {"name": named(n), "version": "1"})),
        Operation("get model", False, lambda n: ("GET", f"{rm}/get", {"name": named(n)})),
        Operation("search by name", False, lambda n: ("GET", f"{mv}/search", {"filter": f"name = '{named(n)}'"})),
        Operation("search by tag", False, lambda n: found(f"tags.city = 'c{n % models}'")),
        Operation("search LIKE", False, lambda n: found(f"name LIKE '{named(n)}%'")),
        Operation("page of 100", False, lambda n: ("GET", f"{rm}/search", {"max_results": 100})),
        Operation("create model", True, lambda n: ("POST", f"{rm}/create", {"name": f"new-{os.getpid()}-{n}"})),
        Operation("create version", True, lambda n: ("POST", f"{mv}/create", {"name": named(n), "source": S3})),
        Operation("set alias", True, lambda n: ("POST", f"{rm}/alias", alias(n))),
    ]


@dataclass(frozen=True)
class Figure:
    """Requests per second, and the 99th percentile in milliseconds."""

    rate: float
    p99: float


def measure(server: Server, operation: Operation, *, threads: int, seconds: float, quickack: bool) -> Figure:
    """So many connections, each its own process, ask one call after the other for so long."""
    with multiprocessing.get_context("fork").Pool(threads) as pool:
        start = time.time() + 0.3
        asked = [(server, operation.name, number, threads, start, seconds, quickack) for number in range(threads)]
        taken = [one for found in pool.map(_client, asked) for one in found]
    ordered = sorted(taken)
    return Figure(len(taken) / seconds, 1_000 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))])


_models = 0
_calls = count(1)


def _client(asked: tuple[Server, str, int, int, float, float, bool]) -> list[float]:
    server, name, number, threads, start, seconds, quickack = asked
    operation = next(one for one in operations(_models) if one.name == name)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    offset, taken = int(time.time() * 1_000) % 1_000_000, []
    time.sleep(max(0.0, start - time.time()))
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        offset += 1
        _ask(connection, server, operation.ask(offset * threads + number), quickack)
        taken.append(time.perf_counter() - began)
    return taken


def _ask(connection: HTTPConnection, server: Server, ask: Ask, quickack: bool) -> None:
    method, path, sent = ask
    address, body = f"/api/2.0/mlflow/{path}", None
    if method == "GET":
        address += f"?{urlencode(sent)}"
    else:
        body = json.dumps(sent)
    connection.request(method, address, body, {"Content-Type": "application/json", **server.headers})
    if quickack:
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    response = connection.getresponse()
    answered = response.read()
    assert response.status == 200, (server.name, ask, answered[:300])


def stock(versions: int, server: Server) -> None:
    """The same rows for both, written straight into their tables: through their doors it would take hours."""
    session = psycopg2.connect(server.database)
    with session, session.cursor() as cursor:
        cursor.execute(
            (HERE / f"stock_{server.name}.sql").read_text(), {"models": versions // PER_MODEL, "each": PER_MODEL}
        )
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    session.close()


def rows(options: argparse.Namespace) -> Iterator[str]:
    """The table, line by line, as it is measured."""
    global _models
    yield "| versions | TCP_QUICKACK | clients | call | portal/s | MLflow/s | ratio | p99 portal | p99 MLflow | ratio |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for versions in options.sizes:
        _models = versions // PER_MODEL
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            pair = [
                stack.enter_context(servers.portal(folder)),
                stack.enter_context(servers.mlflow(folder, workers=options.workers)),
            ]
            for server in pair:
                stock(versions, server)
            for quickack in options.quickack:
                for clients in options.clients:
                    for operation in operations(_models):
                        yield _row(options, pair, versions, quickack, clients, operation)


def _row(
    options: argparse.Namespace, pair: list[Server], versions: int, quickack: bool, clients: int, operation: Operation
) -> str:
    found: dict[str, list[Figure]] = {server.name: [] for server in pair}
    for _ in range(options.rounds):
        for server in pair:
            figure = measure(server, operation, threads=clients, seconds=options.seconds, quickack=quickack)
            found[server.name].append(figure)
    ours, theirs = (
        Figure(statistics.median(one.rate for one in each), statistics.median(one.p99 for one in each))
        for each in found.values()
    )
    return (
        f"| {versions:,} | {'on' if quickack else 'off'} | {clients} | {operation.name} "
        f"| {ours.rate:,.0f} | {theirs.rate:,.0f} | **{ours.rate / theirs.rate:.1f}×** "
        f"| {ours.p99:.1f} ms | {theirs.p99:.1f} ms | 1/{theirs.p99 / ours.p99:.1f} |"
    )


def main() -> None:
    options = _options()
    lines = [f"MLflow 3.17.2 with {options.workers} workers, {options.rounds} rounds of {options.seconds} s each, "
             f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}.", ""]  # fmt: skip
    for line in rows(options):
        print(line, flush=True)
        lines.append(line)
    target = HERE / "mlflow_registry.md"
    target.write_text("# The registry's calls beside MLflow\n\nWritten by `make bench`.\n\n" + "\n".join(lines) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="stored versions")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--workers", type=int, default=4, help="of MLflow; 4 is its default")
    parser.add_argument(
        "--quickack", type=lambda word: word == "on", nargs="+", default=[False, True], help="off, on, or both"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
