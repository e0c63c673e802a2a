"""The registry's calls, the portal beside a real MLflow server: requests per second and p99, A B A B, in one run.

    make bench-registry                                                what the table shows; a quarter of an hour
    make bench-registry ARGS="--sizes 1000 --seconds 0.5 --rounds 1"  a glance

All servers run on one PostgreSQL with the same rows. A figure is the median of the rounds. MLflow is measured with its
default of four workers, at the largest size with one too; there the portal is measured beside itself at the smallest
size as well, and one get-by-alias beside a bare Django view with one primary-key SELECT. TCP_QUICKACK off is what every
Python client does, and costs MLflow's default 40 ms a call.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]

from benchmarks.clients import Ask, Crowd, Figure, measure, median
from tests.parity import servers
from tests.parity.servers import Server

HERE = Path(__file__).parent
S3 = "s3://bucket/model"
PER_MODEL, WRITTEN = 10, 100
"""Versions of a model that is read; models that versions are added to, which are not read."""
PORTAL, MLFLOW, ONE_WORKER, SMALL = "portal", "MLflow", "MLflow --workers 1", "portal, smallest size"


@dataclass(frozen=True)
class Operation:
    """What is asked; `ask(n)` is the n-th call of this run."""

    name: str
    ask: Callable[[int], Ask]
    least: float
    """How many times MLflow's requests per second it has to reach at eight clients."""


@dataclass(frozen=True)
class Setting:
    """How many ask, with TCP_QUICKACK on or off, and which servers are compared with the portal."""

    clients: int
    quickack: bool
    others: tuple[str, ...] = (MLFLOW,)

    def __str__(self) -> str:
        return (
            f"{self.clients} client{'s' if self.clients > 1 else ''}, TCP_QUICKACK {'on' if self.quickack else 'off'}"
        )


ANY_SIZE = [Setting(8, quickack=False)]
LARGEST = [
    Setting(8, quickack=False, others=(MLFLOW, ONE_WORKER, SMALL)),
    Setting(8, quickack=True, others=(MLFLOW, ONE_WORKER)),
    Setting(1, quickack=False),
    Setting(1, quickack=True),
]


