"""Environments of pyfuncs: what a model's own requirements name, out of the configured package index, made once.

Nothing of a package is run here: only wheels are taken, and laid out by the portal's own pip. The interpreter of such
an environment is started by `start.py` alone, as a user that may do nothing else.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

LONGEST = 100_000
"""Characters of a requirements.txt."""
MOST = 200
KEPT = 5
"""So many environments stay; the one that was not used for longest goes first."""
MADE = "made"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
NEEDED = {"mlflow", "mlflow-skinny"}
TICK = 2.0

Going = Callable[[], bool]


class Unmakeable(Exception):
    """There is no environment; the message is a sentence for a person."""


def requirements_of(text: str) -> list[str]:
    """What a requirements.txt names, in one order. Raises Unmakeable for an option, an address or a path."""
    lines = (line.split(" #")[0].strip() for line in text[:LONGEST].splitlines())
    wanted = sorted({_requirement(line) for line in lines if line and not line.startswith("#")})
    if len(wanted) > MOST or len(text) > LONGEST:
        raise Unmakeable(f"its requirements.txt names more than {MOST} packages.")
    if not {Requirement(line).name.lower() for line in wanted} & NEEDED:
        raise Unmakeable("its requirements.txt names no mlflow, which reads it.")
    return wanted


def _requirement(line: str) -> str:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url:
        raise Unmakeable(
            f"its requirements.txt says {line[:80]!r}: only packages of the configured index are installed."
        )
    return str(requirement)


def check_python(text: str) -> None:
    """Raises Unmakeable where a python_env.yaml names another Python than this one."""
    named = re.search(r"^python: *'?(\d+\.\d+)", text[:LONGEST], re.MULTILINE)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if named and named[1] != here:
        raise Unmakeable(f"it was saved under Python {named[1]}, and this worker has {here}.")


def environment(root: Path, wanted: list[str], *, seconds: float, going: Going) -> Path:
    """The folder of the environment that holds these packages; made if it is not there yet.

    `going` is asked every few seconds whether to go on. Raises Unmakeable.
    """
    digest = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:32]
    root.mkdir(parents=True, exist_ok=True)
    folder = root / digest
    with _locked(root / f"{digest}.lock"):
        if not (folder / MADE).exists():
            _make(folder, wanted, seconds, going)
        (folder / MADE).touch()
    _forget_oldest(root)
    return folder


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One worker makes it, the others wait."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, wanted: list[str], seconds: float, going: Going) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = next((folder / "lib").glob("python*/site-packages"))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(wanted))
        listed.flush()
        _install(packages, listed.name, seconds, going)


def _install(packages: Path, listed: str, seconds: float, going: Going) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    only = ["--only-binary", ":all:", "--no-compile", "--target", str(packages), "--requirement", listed]
    process = subprocess.Popen([*pip, *only], env=_passed_on(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = _ended(process, seconds, going)
    if process.returncode:
        raise Unmakeable(f"its environment could not be made: {said}")


def _ended(process: subprocess.Popen[bytes], seconds: float, going: Going) -> str:
    """The last line that pip said. Raises Unmakeable where it is not awaited any longer."""
    left = seconds
    while True:
        try:
            _, said = process.communicate(timeout=TICK)
            lines = said.decode(errors="replace").strip().splitlines()
            return (lines or ["pip said nothing"])[-1][:300]
        except subprocess.TimeoutExpired:
            left -= TICK
        if left < 0 or not going():
            process.kill()
            process.communicate()
            raise Unmakeable(f"its environment was not made within {seconds:g} seconds.")


def _passed_on() -> dict[str, str]:
    """What pip needs to find the index: not the portal's own settings."""
    named = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return named | {name: value for name, value in os.environ.items() if _concerns_pip(name)}


def _concerns_pip(name: str) -> bool:
    return name.startswith(("PIP_", "UV_")) or name.lower() in ("http_proxy", "https_proxy", "no_proxy")


def _forget_oldest(root: Path) -> None:
    made = sorted(root.glob(f"*/{MADE}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in made[KEPT:]:
        shutil.rmtree(file.parent, ignore_errors=True)
