"""Folders and interpreters that every operating-system user can reach, for runs as another one."""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apps.platforms.local import isolation
from apps.platforms.local.privileges import UIDS, may_reach


@contextmanager
def a_place_for_everybody() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed."""
    place = Path(tempfile.mkdtemp(prefix="open-place-"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def reachable_python(place: Path) -> str:
    """An interpreter that every user can reach: this one, its base, or a copy where that lives in a closed folder."""
    if isolation(place / "scratch", []).on:
        return sys.executable
    if may_reach(Path(os.__file__), UIDS[0], UIDS[0]):
        venv.create(place / "venv", symlinks=True)
        return str(place / "venv" / "bin" / "python")
    base, name = Path(sys.base_prefix), f"python{sys.version_info.major}.{sys.version_info.minor}"
    leave = shutil.ignore_patterns("site-packages", "test", "__pycache__", "idlelib", "config-*", "ensurepip")
    shutil.copytree(base / "lib" / name, place / "python" / "lib" / name, ignore=leave)
    (place / "python" / "lib" / name / "site-packages").mkdir()
    (place / "python" / "bin").mkdir()
    return str(shutil.copy(base / "bin" / name, place / "python" / "bin" / name))


def network_can_be_taken_away() -> bool:
    """Whether this system lets root do so; many containers do not."""
    leave = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x40000000) != 0)"
    return subprocess.run([sys.executable, "-c", leave], check=False).returncode == 0


def environment_like(folder: Path, python: str, other: Path) -> Path:
    """An environment at `folder` of this interpreter, with the packages of another environment."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(python)
    (folder / "pyvenv.cfg").write_text(f"home = {Path(python).parent}\n")
    packages = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "others.pth").write_text(str(next((other / "lib").glob("python*/site-packages"))))
    return folder
