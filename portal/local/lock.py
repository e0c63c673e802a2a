"""`make lock`: the locks anew from pyproject.toml, with hashes and without any index's address."""

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
        # A server of MLflow's own, which the portal does not share its packages with.
        _compile(uv, "requirements-mlflow.lock", "--group", "mlflow", project=None)
        # Servers of Airflow's own likewise: their pins of SQLAlchemy and pydantic collide with others.
        _compile(uv, "requirements-airflow.lock", "--group", "airflow", project=None)
        _compile(uv, "requirements-airflow2.lock", "--group", "airflow2", project=None)
        # What looks at the locks from outside.
        _compile(uv, "requirements-audit.lock", "--group", "audit", project=None)
        # Programs of others that stand beside the portal in tests.
        _compile(uv, "requirements-outside.lock", "--group", "outside", project=None)


def _uv(folder: Path) -> str:
    """uv in an environment of its own: it is needed for nothing else."""
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(folder / "bin" / "pip"), "install", "--quiet", "uv"])
    return str(folder / "bin" / "uv")


def _compile(uv: str, target: str, *more: str, project: str | None = "pyproject.toml") -> None:
    compile_ = [uv, "pip", "compile", "--quiet", "--system-certs"]
    _run([*compile_, *RESOLVE, *HEADER, *more, "--output-file", target, *([project] if project else [])])


def _run(command: list[str]) -> None:
    if subprocess.run(command, cwd=REPOSITORY, check=False).returncode != 0:
        sys.exit("The locks could not be written; what the program above said is the reason.")


if __name__ == "__main__":
    main()
