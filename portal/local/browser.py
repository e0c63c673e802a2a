"""A Chromium for the browser tests: one on PATH, Playwright's own, or the system's package where we are root.

python -m portal.local.browser      prints the path of its program
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from portal.local.errors import CannotRun, said_plainly

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHTS_OWN = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")


def main() -> None:
    with said_plainly():
        print(find() or install())


def find() -> str | None:
    """The first Chromium that really starts; CHROMIUM in the environment goes before all others."""
    return next((path for path in _candidates() if _starts(path)), None)


def install() -> str:
    """Chromium from the system's packages; CannotRun where that is not ours to do or does not work."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", "chromium")
    found = find()
    if found is None:
        raise CannotRun(
            "The browser tests need Chromium and found none. Install one (apt install chromium, or "
            ".venv/bin/playwright install chromium), or name it: make test CHROMIUM=/path/to/chromium"
        )
    return found


def _candidates() -> Iterator[str]:
    yield from filter(None, [os.environ.get("CHROMIUM")])
    yield from filter(None, map(shutil.which, NAMES))
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    yield from (str(path) for pattern in PLAYWRIGHTS_OWN for path in sorted(cache.glob(pattern), reverse=True))


def _starts(path: str) -> bool:
    """Asks for its version: Ubuntu's `chromium-browser`, for one, is a note that it moved elsewhere."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _apt_get(*words: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "--quiet", *words], stdout=sys.stderr, env=environment, check=False)


if __name__ == "__main__":
    main()
