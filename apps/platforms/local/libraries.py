"""Which installed distributions a run had loaded when its script ended.

The child says only which modules it had; what those belong to is looked up by the portal, among what is installed.
"""

import contextlib
import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

from apps.platforms.local.scratch import read_small

REPORT = ".portal-modules.json"


def tell_modules(home: str) -> None:
    """Called in the child once its script has ended: the names of its modules, into its own folder."""
    names = {name.partition(".")[0] for name in list(sys.modules) if isinstance(name, str)}
    with contextlib.suppress(OSError, ValueError):
        Path(home, REPORT).write_text(json.dumps(sorted(names - sys.stdlib_module_names)))


def libraries_of(home: Path, packages: Path) -> dict[str, str]:
    """Distribution → version of what a run had loaded of the folder `packages`; empty where it told nothing.

    Call it on a sealed folder. A run can name modules that it did not load, but none that is not installed.
    """
    known = installed(packages)
    return dict(sorted({known[name] for name in _told(home) if name in known}))


def _told(home: Path) -> list[str]:
    try:
        names = json.loads(read_small(home / REPORT) or "[]")
    except (ValueError, RecursionError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


@cache
def installed(packages: Path) -> Mapping[str, tuple[str, str]]:
    """Top-level module → its distribution and version, of everything installed in this folder."""
    found: dict[str, tuple[str, str]] = {}
    for distribution in distributions(path=[str(packages)]):
        for name in _modules_of(distribution):
            found.setdefault(name, (distribution.name, distribution.version))
    return found


def _modules_of(distribution: Distribution) -> set[str]:
    """As its installer recorded them: packages and single files; what is not importable does no harm."""
    record = distribution.read_text("RECORD") or ""
    first = {line.partition(",")[0].partition("/")[0] for line in record.splitlines()}
    return {name.partition(".")[0] for name in first if name.endswith((".py", ".so")) or "." not in name}
