"""`make clean`: removes what running and testing left, and says what; the environment stays."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from portal.local import services
from portal.local.errors import CannotRun, said_plainly

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache", ".hypothesis")


def main() -> None:
    with said_plainly():
        var_dir = Path(os.environ.get("VAR_DIR") or REPOSITORY / "var").resolve()
        _refuse_while_running(var_dir)
        for folder in (*data_folders(var_dir), *(REPOSITORY / name for name in CACHES), *_bytecode()):
            _remove(folder)


def _refuse_while_running(var_dir: Path) -> None:
    running = services.load(var_dir)
    if running:
        raise CannotRun(f"The portal runs in {var_dir} (process {running.pid}). Stop it with Ctrl-C there first.")


def data_folders(var_dir: Path) -> list[Path]:
    """A data folder of ours, and the database's own where root had to keep it elsewhere; nobody else's folder."""
    keys = services.saved_keys(var_dir)
    if keys is None:
        return []
    return [var_dir, Path(keys.postgres_folder)] if keys.postgres_folder else [var_dir]


def _bytecode() -> list[Path]:
    tops = [REPOSITORY / name for name in ("portal", "apps", "tests")]
    return [path for top in tops for path in top.rglob("__pycache__")]


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
        if folder.name != "__pycache__":
            print("removed", folder)


if __name__ == "__main__":
    main()
