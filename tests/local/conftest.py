"""Real programs in a data folder of their own, which is gone afterwards with everything that ran in it."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.local import services
from portal.local.data_folder import clear_leftovers
from portal.local.serve import REPOSITORY

NOT_OURS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAR_DIR", "PORT", "DEMO", "PORTAL_LOCAL", "PORTAL_SERVE_MARK"}
PATIENCE_SECONDS = 240.0


class Program:
    """One running command, its output so far, and how it ended."""

    def __init__(self, argv: Sequence[str], log: Path, **env: str) -> None:
        self.log = log
        clean = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                argv, cwd=REPOSITORY, env={**clean, **env}, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.output or self.popen.poll() is not None)
        assert text in self.output, self.output

    def ends(self) -> int:
        return self.popen.wait(PATIENCE_SECONDS)

    def interrupt(self) -> int:
        self.popen.send_signal(signal.SIGINT)
        return self.ends()


def database_folder(var_dir: Path) -> Path:
    """In the data folder, or below the temporary one where root's `nobody` cannot reach that."""
    keys = services.saved_keys(var_dir)
    return Path(keys.postgres_folder) / "data" if keys and keys.postgres_folder else var_dir / "postgres"


def wait_until(met: Callable[[], object], otherwise: Callable[[], object] = str) -> None:
    """`otherwise` tells what there is instead, where patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not met() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert met(), otherwise()


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet noticed by its parent does not."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def var_dir() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@contextmanager
def data_folder() -> Iterator[Path]:
    """Below /tmp and open to pass through, unlike pytest's own folders: as root, PostgreSQL works there as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="mlportal-test-")).resolve()
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    keys = services.saved_keys(folder)
    if keys:
        clear_leftovers(folder, keys)
        shutil.rmtree(keys.postgres_folder or folder / "none", ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts `python -m MODULE …`; whatever still runs at the end of the test is killed."""
    programs: list[Program] = []

    def run(*argv: str, **env: str) -> Program:
        programs.append(Program([sys.executable, "-m", *argv], tmp_path / f"log-{len(programs)}", **env))
        return programs[-1]

    yield run
    for program in programs:
        program.popen.kill()
        program.popen.wait()
