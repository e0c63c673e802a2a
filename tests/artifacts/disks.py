"""A disk that is really full: a tiny tmpfs where the tests may mount one, else the kernel's limit on file sizes."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.artifacts.store import LocalStore

MEGABYTE = 1_048_576


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    folder.mkdir()
    if _mounted(folder, size):
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _mounted(folder: Path, size: int) -> bool:
    if os.geteuid() != 0:
        return False
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(mount, capture_output=True).returncode == 0


def files_in(store: LocalStore) -> list[Path]:
    """Every file the store has on its disk, half ones included."""
    return sorted(path for path in store.root.rglob("*") if path.is_file())
