"""A real S3 server in the tests' own process, over HTTP: moto knows the semantics, and looks at no signature."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

from apps.platforms.s3 import Bucket, Place
from apps.platforms.s3.place import client_of

KEY_ID, SECRET = "PORTALTESTKEYID00000", "a-secret-of-the-tests-only-0123456789abcd"


@contextmanager
def moto_server() -> Iterator[str]:
    """Its address."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def place_of_its_own(endpoint: str, key_id: str = KEY_ID, secret: str = SECRET) -> Place:
    """A new bucket with a prefix in it."""
    place = Place(f"files-{uuid4().hex}", "portal", endpoint, "", "path", key_id, secret)
    client_of(place).create_bucket(Bucket=place.bucket)
    return place


def keys_in(place: Place) -> list[str]:
    """Every key below its prefix."""
    return [found.key for found in Bucket(place).names()]


@dataclass
class Answering:
    """A server that answers everything in one way, and counts."""

    status: int = 503
    body: bytes = b""
    length: int | None = None
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def served(self) -> Iterator[str]:
        """Its address."""
        answering = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # says 100 Continue, which senders otherwise wait for

            def _answer(self) -> None:
                answering.asked.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(answering.status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("ETag", '"0"')
                self.send_header("Last-Modified", "Sun, 22 Nov 2026 20:00:00 GMT")
                self.send_header("Content-Length", str(answering.length or len(answering.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else answering.body)
                self.close_connection = True

            def __getattr__(self, name: str) -> object:
                if name.startswith("do_"):
                    return self._answer
                raise AttributeError(name)

            def log_message(self, *what: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def refusal(code: str) -> bytes:
    """As S3 words it."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def settings_for(place: Place) -> dict[str, object]:
    """What the environment would say."""
    names = ("endpoint", "region", "style", "key_id", "secret", "public_endpoint")
    return {"ARTIFACT_STORE": str(place), "S3": {name: getattr(place, name) for name in names}}
