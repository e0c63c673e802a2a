"""Calls to addresses that a person typed: only where the rules allow, whatever a name resolves to; free of Django.

The name is resolved once, every address it has is checked, and the connection goes to a checked one; TLS still
verifies the name. No redirect is followed, no proxy of the environment is used, and an answer has a size and a time.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

import httpcore

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
PORTS = {"http": 80, "https": 443}
MOST_BODY = 4_096  # bytes of an answer that are kept; the rest is not read
LONGEST_ADDRESS = 2_000
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """The rules forbid this address; trying again changes nothing. Says why in a sentence."""


class WrongScheme(Refused):
    """Its scheme is none of those that are allowed."""


class Unreachable(Exception):
    """Nobody answered, or not in time; it may be tried again. Says why in a sentence."""


@dataclass(frozen=True)
class Rules:
    """Which addresses may be called: their schemes, and the private networks among them."""

    schemes: tuple[str, ...] = ("https",)
    networks: tuple[IpNetwork, ...] = ()

    @classmethod
    def of(cls, schemes: Iterable[str], networks: Iterable[str]) -> Rules:
        """From what a person wrote, such as `["https"]` and `["10.20.0.0/16"]`. Raises ValueError."""
        return cls(tuple(schemes), tuple(ipaddress.ip_network(network) for network in networks))

    def allows(self, address: IpAddress) -> bool:
        plain = _unwrapped(address)
        return (plain.is_global and not plain.is_multicast) or any(plain in network for network in self.networks)


@dataclass(frozen=True)
class Answer:
    """What a receiver said: status, the first bytes of its body, and the seconds it asks us to wait (or None)."""

    status: int
    body: str
    retry_after: float | None


def check(address: str, rules: Rules) -> None:
    """Raises Refused for an address that may not be called, Unreachable for a name that nobody knows."""
    parts = split(address, rules)
    _resolve(str(parts.hostname), _port(parts), rules)


def split(address: str, rules: Rules) -> SplitResult:
    """The parts of an address whose form is allowed; asks no other machine. Raises Refused."""
    parts = _parts(address)
    if parts.scheme not in rules.schemes:
        raise WrongScheme(f"scheme: {parts.scheme!r}. Allowed schemes are: {', '.join(rules.schemes)}.")
    if not parts.hostname:
        raise Refused("It names no host.")
    if parts.username or parts.password:
        raise Refused("It holds a user name or a password, which everybody could read: take that out.")
    return parts


def post(address: str, *, body: bytes, headers: Mapping[str, str], rules: Rules, seconds: float) -> Answer:
    """Sends the body, and answers within `seconds` in all. Raises Refused or Unreachable."""
    parts = split(address, rules)
    deadline = time.monotonic() + seconds
    url = httpcore.URL(scheme=parts.scheme, host=str(parts.hostname), port=_port(parts), target=_target(parts))
    sent = {"Host": parts.netloc, "Content-Length": str(len(body)), **headers}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=_Guard(rules, deadline))
            as pool,
            pool.stream("POST", url, headers=list(sent.items()), content=body) as response,
        ):  # fmt: skip
            return _answer(response)
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise Unreachable(f"It did not answer within {seconds:g} seconds.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise Unreachable(f"It could not be reached: {_words_of(error)}.") from error


def _answer(response: httpcore.Response) -> Answer:
    body = b""
    for part in response.iter_stream():
        body += part
        if len(body) >= MOST_BODY:
            break
    text = body[:MOST_BODY].decode("utf-8", "replace").replace("\0", "")
    return Answer(response.status, text, _retry_after(response))


def _retry_after(response: httpcore.Response) -> float | None:
    """Seconds from a Retry-After header of either form."""
    headers = {name.lower(): value.decode("latin-1").strip() for name, value in response.headers}
    told = headers.get(b"retry-after", "")
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


class _Guard(httpcore.NetworkBackend):
    """Connects to a checked address only, and lets nothing last beyond the deadline."""

    def __init__(self, rules: Rules, deadline: float) -> None:
        self._rules, self._deadline = rules, deadline
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        checked = _resolve(host, port, self._rules)
        stream = self._network.connect_tcp(str(checked), port, timeout=_left(self._deadline))
        peer = ipaddress.ip_address(stream.get_extra_info("server_addr")[0])
        if not self._rules.allows(peer):
            stream.close()
            raise Refused(_inside(host, peer))
        return _Hurried(stream, self._deadline)


class _Hurried(httpcore.NetworkStream):
    """A stream of which no part outlasts the deadline: a receiver that drips holds nobody up."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout=_left(self._deadline))
        return _Hurried(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _parts(address: str) -> SplitResult:
    if len(address) > LONGEST_ADDRESS:
        raise Refused(f"It is longer than {LONGEST_ADDRESS} characters.")
    if not address.isascii() or any(letter.isspace() or not letter.isprintable() for letter in address):
        raise Refused("It holds a space or a letter outside ASCII: write its encoded form.")
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError as error:
        raise Refused(f"It can not be read as an address: {error}.") from error
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS[parts.scheme]


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _resolve(host: str, port: int, rules: Rules) -> IpAddress:
    """An address to connect to. Every one that the name has must be allowed: a name with two faces is refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {host!r} can not be resolved.") from error
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    for address in addresses:
        if not rules.allows(address):
            raise Refused(_inside(host, address))
    return addresses[0]


def _inside(host: str, address: IpAddress) -> str:
    return (
        f"{host!r} resolves to {address}, which is not a public address. "
        "If it is meant, ask the platform team to add its network to WEBHOOK_PRIVATE_NETWORKS."
    )


def _unwrapped(address: IpAddress) -> IpAddress:
    """The IPv4 address inside an IPv6 form of one: what would be reached in the end."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and address in _NAT64:
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return embedded or address


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _words_of(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
