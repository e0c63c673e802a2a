"""What only a store on a local disk has: modes, a disk that fills up, a process that is killed half-way."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.artifacts.store import STALE_SECONDS, LocalStore
from apps.core.errors import Unavailable
from tests.artifacts.disks import MEGABYTE, files_in

ENDLESS_UPLOAD = """
import sys
from pathlib import Path
from apps.artifacts.store import LocalStore
LocalStore(Path(sys.argv[1])).put(sys.stdin.buffer)
"""


def test_a_stored_file_can_only_be_read(store: LocalStore) -> None:
    stored = store.put(io.BytesIO(b"fixed"))
    assert store.local_path(stored.sha256).stat().st_mode & 0o777 == 0o444


def test_nobody_else_may_look_into_the_folders(store: LocalStore) -> None:
    path = store.local_path(store.put(io.BytesIO(b"private")).sha256)
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_full_disk_says_so_and_leaves_nothing(disk_of_a_megabyte: LocalStore) -> None:
    with pytest.raises(Unavailable, match="The file store is full, so nothing was stored"):
        disk_of_a_megabyte.put(io.BytesIO(os.urandom(3 * MEGABYTE)))
    assert files_in(disk_of_a_megabyte) == []


def test_a_disk_that_was_full_takes_a_smaller_file_afterwards(disk_of_a_megabyte: LocalStore) -> None:
    with pytest.raises(Unavailable):
        disk_of_a_megabyte.put(io.BytesIO(os.urandom(3 * MEGABYTE)))
    stored = disk_of_a_megabyte.put(io.BytesIO(b"small"))
    assert disk_of_a_megabyte.local_path(stored.sha256).read_bytes() == b"small"


def test_a_store_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="can not be written"):
        LocalStore(tmp_path / "artifacts").put(io.BytesIO(b"bytes"))


def test_what_a_killed_process_left_is_no_stored_file_and_goes_away(store: LocalStore) -> None:
    upload = subprocess.Popen([sys.executable, "-c", ENDLESS_UPLOAD, str(store.root)], stdin=subprocess.PIPE)
    assert upload.stdin
    upload.stdin.write(os.urandom(2 * MEGABYTE))
    upload.stdin.flush()
    half = _appears(store.root / "incoming")
    upload.send_signal(signal.SIGKILL)
    upload.wait()
    upload.stdin.close()
    assert files_in(store) == [half]
    os.utime(half, (time.time() - STALE_SECONDS - 1,) * 2)
    stored = store.put(io.BytesIO(b"next"))
    assert files_in(store) == [store.local_path(stored.sha256)]


def test_parts_that_nobody_joins_go_away(store: LocalStore) -> None:
    store.put_part("upload", io.BytesIO(b"one"))
    os.utime(store.root / "incoming" / "upload", (time.time() - STALE_SECONDS - 1,) * 2)
    stored = store.put(io.BytesIO(b"next"))
    assert files_in(store) == [store.local_path(stored.sha256)]


def _appears(folder: Path) -> Path:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if folder.is_dir() and (found := [path for path in folder.iterdir() if path.stat().st_size]):
            return found[0]
        time.sleep(0.02)
    raise AssertionError("the upload never began")
