"""Runs one command beside a PostgreSQL and a Valkey of its own, which are gone afterwards with their data.

    python -m portal.local.run_with_services -- pytest tests

The command finds them by DATABASE_URL, REDIS_URL and SECRET_KEY, and its exit code is this one's.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.local import data_folder, servers, services
from portal.local.errors import Stopped, said_plainly
from portal.local.supervisor import Supervisor


def main() -> None:
    with said_plainly():
        sys.exit(_run(sys.argv[sys.argv.index("--") + 1 :]))


def _run(argv: list[str]) -> int:
    with _temporary_folder() as var_dir, data_folder.taken(var_dir), Supervisor(show=False) as supervisor:
        try:
            with servers.running(servers.Wanted(var_dir, throwaway=True), supervisor) as found:
                base = {**os.environ, "PORTAL_LOCAL": "1"}
                return supervisor.run_in_foreground(argv, servers.environment(found, var_dir, base))
        except Stopped:
            return 130


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mlportal-run-")).resolve()
    folder.chmod(0o711)  # as root, PostgreSQL works in here as `nobody`
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    keys = services.saved_keys(folder)
    if keys and keys.postgres_folder:
        shutil.rmtree(keys.postgres_folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
