"""Which code a process runs: a worker that a deploy has forgotten is seen by it."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from django.conf import settings

CODE = ("portal", "apps")


@cache
def release() -> str:
    """`0.1.0+3fa9c1e2`: the version, and a fingerprint of the code as it lay on the disk when first asked."""
    root = Path(settings.BASE_DIR)
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    code = hashlib.sha256()
    for file in sorted(file for folder in CODE for file in (root / folder).rglob("*.py")):
        code.update(file.read_bytes())
    return f"{version}+{code.hexdigest()[:8]}"
