"""docker-compose.yml is read here, not run: where the tests run there need be no Docker engine."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from portal.local import processes, services, valkey
from portal.local.serve import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
EXPECTED = {
    "migrate": processes.MIGRATE,
    "static": processes.COLLECT_STATIC,
    "web": processes.web(host="0.0.0.0", port=8000),
    **processes.background(),
}
ASKED = re.compile(r"""(?:environ(?:\.get)?[\[(]|_told\(|_from_environment\()\s*"([A-Z][A-Z0-9_]+)\"""")
SETTING = re.compile(r"`([A-Z][A-Z0-9_]+)`")
SAY = """
from portal import settings as s
print(s.DATABASES["default"]["PASSWORD"], s.REDIS_URL, s.SECRET_KEY, sep="\\n")
print(" ".join(s.ENCRYPTION_KEYS), s.EMAIL_HOST_PASSWORD, sep="\\n")
"""
SECRET = re.compile(r"\$\{[A-Z_]+:\?set [^}]+\}")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_container_runs_the_command_line_that_is_said_once(name: str) -> None:
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


def test_one_container_builds_the_image_and_no_other_looks_for_it_elsewhere() -> None:
    """Compose builds what two services build at once, and on a machine without the image the second one fails."""
    ours = {name: service for name, service in SERVICES.items() if service["image"] == "mlportal"}
    assert [name for name, service in SERVICES.items() if "build" in service] == ["migrate"]
    assert set(ours) == set(EXPECTED)
    assert {service["pull_policy"] for service in ours.values()} == {"never"}
    assert all(service["cap_drop"] == ["ALL"] for service in ours.values()), (
        "it runs as an ordinary user, and stays one"
    )


def test_valkey_steps_down_from_root_hears_that_it_shall_end_and_keeps_what_it_keeps_for_make_serve(
    tmp_path: Path,
) -> None:
    """The image's own script makes an ordinary user of root, where it is called; a shell in between hears no signal."""
    shell, told = SERVICES["valkey"]["command"][1:]
    first, *lines, end = told.splitlines()
    assert (shell, first, end) == ("-c", "exec docker-entrypoint.sh valkey-server - <<END", "END")
    keys = services.Keys()
    (tmp_path / "valkey").mkdir()
    valkey.prepare(tmp_path, port=1, keys=keys, throwaway=False)
    ours = (tmp_path / "valkey" / "valkey.conf").read_text().splitlines()
    assert {line.replace("$$REDISCLI_AUTH", keys.redis_password) for line in lines} <= set(ours)


def test_secrets_beside_the_compose_file_get_neither_into_git_nor_into_the_image() -> None:
    for name in (".env", "portal.env", "docker-compose.override.yml"):
        assert f"/{name}" in (REPOSITORY / ".gitignore").read_text().splitlines()
    copied = [line.split()[1:-1] for line in (REPOSITORY / "Dockerfile").read_text().splitlines() if "COPY" in line]
    assert {"."}.isdisjoint(name for names in copied for name in names)
    assert all((REPOSITORY / name).exists() for names in copied for name in names)


def test_the_image_installs_the_locked_packages_and_runs_as_an_ordinary_user() -> None:
    lines = Path(REPOSITORY / "Dockerfile").read_text().splitlines()
    assert any("--require-hashes" in line and line.endswith("requirements.lock") for line in lines)
    assert lines.index("RUN chmod --recursive a+rX /app") < lines.index("USER portal")


def settings_asked_for() -> set[str]:
    """Names of the environment's variables that the settings read."""
    return set(ASKED.findall((REPOSITORY / "portal" / "settings.py").read_text()))


def test_the_guides_name_every_setting_and_no_other() -> None:
    """Single sign-on and others have a page of their own; the table of the guide is of what is really read."""
    guide = (REPOSITORY / "docs" / "deploying.md").read_text().partition("## Every setting")[2]
    named = {name for row in guide.splitlines() if row.startswith("| `") for name in SETTING.findall(row.split("|")[1])}
    everywhere = "".join(page.read_text() for page in (REPOSITORY / "docs").rglob("*.md"))
    assert named <= settings_asked_for()
    assert {name for name in settings_asked_for() if name not in everywhere} == set()


def test_a_container_is_told_nothing_that_nobody_reads() -> None:
    told = {name for service in EXPECTED for name in SERVICES[service]["environment"]}
    assert told <= settings_asked_for()
    assert {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"} <= told


def test_what_the_guide_says_to_set_is_what_the_compose_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (REPOSITORY / "docker-compose.yml").read_text()))
    step = (REPOSITORY / "docs" / "deploying.md").read_text().partition("<<END")[2].partition("END")[0]
    assert set(re.findall(r"^ *([A-Z_]+)=", step, re.MULTILINE)) == asked


def fences(language: str) -> list[str]:
    """The guide's examples in that language, without what indents them."""
    guide = (REPOSITORY / "docs" / "deploying.md").read_text()
    return [textwrap.dedent(text) for text in re.findall(rf"^ *```{language}\n(.*?)^ *```", guide, re.M | re.S)]


def test_what_the_guide_lays_over_the_compose_file_fits_it() -> None:
    over = [yaml.safe_load(text) for text in fences("yaml")]
    assert len(over) == 2
    for laid in over:
        assert set(laid["services"]) <= set(EXPECTED)
        told = {name for service in laid["services"].values() for name in service.get("environment", {})}
        assert {name.removesuffix("_FILE") for name in told} <= settings_asked_for()
    folders = {volume.split(":")[1] for volume in over[0]["services"]["work"]["volumes"]}
    guide = (REPOSITORY / "docs" / "deploying.md").read_text()
    assert folders == set(re.findall(r"`PIPELINES_(?:DIR|DATA)=([^`]+)`", guide))
    assert set(over[1]["services"]) == set(EXPECTED), "each of them has the secret"


def test_each_command_of_the_guide_is_one_of_this_portal() -> None:
    guide = (REPOSITORY / "docs" / "deploying.md").read_text()
    named = set(re.findall(r"manage\.py ([a-z_]+)", guide))
    assert named >= {"create_admin", "create_token", "changepassword", "backup", "restore", "pipelines"}
    assert named <= set(get_commands())
    run_in = re.findall(r"docker compose exec (\w+)|docker compose run (?:--\S+ )+(\w+)", guide)
    assert {one or other for one, other in run_in} <= set(SERVICES)
    for names in re.findall(r"docker compose up (?:--\S+ )+([a-z ]+)`", guide):
        assert set(names.split()) <= set(SERVICES)


@pytest.mark.parametrize("files", [False, True], ids=["in the environment", "in files"])
def test_secrets_come_from_the_environment_or_from_files(tmp_path: Path, files: bool) -> None:
    secrets = {
        "DATABASE_URL": "postgres://somebody:s3cret@127.0.0.1:1/none",
        "REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
        "SECRET_KEY": "only-for-this-test-" * 3,
        "ENCRYPTION_KEYS": "bmV3\nb2xk" if files else "bmV3,b2xk",
        "EMAIL_HOST_PASSWORD": "s3cret too",
    }
    for name, secret in secrets.items():
        (tmp_path / name).write_text(f"{secret}\n")
    told = {f"{name}_FILE": str(tmp_path / name) for name in secrets} if files else secrets
    said = subprocess.run(
        [sys.executable, "-c", SAY], cwd=REPOSITORY, env=told, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == [
        "s3cret",
        secrets["REDIS_URL"],
        secrets["SECRET_KEY"],
        "bmV3 b2xk",
        "s3cret too",
    ]


def test_a_command_says_in_a_sentence_that_the_database_is_away() -> None:
    away = {"DATABASE_URL": "postgres://somebody:s3cret@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    told = {**away, "SECRET_KEY": "only-for-this-test-" * 3, "ENCRYPTION_KEYS": "bmV3"}
    said = subprocess.run(
        [sys.executable, *processes.MIGRATE[1:]], cwd=REPOSITORY, env=told, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert said.stderr.startswith("The database of DATABASE_URL does not answer, or lets nobody in with that password")
    assert "Traceback" not in said.stderr
    assert "s3cret" not in said.stderr
