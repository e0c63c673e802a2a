"""A proxy before Airflow that passes everything on, and now and then lies about it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from portal.local.ports import LOOPBACK


@dataclass
class Liar:
    """Between the portal and Airflow: passes everything on, and says 500 to every tenth trigger that was accepted."""

    address: str = ""
    triggers: int = 0
    lies: int = 0
    lock: Lock = field(default_factory=Lock)

    def lies_about(self, method: str, path: str, status: int) -> bool:
        if method != "POST" or not path.endswith("/dagRuns") or status != 200:
            return False
        with self.lock:
            self.triggers += 1
            lie = self.triggers % 10 == 0
            self.lies += lie
        return lie


@contextmanager
def lying_proxy(port: int) -> Iterator[Liar]:
    liar = Liar()
    server = ThreadingHTTPServer((LOOPBACK, 0), _passing_on(liar, port))
    server.daemon_threads = True
    liar.address = f"http://{LOOPBACK}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _passing_on(liar: Liar, port: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            behind = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
            try:
                behind.request(self.command, self.path, body, dict(self.headers))
                answer = behind.getresponse()
                status, said = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                status, said = 502, b"Bad Gateway"
            finally:
                behind.close()
            if liar.lies_about(self.command, self.path, status):
                status, said = 500, b"Internal Server Error"
            with suppress(BrokenPipeError):  # whoever asked has lost patience
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    return Handler
