"""Whether the collected static files are still those of the sources."""

from __future__ import annotations

import hashlib
from importlib.metadata import distributions
from pathlib import Path


def fingerprint(repository: Path) -> str:
    """Changes with any file below a `static` folder of ours and with any installed package."""
    ours = sorted(path for top in (repository / "static", *repository.glob("apps/*/static")) for path in top.rglob("*"))
    files = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in ours if path.is_file()]
    packages = sorted(f"{package.name} {package.version}" for package in distributions())
    return hashlib.sha256("\n".join(files + packages).encode()).hexdigest()


def is_current(repository: Path, collected: Path) -> bool:
    stamp = _stamp(collected)
    return stamp.exists() and stamp.read_text() == fingerprint(repository)


def mark_current(repository: Path, collected: Path) -> None:
    _stamp(collected).write_text(fingerprint(repository))


def _stamp(collected: Path) -> Path:
    return collected.with_name(f"{collected.name}.collected")
