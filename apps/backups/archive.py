"""How a backup lies on disk: the files once for all backups, and a folder for each with what was true at its time.

files/sha256/ab/abcd…            bytes by their sha256, never changed
2026-11-22T18-00-00-000000Z/database.dump, files.txt, manifest.json
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from apps.artifacts.store import LocalStore
from apps.core.errors import Invalid, Missing

UNFINISHED = ".unfinished"


@dataclass(frozen=True)
class Table:
    """A table's rows, and a sum over all that they hold: equal sums mean equal rows, whatever their order."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `lost` names stored files that were gone or damaged when it was taken."""

    taken_at: str
    release: str
    dump_sha256: str
    files: int
    file_bytes: int
    lost: list[str]
    tables: dict[str, Table]


@dataclass(frozen=True)
class Backup:
    """One backup in a root folder."""

    root: Path
    name: str

    @classmethod
    def begin(cls, root: Path) -> Backup:
        """A new folder; those that were never finished go."""
        for left in root.glob(f"*{UNFINISHED}"):
            shutil.rmtree(left)
        name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S-%fZ")
        (root / f"{name}{UNFINISHED}").mkdir(parents=True, mode=0o700)
        return cls(root, f"{name}{UNFINISHED}")

    @classmethod
    def at(cls, folder: Path) -> Backup:
        """A finished one. Raises Missing."""
        if not (folder / "manifest.json").is_file():
            raise Missing(f"{folder} holds no finished backup; name the folder that has a manifest.json in it.")
        return cls(folder.resolve().parent, folder.resolve().name)

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def dump(self) -> Path:
        return self.folder / "database.dump"

    def finish(self, manifest: Manifest, files: Iterable[tuple[str, int]]) -> Backup:
        """From now on it counts."""
        (self.folder / "files.txt").write_text("".join(f"{sha256} {size}\n" for sha256, size in files))
        (self.folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1))
        return Backup(self.root, self.folder.rename(self.root / self.name.removesuffix(UNFINISHED)).name)

    def manifest(self) -> Manifest:
        """Raises Invalid where the dump is not the one that was taken."""
        told = json.loads((self.folder / "manifest.json").read_text())
        told["tables"] = {name: Table(**table) for name, table in told["tables"].items()}
        manifest = Manifest(**told)
        if sha256_of(self.dump) != manifest.dump_sha256:
            raise Invalid(f"{self.dump} is damaged: its sha256 is not that of the manifest. Take an older backup.")
        return manifest

    def files(self) -> Iterator[tuple[str, int]]:
        """sha256 and bytes of every stored file."""
        for line in (self.folder / "files.txt").read_text().splitlines():
            sha256, size = line.split()
            yield sha256, int(size)

    @property
    def stored(self) -> LocalStore:
        """The files of all backups in the root folder."""
        return LocalStore(self.root / "files")

    def place_of(self, sha256: str) -> Path:
        return self.root / "files" / "sha256" / sha256[:2] / sha256


def finished(root: Path) -> list[Backup]:
    """The oldest first."""
    return [Backup(root, found.parent.name) for found in sorted(root.glob("*/manifest.json"))]


def prune(root: Path, keep: int) -> int:
    """Removes all but the newest ones, and the files that only they had; answers how many backups went."""
    backups = finished(root)
    old, kept = backups[:-keep], backups[-keep:]
    for backup in old:
        shutil.rmtree(backup.folder)
    needed = {sha256 for backup in kept for sha256, _ in backup.files()} if old else set()
    for place in (root / "files" / "sha256").glob("*/*") if old else ():
        if place.name not in needed:
            place.unlink()
    return len(old)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
