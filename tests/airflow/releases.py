"""The two lines of Airflow that are run for real: where each is installed, what it consists of and what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from portal.local.ports import LOOPBACK, free_port

REPOSITORY = Path(__file__).resolve().parents[2]
DAGS = REPOSITORY / "apps" / "demo" / "dags"
PASSWORD = "portal:portal-pw"
VIEWER = "viewer:viewer-pw"
Run = Callable[..., None]
"""Runs one command of this Airflow's to its end: the words after `airflow`."""


@dataclass(frozen=True)
class Release:
    """`environment` takes the folder, the port and the database's address; `let_in` makes the two accounts."""

    version: str
    name: str  # of its environment and its database
    target: str  # of make, which installs it
    processes: tuple[str, ...]
    health: str
    needed: tuple[str, ...]  # what has to be healthy before anything is asked of it
    environment: Callable[[Path, int, str], dict[str, str]]
    let_in: Callable[[Path, Run], None]
    dags: Mapping[str, Callable[[str], str]]  # by file name: how the demo's becomes one of this line

    @property
    def program(self) -> Path:
        return REPOSITORY / f".venv-{self.name}" / "bin" / "airflow"

    def write_dags(self, folder: Path) -> None:
        folder.mkdir()
        for name, rewritten in self.dags.items():
            (folder / name).write_text(rewritten((DAGS / name).read_text()))


def _both(folder: Path, database: str) -> dict[str, str]:
    """What either line understands: small, quick to notice things, and silent towards its makers."""
    return {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_FOLDER": f"{folder}/dags",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
        # What a killed scheduler leaves behind is found by the next one within seconds, not minutes.
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "DATABASE__SQL_ALCHEMY_CONN": _spoken_by(database, "postgresql+psycopg2"),
    }


def _three(folder: Path, port: int, database: str) -> dict[str, str]:
    address = f"http://{LOOPBACK}:{port}"
    return _both(folder, database) | {
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "portal:admin,viewer:viewer",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": f"{folder}/passwords.json",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "API__BASE_URL": address,
        "API__HOST": LOOPBACK,
        "API__PORT": str(port),
        "API__WORKERS": "1",
        "API__SECRET_KEY": "test-secret-key-of-at-least-32-bytes!!",
        "API_AUTH__JWT_SECRET": "test-jwt-secret-" * 5,
        "LOGGING__WORKER_LOG_SERVER_HOST": LOOPBACK,
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": _spoken_by(database, "postgresql+asyncpg"),
    }


def _two(folder: Path, port: int, database: str) -> dict[str, str]:
    fab = "airflow.providers.fab.auth_manager"
    return _both(folder, database) | {
        "CORE__AUTH_MANAGER": f"{fab}.fab_auth_manager.FabAuthManager",
        "API__AUTH_BACKENDS": f"{fab}.api.auth.backend.basic_auth",
        "WEBSERVER__BASE_URL": f"http://{LOOPBACK}:{port}",
        "WEBSERVER__WEB_SERVER_HOST": LOOPBACK,
        "WEBSERVER__WEB_SERVER_PORT": str(port),
        "WEBSERVER__WORKERS": "1",
        "WEBSERVER__SECRET_KEY": "test-secret-key-of-at-least-32-bytes!!",
        "SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
        "SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "5",
    }


def _by_file(folder: Path, run: Run) -> None:
    users = dict(one.split(":") for one in (PASSWORD, VIEWER))
    (folder / "passwords.json").write_text(json.dumps(users))


def _by_command(folder: Path, run: Run) -> None:
    run("sync-perm")  # makes the roles
    for account, role in ((PASSWORD, "Admin"), (VIEWER, "Viewer")):
        name, _, password = account.partition(":")
        person = ("--firstname", name, "--lastname", name, "--email", f"{name}@example.org")
        run("users", "create", "--username", name, "--password", password, "--role", role, *person)


def _as_it_is(text: str) -> str:
    return text


def _imported_as_before(text: str) -> str:
    """The same DAG: only the names of what it imports are others in Airflow 2."""
    now = "from airflow.sdk import Param, dag, task\n"
    assert now in text
    return text.replace(now, "from airflow.decorators import dag, task\nfrom airflow.models.param import Param\n")


def _spoken_by(database: str, driver: str) -> str:
    return urlsplit(database)._replace(scheme=driver).geturl()


THREE = Release(
    version="3.3.2",
    name="airflow",
    target="test-airflow",
    processes=("api-server", "scheduler", "dag-processor"),
    health="/api/v2/monitor/health",
    needed=("scheduler", "dag_processor"),
    environment=_three,
    let_in=_by_file,
    dags={file.name: _as_it_is for file in sorted(DAGS.glob("*.py"))},
)
TWO = Release(
    version="2.11.2",
    name="airflow2",
    target="test-airflow2",
    processes=("webserver", "scheduler"),
    health="/health",
    needed=("scheduler",),
    environment=_two,
    let_in=_by_command,
    dags={"retrain_city.py": _imported_as_before},
)
