"""`make lock`: both locks anew from pyproject.toml, with hashes and without any index's address."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
RESOLVE = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--upgrade")
HEADER = ("--custom-compile-command", "make lock")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        uv = _uv(Path(folder))
        _compile(uv, "requirements.lock")
        # The development lock may not disagree with the one that is deployed.
        _compile(uv, "requirements-dev.lock", "--group", "dev", "--constraint", "requirements.lock")


def _uv(folder: Path) -> str:
    """uv in an environment of its own: it is needed for nothing else."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", "uv"], check=True)
    return str(folder / "bin" / "uv")


def _compile(uv: str, target: str, *more: str) -> None:
    command = [uv, "pip", "compile", "--quiet", *RESOLVE, *HEADER, *more, "--output-file", target, "pyproject.toml"]
    subprocess.run(command, cwd=REPOSITORY, check=True)


if __name__ == "__main__":
    main()
