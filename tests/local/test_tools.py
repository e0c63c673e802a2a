"""What the make targets call before and after the portal: installing, finding a browser, cleaning."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from portal.local import browser, clean, services
from portal.local.serve import REPOSITORY
from portal.local.services import Keys


def test_a_python_without_venv_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "portal" / "local").mkdir(parents=True)
    shutil.copy(REPOSITORY / "portal" / "local" / "install.py", tmp_path / "portal" / "local")
    shutil.copy(REPOSITORY / "requirements.lock", tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ensurepip.py").write_text("raise ImportError")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "portal" / "local" / "install.py"), "requirements.lock"],
        env={"PYTHONPATH": str(tmp_path / "broken"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("This Python has no venv module. On Debian or Ubuntu: apt install python3.")


def test_the_browser_that_is_found_starts() -> None:
    found = browser.find()
    assert found is not None
    assert subprocess.run([found, "--version"], check=False, capture_output=True).returncode == 0


def test_no_browser_anywhere_is_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portal.local.browser"],
        cwd=REPOSITORY,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "need Chromium and found none. Install one (apt install chromium, or" in done.stderr


def test_cleaning_takes_the_data_folder_and_the_database_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    services.save(tmp_path, replace(Keys(), postgres_folder=str(elsewhere)))
    assert clean.data_folders(tmp_path) == [tmp_path, elsewhere]


def test_cleaning_leaves_a_folder_alone_that_is_no_data_folder(tmp_path: Path) -> None:
    assert clean.data_folders(tmp_path) == []
