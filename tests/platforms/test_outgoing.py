"""Calls to addresses that a person typed: none leads inside, whatever a name resolves to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.platforms.outgoing import Refused, Rules, Unreachable, WrongScheme, check, post
from tests.notifications.receivers import receiving

PUBLIC = Rules.of(["http", "https"], [])
INSIDE = Rules.of(["http"], ["127.0.0.0/8"])

FORBIDDEN = [
    *("http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://localhost/"),
    *("http://0.0.0.0/", "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://100.64.0.1/"),
    *("http://169.254.169.254/latest/meta-data/", "http://224.0.1.1/", "http://255.255.255.255/"),
    *("http://[::1]/", "http://[::]/", "http://[fd00::1]/", "http://[fe80::1]/", "http://[::ffff:127.0.0.1]/"),
    *("http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"),
    *("http:///x", "http://user:password@8.8.8.8/", "http://8.8.8.8:99999/", "http://8.8.8.8/a b", "http://ⓛocalhost/"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        check(address, PUBLIC)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_nothing_is_sent_inside(address: str) -> None:
    with pytest.raises(Refused):
        post(address, body=b"", headers={}, rules=PUBLIC, seconds=5)


@pytest.mark.parametrize("address", ["ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "//8.8.8.8/", "x"])
def test_a_scheme_must_be_allowed(address: str) -> None:
    with pytest.raises(WrongScheme, match="Allowed schemes are: http, https"):
        check(address, PUBLIC)


def test_a_public_address_is_allowed() -> None:
    check("https://8.8.8.8:8443/hook?x=1", PUBLIC)


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The system's resolver says these addresses, one list per question; answers the names that were asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        said = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in said]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_that_resolves_inside_at_the_second_look_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        port = receiver.address.split(":")[2].split("/")[0]
        resolving_to(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
        check(f"http://rebinding.example:{port}/", PUBLIC)
        with pytest.raises(Refused, match="not a public address"):
            post(f"http://rebinding.example:{port}/", body=b"{}", headers={}, rules=PUBLIC, seconds=5)
    assert receiver.calls == []


def test_a_name_with_one_face_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(Refused, match="resolves to 10"):
        check("http://two-faced.example/", PUBLIC)


def test_a_name_is_resolved_once_and_its_own_name_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        port = receiver.address.split(":")[2].split("/")[0]
        asked = resolving_to(monkeypatch, ["127.0.0.1"])
        post(f"http://hooks.example:{port}/", body=b"{}", headers={}, rules=INSIDE, seconds=5)
    assert asked.count("hooks.example") == 1
    assert receiver.calls[0].headers["host"] == f"hooks.example:{port}"


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving() as receiver:
        assert post(receiver.address, body=b"{}", headers={}, rules=INSIDE, seconds=5).status == 200


def test_what_speaks_no_tls_is_not_told_anything() -> None:
    over_tls = Rules.of(["https"], ["127.0.0.0/8"])
    with receiving() as receiver, pytest.raises(Unreachable):
        post(receiver.address.replace("http://", "https://"), body=b"", headers={}, rules=over_tls, seconds=5)


def test_a_long_answer_is_cut() -> None:
    with receiving() as receiver:
        receiver.will_answer(200, b"x" * 1_000_000)
        assert len(post(receiver.address, body=b"", headers={}, rules=INSIDE, seconds=10).body) == 4_096


@contextmanager
def dripping(said: bytes) -> Iterator[str]:
    """A server that answers with this and then a letter now and then, for ever."""
    server, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(said)
            while not over.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    finally:
        over.set()
        thread.join()
        server.close()


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"])
def test_a_receiver_that_drips_is_left_after_the_time(said: bytes) -> None:
    """Without the deadline of the whole call this would never end."""
    with dripping(said) as address, pytest.raises(Unreachable, match="did not answer within"):
        post(address, body=b"", headers={}, rules=INSIDE, seconds=0.5)


def test_a_closed_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
    with pytest.raises(Unreachable, match="could not be reached"):
        post(address, body=b"", headers={}, rules=INSIDE, seconds=5)
