"""The local store: whole files or none, verified when read."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.artifacts.store import STALE_SECONDS, LocalStore, Stored
from apps.core.errors import Missing, Unavailable
from tests.artifacts.disks import MEGABYTE, files_in

ENDLESS_UPLOAD = """
import sys
from pathlib import Path
from apps.artifacts.store import LocalStore
LocalStore(Path(sys.argv[1])).put(sys.stdin.buffer)
"""


class CutOff(io.BytesIO):
    """An upload whose sender goes away after the first part."""

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        if not part:
            raise ConnectionResetError("the sender went away")
        return part


def test_what_is_put_is_read_again(store: LocalStore) -> None:
    content = os.urandom(3 * MEGABYTE + 7)
    stored = store.put(io.BytesIO(content))
    assert stored == Stored(hashlib.sha256(content).hexdigest(), len(content))
    with store.open(stored.sha256) as file:
        assert file.read() == content
    assert store.local_path(stored.sha256).read_bytes() == content


def test_the_same_bytes_take_their_place_once(store: LocalStore) -> None:
    first, second = store.put(io.BytesIO(b"same")), store.put(io.BytesIO(b"same"))
    assert first == second
    assert len(files_in(store)) == 1


def test_a_stored_file_can_only_be_read(store: LocalStore) -> None:
    stored = store.put(io.BytesIO(b"fixed"))
    assert store.local_path(stored.sha256).stat().st_mode & 0o777 == 0o444


def test_nobody_else_may_look_into_the_folders(store: LocalStore) -> None:
    path = store.local_path(store.put(io.BytesIO(b"private")).sha256)
    assert path.parent.stat().st_mode & 0o077 == 0


def test_an_upload_cut_off_in_the_middle_leaves_nothing(store: LocalStore) -> None:
    with pytest.raises(ConnectionResetError):
        store.put(CutOff(os.urandom(2 * MEGABYTE)))
    assert files_in(store) == []


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


@pytest.mark.parametrize("damage", [b"", b"other bytes", b"bytes and more"])
def test_damaged_bytes_are_not_handed_out(store: LocalStore, damage: bytes) -> None:
    stored = store.put(io.BytesIO(b"bytes"))
    path = store.local_path(stored.sha256)
    path.chmod(0o644)
    path.write_bytes(damage)
    for read in (store.open, store.local_path):
        with pytest.raises(Unavailable, match="gone or damaged"):
            read(stored.sha256)


def test_bytes_that_are_gone_are_not_handed_out(store: LocalStore) -> None:
    stored = store.put(io.BytesIO(b"bytes"))
    store.local_path(stored.sha256).unlink()
    with pytest.raises(Unavailable, match="gone or damaged"):
        store.open(stored.sha256)


def test_putting_the_bytes_again_heals_a_damaged_file(store: LocalStore) -> None:
    stored = store.put(io.BytesIO(b"bytes"))
    path = store.local_path(stored.sha256)
    path.chmod(0o644)
    path.write_bytes(b"other")
    store.put(io.BytesIO(b"bytes"))
    assert store.local_path(stored.sha256).read_bytes() == b"bytes"


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


def test_parts_are_read_as_one_in_any_order_until_they_are_dropped(store: LocalStore) -> None:
    first, second = (store.put_part("upload", io.BytesIO(part)).sha256 for part in (b"one", b"two"))
    stored = store.put(store.open_parts("upload", [second, first, second]))
    assert store.local_path(stored.sha256).read_bytes() == b"twoonetwo"
    with pytest.raises(Missing, match="not here whole"):
        store.put(store.open_parts("another", [first]))
    (store.root / "incoming" / "upload" / first).chmod(0o644)
    (store.root / "incoming" / "upload" / first).write_bytes(b"damaged")
    with pytest.raises(Missing, match="not here whole"):
        store.put(store.open_parts("upload", [first]))
    store.drop_parts("upload")
    assert files_in(store) == [store.local_path(stored.sha256)]


def test_parts_that_nobody_joins_go_away(store: LocalStore) -> None:
    store.put_part("upload", io.BytesIO(b"one"))
    os.utime(store.root / "incoming" / "upload", (time.time() - STALE_SECONDS - 1,) * 2)
    stored = store.put(io.BytesIO(b"next"))
    assert files_in(store) == [store.local_path(stored.sha256)]


def test_an_upload_that_is_still_running_is_not_swept_away(store: LocalStore) -> None:
    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            store.put(io.BytesIO(b"another"))
            return super().read(size)

    stored = store.put(Meanwhile(b"slow"))
    assert store.local_path(stored.sha256).read_bytes() == b"slow"


def _appears(folder: Path) -> Path:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if folder.is_dir() and (found := [path for path in folder.iterdir() if path.stat().st_size]):
            return found[0]
        time.sleep(0.02)
    raise AssertionError("the upload never began")
