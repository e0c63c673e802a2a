"""The warm parent: a process of its own that has imported the libraries once and forks a copy for each run.

It holds no database connection, no thread and none of the portal's environment, and it never reads a request: it
waits until one is there and leaves the reading to the supervisor it forks.
"""

import gc
import importlib
import os
import signal
import socket
import sys
import sysconfig
import threading

from apps.platforms.local import processes
from apps.platforms.local.privileges import environment
from apps.platforms.local.supervisor import supervise
from apps.platforms.local.wire import send, waiting


def main(descriptor: int, idle: float, preload: list[str]) -> None:
    """Serve runs until the portal's process closes its end of the socket, or sends nothing for `idle` seconds."""
    sock = socket.socket(fileno=descriptor)
    _reset_signals()
    fault = _import(preload)
    places = {"environment": [str(path) for path in environment()], "packages": sysconfig.get_path("purelib")}
    send(sock, {"fault": fault, **places})
    if not fault:
        _serve(sock, idle)


def _reset_signals() -> None:
    """A Celery child ignores some, and that is inherited."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
        signal.signal(name, signal.SIG_DFL)


def _import(preload: list[str]) -> str:
    """Import the libraries; what is wrong with them as a sentence, or an empty text."""
    for name in preload:
        try:
            importlib.import_module(name)
        except Exception as error:
            return f"The library {name} could not be imported before the run: {type(error).__name__}: {error}"
    if threading.active_count() > 1:
        return f"One of {', '.join(preload)} starts threads when imported: take it out of the libraries to preload."
    sys.stdout.flush()
    gc.freeze()  # the collector would touch, and so copy, every shared page in each child
    return ""


def _serve(sock: socket.socket, idle: float) -> None:
    processes.become_subreaper()
    while waiting(sock, idle) and _request_waits(sock):
        supervisor = os.fork()
        if supervisor == 0:
            _supervise(sock)
        status = os.waitpid(supervisor, 0)[1]
        processes.end_all(uid=None)
        if status:
            send(sock, {"ended": True, "cause": "lost"})


def _request_waits(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


def _supervise(sock: socket.socket) -> None:
    code = 1
    try:
        supervise(sock)
        code = 0
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)
