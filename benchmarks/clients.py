"""The client of the benchmarks: as little work of its own as possible, because it shares the machine with the servers.

Each client is a process with one kept-alive connection that asks one call after the other.
"""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any
from urllib.parse import urlencode

from portal.local.ports import LOOPBACK
from tests.parity.servers import Server

Ask = tuple[str, str, Mapping[str, Any]]
"""Method, address, and what goes into the query of a GET or else into the JSON body."""
GATHER_SECONDS = 0.1  # until all clients have a connection
LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Figure:
    """Requests per second, and the 99th percentile in milliseconds."""

    rate: float
    p99: float


@dataclass(frozen=True)
class Crowd:
    """How many ask at once, for how long, and whether their sockets have TCP_QUICKACK on."""

    clients: int
    seconds: float
    quickack: bool


def measure(server: Server, ask: Callable[[int], Ask], crowd: Crowd) -> Figure:
    """`ask(n)` is the n-th call; no n comes twice."""
    context = get_context("fork")
    answers = [context.Pipe(duplex=False) for _ in range(crowd.clients)]
    start = time.perf_counter() + GATHER_SECONDS
    clients = [
        context.Process(target=_client, args=(sender, server, ask, crowd, number, start))
        for number, (_, sender) in enumerate(answers)
    ]
    for client in clients:
        client.start()
    taken = sorted(one for receiver, _ in answers for one in receiver.recv())
    for client in clients:
        client.join()
    return Figure(len(taken) / crowd.seconds, 1_000 * taken[min(len(taken) - 1, int(len(taken) * 0.99))])


def median(figures: Sequence[Figure]) -> Figure:
    return Figure(statistics.median(one.rate for one in figures), statistics.median(one.p99 for one in figures))


def _client(sender: Any, server: Server, ask: Callable[[int], Ask], crowd: Crowd, number: int, start: float) -> None:
    line, at, taken = Line(server, quickack=crowd.quickack), time.time_ns() // 1_000, []
    time.sleep(max(0.0, start - time.perf_counter()))
    end = start + crowd.seconds
    while (began := time.perf_counter()) < end:
        at += 1
        line.ask(ask(at * crowd.clients + number))
        taken.append(time.perf_counter() - began)
    sender.send(taken)


class Line:
    """A kept-alive connection that knows as much of HTTP as two servers of ours need."""

    def __init__(self, server: Server, *, quickack: bool) -> None:
        self.server, self.quickack = server, quickack
        self.socket = socket.create_connection((LOOPBACK, server.port), timeout=LONGEST_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent = {"Host": f"{LOOPBACK}:{server.port}", "Content-Type": "application/json", **server.headers}
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in sent.items())

    def ask(self, ask: Ask) -> None:
        """Raises AssertionError for an answer that is not 200."""
        method, address, sent = ask
        body = b"" if method == "GET" else json.dumps(sent).encode()
        address = f"{address}?{urlencode(sent)}" if method == "GET" and sent else address
        head = f"{method} {address} HTTP/1.1\r\n{self.headers}Content-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        if self.quickack:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        answered = self._answer()
        assert answered.startswith(b"HTTP/1.1 200"), (self.server.name, ask, answered[:600])

    def _answer(self) -> bytes:
        """Head and body; the body ends after its length or, without one, with the empty chunk."""
        head, _, body = self._until(b"", lambda got: b"\r\n\r\n" in got).partition(b"\r\n\r\n")
        _, length, rest = head.lower().partition(b"content-length:")
        whole = int(rest.split(b"\r\n")[0]) if length else None
        return head + self._until(
            body, lambda got: len(got) >= whole if whole is not None else got.endswith(b"0\r\n\r\n")
        )

    def _until(self, got: bytes, enough: Callable[[bytes], bool]) -> bytes:
        while not enough(got):
            more = self.socket.recv(1 << 18)
            assert more, (self.server.name, "hung up")
            got += more
        return got
