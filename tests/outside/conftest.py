"""Real products of others beside the portal."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal.local.ports import LOOPBACK, free_port
from tests.outside import provider
from tests.served import PATIENCE_SECONDS, ROOT, Web, web_process

GROUPS = """
rides: {team: rides-eta, name: Rides ETA}
rides-leads: {team: rides-eta, role: lead}
platform-people: [{team: ml-platform, kind: platform}, {portal: [board, catalog_editor]}]
"""


@dataclass(frozen=True)
class Provider:
    """Its issuer's address, its folder, and what the portal is told about it."""

    issuer: str
    folder: Path
    portal_port: int

    @property
    def settings(self) -> dict[str, str]:
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_NAME": "Acme Login",
            "OIDC_CLIENT_ID": provider.CLIENT,
            "OIDC_CLIENT_SECRET": provider.SECRET,
            "OIDC_GROUPS": GROUPS,
        }

    def knows(self, **people: dict[str, Any]) -> None:
        provider.write(self.folder, people)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """django-oauth-toolkit as the company's OpenID provider."""
    folder, port, portal = tmp_path_factory.mktemp("provider"), free_port(), free_port()
    made = Provider(f"http://{LOOPBACK}:{port}/o", folder, portal)
    made.knows()
    with provider_process(folder, port, portal):
        yield made


def collect_static(folder: Path) -> None:
    """Pages in a real browser want their styles, as after a deployment."""
    argv = [sys.executable, str(ROOT / "manage.py"), "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(argv, cwd=ROOT, env={**os.environ, "VAR_DIR": str(folder)}, check=True, timeout=PATIENCE_SECONDS)


@contextmanager
def provider_process(folder: Path, port: int, portal: int) -> Iterator[None]:
    argv = [sys.executable, "-m", "tests.outside.provider", str(folder), str(port), f"http://{LOOPBACK}:{portal}"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    started = subprocess.Popen(argv, cwd=ROOT, env=env)
    try:
        _wait_for(port, started)
        yield
    finally:
        started.terminate()
        started.wait(PATIENCE_SECONDS)


def _wait_for(port: int, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        assert started.poll() is None, f"the provider ended with {started.returncode}"
        assert time.monotonic() < deadline, "the provider does not answer"
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.05)


@pytest.fixture(scope="module")
def portal(company: Provider, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A portal without passwords of its own."""
    folder = tmp_path_factory.mktemp("portal")
    collect_static(folder)
    with web_process(folder, PORT=str(company.portal_port), LOCAL_PASSWORDS="0", **company.settings) as web:
        yield web
