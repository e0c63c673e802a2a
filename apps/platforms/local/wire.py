"""Messages between the portal's process and the warm parent: a length, then JSON."""

import json
import select
import socket
import struct
from typing import Any

LENGTH = struct.Struct(">I")
Message = dict[str, Any]


def send(sock: socket.socket, message: Message) -> None:
    """Write the whole message; raises OSError when the other side is gone."""
    body = json.dumps(message).encode()
    sock.sendall(LENGTH.pack(len(body)) + body)


def receive(sock: socket.socket) -> Message | None:
    """The next message, or None when the other side is gone."""
    try:
        (length,) = LENGTH.unpack(_exactly(sock, LENGTH.size))
        message: Message = json.loads(_exactly(sock, length))
    except (OSError, EOFError):
        return None
    return message


def waiting(sock: socket.socket, seconds: float) -> bool:
    """Whether something can be read within that time (also the end of the connection)."""
    poll = select.poll()  # select.select refuses descriptors above 1023
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(max(seconds, 0) * 1000))


def _exactly(sock: socket.socket, count: int) -> bytes:
    body = bytearray()
    while len(body) < count:
        chunk = sock.recv(min(count - len(body), 1 << 16))
        if not chunk:
            raise EOFError
        body += chunk
    return bytes(body)