def operations(models: int) -> list[Operation]:
    """`models` are stored, named m-0, m-1 …, each with versions, an alias and a tag."""

    def named(n: int) -> str:
        return f"m-{n * 7919 % models}"

    def get(path: str, **sent: object) -> Ask:
        return "GET", f"/api/2.0/mlflow/{path}", sent

    def post(path: str, **sent: object) -> Ask:
        return "POST", f"/api/2.0/mlflow/{path}", sent

    rm, mv = "registered-models", "model-versions"
    reads = {
        "get by alias": lambda n: get(f"{rm}/alias", name=named(n), alias="prod"),
        "get version": lambda n: get(f"{mv}/get", name=named(n), version="1"),
        "get model": lambda n: get(f"{rm}/get", name=named(n)),
        "search by name": lambda n: get(f"{mv}/search", filter=f"name = '{named(n)}'"),
        "search by tag": lambda n: get(f"{rm}/search", filter=f"tags.city = 'c{n % models}'", max_results=10),
        "search LIKE": lambda n: get(f"{rm}/search", filter=f"name LIKE '{named(n)}%'", max_results=10),
        "page of 100": lambda n: get(f"{rm}/search", max_results=100),
    }
    writes = {
        "create model": lambda n: post(f"{rm}/create", name=f"new-{n}"),
        "create version": lambda n: post(f"{mv}/create", name=f"w-{n % WRITTEN}", source=S3),
        "set alias": lambda n: post(f"{rm}/alias", name=named(n), alias="test", version=str(1 + n // models % 2)),
    }
    return [
        *(Operation(name, ask, 10.0) for name, ask in reads.items()),
        *(Operation(name, ask, 5.0) for name, ask in writes.items()),
    ]


def main() -> None:
    options = _options()
    said = [
        "# The registry's calls beside MLflow",
        "",
        f"Written by `make bench-registry`: MLflow 3.17.2, {options.rounds} rounds of {options.seconds} s for each "
        f"figure, {os.cpu_count()} cores ({platform.machine()}) shared with PostgreSQL and the clients, "
        f"Python {platform.python_version()}. Reads are to reach 10×, writes 5×, p99 a fifth; what does not is named.",
    ]
    for line in tables(options):
        print(line, flush=True)
        said.append(line)
    (HERE / "mlflow_registry.md").write_text("\n".join(said) + "\n")


def tables(options: argparse.Namespace) -> Iterator[str]:
    """Line by line, as it is measured."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        up = _servers(stack, folder, small=len(options.sizes) > 1)
        if SMALL in up:
            stock(options.sizes[0], up[SMALL])
        for size in options.sizes:
            stock(size, up[PORTAL])
            stock(size, up[MLFLOW])
            for setting in LARGEST if size == options.sizes[-1] else ANY_SIZE:
                yield from _table(options, up, size, setting)
        yield from _bare(options, stack.enter_context(servers.bare(folder, up[PORTAL])), up[PORTAL])


def _servers(stack: ExitStack, folder: Path, *, small: bool) -> dict[str, Server]:
    """By name; both MLflow servers have one database."""
    up = {
        PORTAL: stack.enter_context(servers.portal(folder)),
        MLFLOW: stack.enter_context(servers.mlflow(folder, workers=4)),
    }
    up[ONE_WORKER] = stack.enter_context(servers.mlflow(folder, database=up[MLFLOW].database))
    if small:
        up[SMALL] = stack.enter_context(servers.portal(folder, database="small"))
    return up


def stock(versions: int, server: Server) -> None:
    """As many rows as are wanted in all, the same for both, straight into their tables: through their doors it would
    take hours.
    """
    session = psycopg2.connect(server.database)
    sql = (HERE / f"stock_{server.name}.sql").read_text()
    with session, session.cursor() as cursor:
        cursor.execute(sql, {"models": versions // PER_MODEL, "each": PER_MODEL, "written": WRITTEN})
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    session.close()


def _table(options: argparse.Namespace, up: dict[str, Server], size: int, setting: Setting) -> Iterator[str]:
    others = [name for name in setting.others if name in up]
    yield from ("", f"## {size:,} versions, {setting}", "")
    yield f"| call | portal/s | p99 | {' | '.join(f'{name}/s | p99 | ratio' for name in others)} | |"
    yield "|---|" + "---|" * (3 * len(others) + 3)
    crowd = Crowd(setting.clients, options.seconds, setting.quickack)
    for mine, small in zip(operations(size // PER_MODEL), operations(options.sizes[0] // PER_MODEL), strict=True):
        asked = {name: (up[name], (small if name == SMALL else mine).ask) for name in (PORTAL, *others)}
        yield _row(mine, setting, interleaved(options.rounds, asked, crowd))


def interleaved(rounds: int, asked: dict[str, tuple[Server, Callable[[int], Ask]]], crowd: Crowd) -> dict[str, Figure]:
    """A B A B …: what the machine does meanwhile falls on all of them."""
    found: dict[str, list[Figure]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, (server, ask) in asked.items():
            found[name].append(measure(server, ask, crowd))
    return {name: median(figures) for name, figures in found.items()}


def _row(operation: Operation, setting: Setting, found: dict[str, Figure]) -> str:
    ours = found.pop(PORTAL)
    cells = [
        f"{theirs.rate:,.0f} | {theirs.p99:.1f} ms | **{ours.rate / theirs.rate:.1f}×**, "
        f"p99 1/{theirs.p99 / ours.p99:.1f}"
        for theirs in found.values()
    ]
    return (
        f"| {operation.name} | {ours.rate:,.0f} | {ours.p99:.1f} ms | {' | '.join(cells)} "
        f"| {_short(operation, setting, ours, found)} |"
    )


def _short(operation: Operation, setting: Setting, ours: Figure, found: dict[str, Figure]) -> str:
    """What is not reached, in words; nothing is asked of one client."""
    if setting.clients == 1:
        return ""
    theirs = found[MLFLOW]
    least = 5.0 if setting.quickack else operation.least
    missed = [f"under {least:.0f}×"] if ours.rate < least * theirs.rate else []
    missed += ["p99 over 1/5"] if ours.p99 > theirs.p99 / 5 else []
    grown = SMALL in found and found[SMALL].rate > 1.2 * ours.rate
    return ", ".join(missed + (["grows by more than 1.2"] if grown else []))


def _bare(options: argparse.Namespace, bare: Server, portal: Server) -> Iterator[str]:
    """Time for one call, at one client."""
    models = options.sizes[-1] // PER_MODEL
    alias = next(one for one in operations(models) if one.name == "get by alias")
    asked: dict[str, tuple[Server, Callable[[int], Ask]]] = {
        PORTAL: (portal, alias.ask),
        "bare": (bare, lambda n: ("GET", f"/models/{1 + n * 7919 % models}", {})),
    }
    found = interleaved(options.rounds, asked, Crowd(1, options.seconds, quickack=False))
    ours, theirs = 1_000 / found[PORTAL].rate, 1_000 / found["bare"].rate
    yield from ("", "## One get-by-alias beside a bare Django view with one primary-key SELECT", "")
    yield f"{ours:.2f} ms beside {theirs:.2f} ms: **{ours / theirs:.1f}×** (to stay under 2×)."


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="stored versions, rising"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6, help="of one measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
