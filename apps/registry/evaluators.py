"""Which evaluators there are: settings.EVALUATORS names a script, its data, what it imports and its baselines."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core.errors import Conflict

TOOLS = (Path(__file__).with_name("model_loaders.py"), Path(__file__).with_name("scoring.py"))
"""Handed to every evaluator beside the models, which it reads in a process that imports nothing of the portal."""

ASKS_PYFUNCS = Path(__file__).parent / "pyfunc" / "predict.py"


@dataclass(frozen=True)
class Evaluator:
    """A script that scores models; separate from every training script."""

    name: str
    script: Path
    data: Path | None
    preload: tuple[str, ...]
    baselines: tuple[str, ...] = ()
    """Names of the baselines that it computes; the first is the one that its answers mean by `baseline`."""

    @property
    def version(self) -> str:
        """sha256 of the script and its tools: another way to read or to score makes another evaluation."""
        return hashlib.sha256(b"".join(file.read_bytes() for file in (self.script, *TOOLS, ASKS_PYFUNCS))).hexdigest()


def names() -> list[str]:
    return sorted(settings.EVALUATORS)


def baselines_of(name: str) -> tuple[str, ...]:
    """In the evaluator's order; none where the settings know no such evaluator any more."""
    known: dict[str, Any] = settings.EVALUATORS.get(name) or {}
    return tuple(known.get("baselines", ()))


def evaluator(name: str) -> Evaluator:
    """Raises Conflict where the portal's settings know no such evaluator."""
    known: dict[str, Any] | None = settings.EVALUATORS.get(name)
    if known is None:
        raise Conflict(f"There is no evaluator {name!r} here; a platform admin can name it in the portal's settings.")
    data = known["data"] and Path(known["data"])
    return Evaluator(name, Path(known["script"]), data, tuple(known["preload"]), tuple(known.get("baselines", ())))
