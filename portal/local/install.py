"""Makes .venv and installs a lock into it, with hashes; does nothing where that is done already.

    python3 portal/local/install.py requirements.lock [another folder than .venv]

Run by whatever Python the machine has, so it is written to be understood by old ones, and imports nothing of ours.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
FROM_SOURCE = {"requirements-airflow2.lock": "python-nvd3"}
"""By lock what is published as source alone. Everything else is a wheel, so that nothing is run to install it."""
NEWER = ["python3.14", "python3.13", "python3.12", "python3.11"]
REPOSITORY = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = REPOSITORY / (sys.argv[2] if len(sys.argv) > 2 else ".venv")
PYTHON = ENVIRONMENT / "bin" / "python"


def main() -> None:
    _need_new_python()
    lock = REPOSITORY / sys.argv[1]
    if not _is_installed(lock):
        _make_environment()
        _install(lock)
        _stamp(lock).write_text(_digest(lock))


def _need_new_python() -> None:
    if sys.version_info >= OLDEST:
        return
    newer = next(filter(None, map(shutil.which, NEWER)), None)
    if newer is None:
        sys.exit(
            "Python 3.11 or newer is needed, and {} is {}.{}. Install one (on Debian or Ubuntu: apt install python3.11 "
            "python3.11-venv), or name it: make PYTHON=/path/to/python3".format(sys.executable, *sys.version_info[:2])
        )
    os.execv(newer, [newer, *sys.argv])  # noqa: S606


def _is_installed(lock: Path) -> bool:
    stamp = _stamp(lock)
    return stamp.exists() and stamp.read_text() == _digest(lock) and _works()


def _works() -> bool:
    """Whether the environment is whole: not after its Python was replaced, or the project was moved or copied."""
    try:
        made_here = str(ENVIRONMENT) in (ENVIRONMENT / "pyvenv.cfg").read_text()
        return made_here and subprocess.run([str(PYTHON), "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _make_environment() -> None:
    if _works():
        return
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            "This Python has no venv module. On Debian or Ubuntu: apt install python{}.{}-venv; then run the "
            "same command again.".format(*sys.version_info[:2])
        )
    print("Making the environment in", ENVIRONMENT, flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], "The environment could not be made.")


def _install(lock: Path) -> None:
    """The stamp goes first: an installation that breaks off half-way must not look finished."""
    if _stamp(lock).exists():
        _stamp(lock).unlink()
    print("Installing", lock.name, "(a minute or so, once)", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run(
        [*pip, "--require-hashes", "--only-binary", ":all:", *_from_source(lock), "--requirement", str(lock)],
        "The packages could not be installed. Is the network there, and does pip's configuration name the right "
        "index, proxy and certificates (`pip config list`)? Then run the same command again.",
    )


def _from_source(lock: Path) -> "list[str]":
    return ["--no-binary", FROM_SOURCE[lock.name]] if lock.name in FROM_SOURCE else []


def _run(command: "list[str]", sentence: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        free = shutil.disk_usage(str(REPOSITORY)).free // 1024**2
        sys.exit("\n" + (sentence if free > 100 else "The disk is full. Free some space and run it again."))


def _stamp(lock: Path) -> Path:
    return ENVIRONMENT / ("installed-" + lock.stem)


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
