"""Receivers of webhooks: real HTTP servers on loopback that keep what they got and answer as they are told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """What it answers next, in turn; when the answers are used up, 200."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    hold: threading.Event | None = None  # answers only when it is set
    address: str = ""

    def will_answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    receiver.address = f"http://127.0.0.1:{server.server_port}/hook?team=rides"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.hold:
            receiver.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            receiver.calls.append(Call(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            if receiver.hold:
                receiver.hold.wait(30)
            status, headers, said = receiver.answers.pop(0) if receiver.answers else (200, {}, b"thank you")
            self.send_response(status)
            for name, value in {"Content-Length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: Any) -> None:
            return

    return Handler
