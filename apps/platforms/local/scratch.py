"""The folder of one run: laid out before it, sealed and read after it, removed in the end.

<root>/<key>/            the portal's; the run's user may enter it, nobody else
    lock                 held as long as somebody may still want the files
    params.json inputs/  the portal's; the run's user may read them
    out/ home/           the run's user's own
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from apps.platforms.base import Work

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
PATH_LENGTH = 250  # fits every store and a database column
FILES = 10_000  # a run that writes more has gone wrong
YOUNG = 60  # seconds in which a folder may not hold its lock yet


class Scratch:
    """One run's folder under `root`; raises ValueError for a key that is no file name, OSError from the disk."""

    def __init__(self, root: Path, key: str) -> None:
        if not KEY.fullmatch(key):
            raise ValueError(f"{key!r} cannot name a scratch folder.")
        self.folder = root / key
        self.params, self.inputs = self.folder / "params.json", self.folder / "inputs"
        self.out, self.home = self.folder / "out", self.folder / "home"
        self._lock: int | None = None

    def make(self, work: Work, uid: int | None) -> None:
        """Lay the folder out for this work; `uid` is the run's own user, None where it has none."""
        self.folder.mkdir(mode=0o700, parents=True)
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.params.write_text(json.dumps(dict(work.params), allow_nan=False))
        self.params.chmod(0o444)
        self._copy(work.inputs)
        for own in (self.out, self.home):
            own.mkdir(mode=0o700)
        if uid is not None:
            self._hand_to(uid)

    def seal(self) -> None:
        """Take the whole folder back: from here on nothing but the portal can reach anything in it."""
        os.chown(self.folder, os.geteuid(), os.getegid())
        self.folder.chmod(0o700)

    def files(self, limit: int) -> tuple[dict[str, Path], list[str]]:
        """Relative path → file of everything usable under out/, and a line for each thing left out.

        Call it on a sealed folder whose processes are dead. Raises ValueError with a sentence when there is more
        than `limit` bytes or too many files.
        """
        found: dict[str, Path] = {}
        left_out, size = [], 0
        for entry, name in _tree(self.out):
            if fault := _fault(entry, name):
                left_out.append(f"[not kept: {_printable(name)} {fault}]")
                continue
            size += _take(entry)
            found[name] = Path(entry.path)
            _check(size, len(found) + len(left_out), limit)
        return found, left_out

    def remove(self) -> None:
        """Remove everything, however the run has left it."""
        remove(self.folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _copy(self, inputs: Mapping[str, Path]) -> None:
        self.inputs.mkdir()
        for name, source in inputs.items():
            if unfit(name) or Path(name).is_absolute() or ".." in Path(name).parts:
                raise ValueError(f"{name!r} cannot name an input.")
            target = self.inputs / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        for folder in (self.inputs, *self.inputs.rglob("*")):
            folder.chmod(0o755 if folder.is_dir() else 0o444)

    def _hand_to(self, uid: int) -> None:
        for own in (self.out, self.home):
            os.chown(own, uid, uid)
        os.chown(self.folder, os.geteuid(), uid)
        self.folder.chmod(0o710)


def sweep(root: Path) -> None:
    """Remove the folders that killed workers have left: nobody holds their lock."""
    for entry in _entries(root):
        with contextlib.suppress(OSError):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > YOUNG and not _held(Path(entry.path)):
                remove(Path(entry.path))


def remove(folder: Path) -> None:
    """Remove a tree of any depth, whatever its modes; raises OSError when something is left."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if not os.path.lexists(folder):
        return
    # The script has made it hard. rm and chmod follow no link, and unlike rmtree no depth stops them.
    subprocess.run(["chmod", "-R", "u+rwx", "--", folder], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", "--", folder], check=False, stderr=subprocess.DEVNULL)
    if os.path.lexists(folder):
        raise OSError(f"{folder} could not be removed.")


def size(folder: Path) -> int:
    """Bytes of all files below, as their lengths say (a file full of holes counts in full)."""
    total = 0
    for count, (entry, _) in enumerate(_tree(folder)):
        with contextlib.suppress(OSError):
            total += entry.stat(follow_symlinks=False).st_size
        if count > FILES:
            break
    return total


def read_small(path: Path, limit: int = 1 << 20) -> str | None:
    """The text of a regular file the run may have written, None where there is none; at most `limit` bytes."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        regular = stat.S_ISREG(os.fstat(handle).st_mode)  # a folder can not even be wrapped as a file
        return os.pread(handle, limit, 0).decode("utf-8", "replace") if regular else None
    finally:
        os.close(handle)


def unfit(name: str) -> bool:
    """Whether a relative path, or a metric's name, is one that the stores, the pages or a download could not bear."""
    return not name or len(name) > PATH_LENGTH or not name.isprintable() or "\\" in name


def _tree(folder: Path) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Everything but folders, with its path relative to `folder`; goes no deeper than a usable path."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        for entry in _entries(folder / below):
            name = f"{below}{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield entry, name
            elif len(name) <= PATH_LENGTH:
                waiting.append(f"{name}/")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _fault(entry: os.DirEntry[str], name: str) -> str:
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return "is not a regular file"
    if status.st_nlink != 1:
        return "has a second name somewhere (a hard link)"
    return "has a name that cannot be stored" if unfit(name) else ""


def _take(entry: os.DirEntry[str]) -> int:
    """Make the file the portal's own, readable and without special bits; its size."""
    os.chown(entry.path, os.geteuid(), os.getegid(), follow_symlinks=False)
    Path(entry.path).chmod(0o600)
    return entry.stat(follow_symlinks=False).st_size


def _check(size: int, count: int, limit: int) -> None:
    if size > limit:
        raise ValueError(f"It wrote more than the {limit:,} bytes of files that a run may leave.")
    if count > FILES:
        raise ValueError(f"It wrote more than {FILES:,} files.")


def _held(folder: Path) -> bool:
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _printable(name: str) -> str:
    return name.encode("unicode_escape", "surrogatepass").decode("ascii")[:PATH_LENGTH]
