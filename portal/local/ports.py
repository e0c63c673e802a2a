"""TCP ports of this machine: a free one, and who holds a taken one."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"

# Below the range from which the system takes ports for outgoing connections (32768 on Linux, 49152 on macOS), so
# that nothing slips in between choosing a port and listening on it.
CANDIDATES = range(20_000, 32_000)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    return next(port for port in random.sample(CANDIDATES, len(CANDIDATES)) if is_free(port))


def is_free(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Who listens on the port: "python3 (process 4711)", or "another process" where the system does not tell."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(process):
            return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return "another process"


def _listening_inodes(port: int) -> list[str]:
    lines = [line.split() for table in ("tcp", "tcp6") for line in _lines(Path("/proc/net", table))]
    return [row[9] for row in lines if row[3] == "0A" and row[1].endswith(f":{port:04X}")]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:] if path.exists() else []


def _open_files(process: Path) -> set[str]:
    try:
        return {str(link.readlink()) for link in (process / "fd").iterdir()}
    except OSError:  # somebody else's process, or one that ended meanwhile
        return set()
