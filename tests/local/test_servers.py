import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]
import pytest
from redis import Redis

from portal.local import data_folder, leftovers, postgres, services, valkey
from portal.local.errors import CannotRun
from portal.local.ports import free_port
from portal.local.privileges import unprivileged
from portal.local.servers import Wanted, running
from portal.local.services import Keys, Services
from portal.local.supervisor import Supervisor
from tests.local.conftest import Program, database_folder, is_alive, remove, wait_until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")


@contextmanager
def servers(var_dir: Path) -> Iterator[Services]:
    with (
        data_folder.taken(var_dir),
        Supervisor(show=False) as supervisor,
        running(Wanted(var_dir, throwaway=True), supervisor) as found,
    ):
        yield found


def ask(found: Services, question: str) -> str:
    session = psycopg2.connect(found.database_url)
    try:
        with session, session.cursor() as cursor:
            cursor.execute(question)
            return str(cursor.fetchone()[0])
    finally:
        session.close()


def tell(found: Services, statement: str) -> None:
    session = psycopg2.connect(found.database_url)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute(statement)
    session.close()


def pids(var_dir: Path) -> list[int]:
    return leftovers.working_in(database_folder(var_dir)) + leftovers.working_in(valkey.folder(var_dir))


def test_both_servers_answer_and_nothing_of_them_is_left(var_dir: Path) -> None:
    with servers(var_dir) as found:
        assert ask(found, "SHOW server_version").startswith("18")
        assert Redis.from_url(found.redis_url).ping()
        assert services.load(var_dir) == found
        assert pids(var_dir)
    assert pids(var_dir) == []
    assert services.load(var_dir) is None


