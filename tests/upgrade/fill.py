"""Writes the backup of a small portal, by the code of the release that it stands in; run once for each release.

    python -m tests.upgrade.fill <commit> <file.tar.gz>

The release's own code, with the fixtures of its own tests, makes one of each thing, a wave that waits for its approval
and a segment run under way among them, and takes the backup by its own command.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FILL = '''
"""Put into the release's own tests by tests/upgrade/fill.py of a later one."""

import os

import pytest
from django.core.management import call_command


@pytest.mark.django_db(transaction=True)
def test_fill(everything, mighty, stranger, operator):
    call_command("backup", os.environ["FILLED"])
'''


def unpack(commit: str, folder: Path) -> None:
    """The code of that commit, out of this repository's history."""
    packed = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, capture_output=True)
    assert packed.returncode == 0, f"The history has no {commit}: fetch all of it. {packed.stderr.decode()}"
    subprocess.run(["tar", "x", "-C", str(folder)], input=packed.stdout, check=True)


def main(commit: str, target: str) -> None:
    with tempfile.TemporaryDirectory() as tree, tempfile.TemporaryDirectory() as backups:
        unpack(commit, Path(tree))
        (Path(tree) / "tests" / "doors" / "test_fill.py").write_text(FILL)
        beside = [sys.executable, "-m", "portal.local.run_with_services", "--"]
        run = [*beside, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/doors/test_fill.py"]
        subprocess.run(run, cwd=tree, env={"PATH": "/usr/bin:/bin", "FILLED": backups}, check=True)
        with tarfile.open(target, "w:gz") as packed:
            packed.add(backups, arcname=".")


if __name__ == "__main__":
    main(*sys.argv[1:])
