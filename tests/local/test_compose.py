"""docker-compose.yml is read here, not run: where the tests run there need be no Docker engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.local import processes
from portal.local.serve import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
EXPECTED = {
    "migrate": processes.MIGRATE,
    "static": processes.COLLECT_STATIC,
    "web": processes.web(host="0.0.0.0", port=8000),
    **processes.background(),
}
SECRET = re.compile(r"\$\{[A-Z_]+:\?set [^}]+\}")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_container_runs_what_make_serve_runs(name: str) -> None:
    assert tuple(SERVICES[name]["command"]) == tuple(EXPECTED[name])


def test_there_is_no_other_container_than_the_processes_and_their_servers() -> None:
    assert set(SERVICES) == {*EXPECTED, "postgres", "valkey"}


def test_every_secret_must_be_given_and_the_file_says_how() -> None:
    secrets = [
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|KEY|AUTH|_URL", name)
    ]
    assert len(secrets) > len(EXPECTED)
    assert all(SECRET.search(value) for value in secrets)


def test_everything_but_beat_and_what_ends_by_itself_has_a_health_check() -> None:
    healthy = {name for name, service in SERVICES.items() if "healthcheck" in service}
    assert healthy == set(SERVICES) - {"beat", "migrate", "static"}


def test_the_portal_waits_for_its_servers_and_its_tables() -> None:
    for name in ("web", *processes.background()):
        waits_for = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}
        assert waits_for["postgres"] == waits_for["valkey"] == "service_healthy"
        assert waits_for["migrate"] == waits_for["static"] == "service_completed_successfully"


def test_the_image_installs_the_locked_packages_and_runs_as_an_ordinary_user() -> None:
    lines = Path(REPOSITORY / "Dockerfile").read_text().splitlines()
    assert any("--require-hashes" in line and line.endswith("requirements.lock") for line in lines)
    assert "USER portal" in lines