def test_the_portal_owns_its_database_and_is_no_superuser(var_dir: Path) -> None:
    with servers(var_dir) as found:
        assert ask(found, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user") == "false"
        assert ask(found, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'mlportal'") == "mlportal"
        tell(found, "CREATE DATABASE test_of_mine")


def test_data_survives_a_stop_and_the_second_start_finds_it(var_dir: Path) -> None:
    with servers(var_dir) as first:
        tell(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    with servers(var_dir) as second:
        assert ask(second, "SELECT answer FROM kept") == "42"
        assert second.secret_key == first.secret_key


def test_a_wrong_password_opens_neither_server(var_dir: Path) -> None:
    with servers(var_dir) as found:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(found.database_url.replace("mlportal:", "mlportal:not-"))
        with pytest.raises(Exception, match="invalid username-password"):
            Redis.from_url(found.redis_url.replace("redis://:", "redis://:not-")).ping()


def test_passwords_stand_on_no_command_line(var_dir: Path) -> None:
    with servers(var_dir):
        keys = services.saved_keys(var_dir)
        assert keys is not None
        lines = b"".join(Path("/proc", str(pid), "cmdline").read_bytes() for pid in pids(var_dir))
        assert b"valkey" in lines
        for secret in (keys.postgres_password, keys.database_password, keys.redis_password):
            assert secret.encode() not in lines


def test_a_pid_file_with_a_number_that_is_another_program_now_stops_nothing(var_dir: Path) -> None:
    with servers(var_dir):
        pass
    pid_file = database_folder(var_dir) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n1\n5432\n\n\n  1 1\nready\n")
    with servers(var_dir) as found:
        assert ask(found, "SELECT 1") == "1"


def test_servers_that_outlived_their_supervisor_are_ended_before_new_ones_start(var_dir: Path) -> None:
    with servers(var_dir):
        pass
    orphan = _start_alone(var_dir)
    wait_until(lambda: len(leftovers.working_in(database_folder(var_dir))) > 1)
    with servers(var_dir) as found:
        assert orphan.poll() is not None
        assert ask(found, "SELECT 1") == "1"


def _start_alone(var_dir: Path) -> "subprocess.Popen[bytes]":
    where = postgres.place(var_dir=var_dir, keys=services.saved_keys(var_dir) or Keys(), account=unprivileged())
    process = postgres.process(where, port=free_port(), throwaway=True)
    account = where.account
    return subprocess.Popen(
        process.argv,
        env=process.env,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stderr=subprocess.DEVNULL,
    )


def test_a_killed_supervisor_leaves_nothing_running(start: Callable[..., Program], tmp_path: Path) -> None:
    child = "import os, time; print('served in', os.environ['VAR_DIR'], flush=True); time.sleep(600)"
    program = start("portal.local.run_with_services", "--", sys.executable, "-c", child)
    program.wait_for("served in /")
    var_dir = Path(program.output.split("served in ")[1].strip())
    everything = pids(var_dir) + leftovers.marked((services.load(var_dir) or pytest.fail("nothing runs")).mark)
    assert len(everything) > 3
    program.popen.send_signal(signal.SIGKILL)
    program.ends()
    wait_until(lambda: not any(map(is_alive, everything)))
    remove(var_dir)


def test_a_command_with_servers_of_its_own_leaves_no_folder(start: Callable[..., Program]) -> None:
    program = start("portal.local.run_with_services", "--", "sh", "-c", 'echo "served in $VAR_DIR"; exit 7')
    assert program.ends() == 7
    assert not Path(program.output.split("served in ")[1].strip()).exists()


def test_a_half_made_data_folder_of_an_interrupted_start_is_made_anew(var_dir: Path) -> None:
    services.save(var_dir, Keys())
    (var_dir / "postgres.new").mkdir()
    (var_dir / "postgres.new" / "half").touch()
    with servers(var_dir) as found:
        assert ask(found, "SELECT 1") == "1"


def test_a_database_whose_password_is_lost_is_a_sentence(var_dir: Path) -> None:
    (var_dir / "postgres").mkdir()
    with pytest.raises(CannotRun, match=r"without services.json, which holds its password"), servers(var_dir):
        pass


def test_a_server_that_cannot_start_shows_its_last_lines(var_dir: Path) -> None:
    with servers(var_dir):
        pass
    with (database_folder(var_dir) / "postgresql.conf").open("a") as configuration:
        configuration.write("shared_memory_type = nonsense\n")
    said = r"(?s)postgres did not come up \(exit code 1\).*nonsense"
    with pytest.raises(CannotRun, match=said), servers(var_dir):
        pass
    assert pids(var_dir) == []


@as_root
def test_as_root_postgres_runs_as_nobody_in_a_folder_that_nobody_else_can_open(var_dir: Path) -> None:
    with servers(var_dir):
        postmaster = leftovers.working_in(database_folder(var_dir))[0]
        assert Path("/proc", str(postmaster)).stat().st_uid == 65534
    assert database_folder(var_dir).stat().st_mode & 0o777 == 0o700


@as_root
def test_below_a_closed_folder_the_database_lives_below_the_temporary_one(var_dir: Path) -> None:
    closed = var_dir / "closed"
    closed.mkdir(mode=0o700)
    with servers(closed / "var") as found:
        tell(found, "CREATE TABLE kept AS SELECT 42 AS answer")
        folder = database_folder(closed / "var").parent
        assert folder.parent != closed / "var"
        assert folder.stat().st_mode & 0o777 == 0o700
    with servers(closed / "var") as found:
        assert ask(found, "SELECT answer FROM kept") == "42"
        assert database_folder(closed / "var").parent == folder
    assert closed.stat().st_mode & 0o777 == 0o700
    remove(closed / "var")
    assert not folder.exists()


@as_root
def test_a_folder_below_the_temporary_one_that_somebody_else_made_is_not_used(var_dir: Path) -> None:
    planted = var_dir / "planted"
    planted.mkdir()
    services.save(var_dir, replace(Keys(), postgres_folder=str(planted)))
    with pytest.raises(CannotRun, match=r"is not ours. Remove it"), servers(var_dir):
        pass
    assert list(planted.iterdir()) == []


@as_root
def test_a_database_that_the_system_swept_away_starts_empty_and_says_so(
    var_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    closed = var_dir / "closed"
    closed.mkdir(mode=0o700)
    with servers(closed / "var"):
        pass
    shutil.rmtree(database_folder(closed / "var").parent)
    with servers(closed / "var") as found:
        assert ask(found, "SELECT 1") == "1"
    assert "is gone (temporary folders are emptied at boot): starting with an empty database" in capfd.readouterr().out
    remove(closed / "var")


@as_root
def test_a_data_folder_that_nobody_cannot_reach_any_more_is_a_sentence(var_dir: Path) -> None:
    folder = var_dir / "open"
    folder.mkdir(mode=0o711)
    # As if it had been made while everything could be reached.
    (folder / "var" / "postgres").mkdir(parents=True)
    (folder / "var" / "postgres" / "PG_VERSION").write_text("18")
    services.save(folder / "var", Keys())
    folder.chmod(0o700)
    with pytest.raises(CannotRun, match=r"who cannot reach that folder or the environment"), servers(folder / "var"):
        pass
