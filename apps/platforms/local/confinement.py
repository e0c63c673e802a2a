"""What the forked child does before and around the script; nothing of this is run in the portal's process."""

import atexit
import contextlib
import os
import resource
import runpy
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TextIO

from apps.core.priority import go_after_others
from apps.platforms.local import processes
from apps.platforms.local.libraries import tell_modules
from apps.platforms.local.wire import Message


def enter(request: Message, output: int) -> NoReturn:
    """Confine this process as the request says, run its script as __main__ and exit as Python would."""
    try:
        _confine(request, output, supervisor=os.getppid())
        if request["command"]:
            _become_program(request["command"])
        code = _execute(request["script"])
        tell_modules(request["home"])
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        _flush()
    os._exit(code)


def _confine(request: Message, output: int, supervisor: int) -> None:
    os.setsid()
    _use_streams(output)
    _limit(request)
    if request["offline"]:
        processes.leave_the_network()
    if request["uid"] is not None:
        _become(request["uid"])
    processes.renounce_privileges()
    processes.die_with_parent(supervisor)
    os.umask(0o077)
    os.chdir(request["out"])
    os.environ.clear()
    os.environ.update(request["env"])
    _forget_the_parent()


def _use_streams(output: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # the way back to the portal among them
    sys.stdout = _printing_at_once(1)
    sys.stderr = _printing_at_once(2)


def _printing_at_once(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _limit(request: Message) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (request["output_bytes"], request["output_bytes"]))
    if request["uid"] is not None:  # the kernel counts per user: without one of its own, others would be counted
        resource.setrlimit(resource.RLIMIT_NPROC, (processes.THREADS, processes.THREADS))
    # Memory is watched by the supervisor: RLIMIT_AS counts what libraries reserve and never touch.
    go_after_others(10)  # the supervisor, and the people's pages, go before training
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # if the machine runs out, this one goes first


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _forget_the_parent() -> None:
    """Undo what a fork shares by accident: numpy's seed, and the portal's package, which is not for scripts."""
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    for name in [name for name in sys.modules if name.split(".")[0] == "apps"]:
        del sys.modules[name]


def _become_program(command: list[str]) -> None:
    """Returns only where it can not: what confines this process stays on it."""
    _flush()
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        print(f"{command[0]} can not be run: {error.strerror}", file=sys.stderr)  # noqa: T201
        os._exit(126)


def _execute(script: str) -> int:
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).parent))
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as leaving:
        code = _code(leaving)
    except BaseException as error:
        _show(error, script)
        code = 1
    _finish()
    return code


def _code(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return (leaving.code or 0) & 0xFF
    print(leaving.code, file=sys.stderr)  # noqa: T201 - what Python does with sys.exit("sentence")
    return 1


def _show(error: BaseException, script: str) -> None:
    """The traceback from the script's own first line on."""
    below: TracebackType | None = error.__traceback__
    while below and below.tb_frame.f_code.co_filename != script:
        below = below.tb_next
    traceback.print_exception(type(error), error, below)


def _finish() -> None:
    # As multiprocessing does it; the interpreter's own end would take 70 ms to free the preloaded libraries.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
