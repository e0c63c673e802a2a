"""A filled portal of the release before becomes one of now: nothing is lost, and both go on side by side."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2  # type: ignore[import-untyped]
import pytest
from django_migration_linter import MigrationLinter

from tests.retraining.conftest import SCRIPT
from tests.upgrade.fill import REPOSITORY, unpack

HERE = Path(__file__).parent
RELEASE, COMMIT = "0.1.0", "f61702e"


@dataclass(frozen=True)
class Portal:
    """A database and a data folder, which code of either release can work with."""

    old: Path
    env: dict[str, str]

    def manage(self, code: Path, *arguments: str) -> str:
        return self._run(code, "manage.py", *arguments)

    def ask(self, code: Path, what: str) -> Any:
        return json.loads(self._run(code, str(HERE / "ask.py"), what).splitlines()[-1])

    def _run(self, code: Path, *arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=code, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4_000:]
        return done.stdout


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the release before."""
    known = subprocess.run(["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"], cwd=REPOSITORY, capture_output=True)
    if known.returncode:
        pytest.skip(f"The code of {RELEASE} (commit {COMMIT}) is not in this checkout: fetch its whole history.")
    folder = tmp_path_factory.mktemp("release")
    unpack(COMMIT, folder)
    return folder


@pytest.fixture(scope="module")
def portal(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Restored by the release that it is of; its tables are as that left them."""
    here = urlsplit(os.environ["DATABASE_URL"])
    name, session = f"upgrade_{uuid4().hex}", psycopg2.connect(os.environ["DATABASE_URL"])
    session.autocommit = True
    session.cursor().execute(f"CREATE DATABASE {name}")
    folder = tmp_path_factory.mktemp("var")
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "toy.py").write_text(SCRIPT)
    own = {"DATABASE_URL": here._replace(path=f"/{name}").geturl(), "VAR_DIR": str(folder)}
    made = Portal(old, {**os.environ, **own, "PIPELINES_DIR": str(folder / "pipelines")})
    shutil.unpack_archive(HERE / f"release-{RELEASE}.tar.gz", folder / "backups")
    (backup,) = (one.parent for one in (folder / "backups").glob("*/manifest.json"))
    made.manage(old, "restore", str(backup))
    yield made
    session.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    session.close()


def test_what_was_there_is_there_and_both_releases_work_on_it(portal: Portal) -> None:
    before = portal.ask(portal.old, "see")
    assert bad(before) == {}
    assert before["waves"][-1][1] != "applied"
    portal.manage(REPOSITORY, "migrate")
    beside = portal.ask(portal.old, "see")
    written = portal.ask(portal.old, "write")
    assert {status for status in written.values() if isinstance(status, list)} == set(), written
    after = portal.ask(REPOSITORY, "see")
    # Each look makes a token, which the audit tells.
    counts = before["counts"] | {"audit.AuditEvent": before["counts"]["audit.AuditEvent"] + 1}
    assert beside == before | {"counts": counts}
    assert bad(after) == {}
    assert after["waves"][-1][1] == "applied"
    assert after["champions"] != before["champions"]
    assert {noun for noun, count in before["counts"].items() if after["counts"][noun] < count} == set()


def bad(seen: dict[str, Any]) -> dict[str, int]:
    """The pages that did not answer."""
    return {page: status for page, status in seen["pages"].items() if status != 200}


# Indexes that are made concurrently refuse to tell their SQL inside a transaction.
@pytest.mark.django_db(transaction=True)
def test_migrations_since_the_release_let_its_code_go_on(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    linter = MigrationLinter(no_cache=True)
    known = {(path.parts[-3], path.stem) for path in old.glob("apps/*/migrations/0*.py")}
    ours = {(path.parts[-3], path.stem) for path in REPOSITORY.glob("apps/*/migrations/0*.py")}
    for key, migration in sorted(linter.migration_loader.disk_migrations.items()):
        if key in ours - known:
            linter.lint_migration(migration)
    assert not linter.has_errors, capsys.readouterr().out
