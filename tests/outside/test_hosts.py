"""Two hosts of the portal against one PostgreSQL, one Valkey and one artifact store; one of them loses its power.

Each has a folder, processes and ports of its own; the only folder that they share is the store's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.db import connection

from apps.accounts.actions import create_token, revoke_token
from apps.accounts.models import User
from apps.core.permissions import scopes
from apps.registry.models import ModelVersion
from apps.retraining.models import Attempt, SegmentRun
from tests.conftest import signed_in
from tests.faults import conftest as faults
from tests.faults.conftest import PIPELINES, Submit
from tests.faults.counting import assert_every_run_ended_once, done, is_over
from tests.faults.portal import PATIENCE, ROOT, Portal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
data, family, pipeline, submit = faults.data, faults.family, faults.pipeline, faults.submit


@dataclass(frozen=True)
class Hosts:
    """`first` has the broker, too."""

    first: Portal
    second: Portal


@pytest.fixture
def hosts(transactional_db: None, data: Path) -> Iterator[Hosts]:
    home = Path(tempfile.mkdtemp(prefix="portal-hosts-"))
    home.chmod(0o711)
    (home / "store").mkdir(mode=0o711)
    hosts = Hosts(*(_host(home, name, data) for name in ("first", "second")))
    hosts.second.env["REDIS_URL"] = hosts.first.env["REDIS_URL"]
    yield hosts
    for host in (hosts.first, hosts.second):
        host.stop()
    shutil.rmtree(home)


def _host(home: Path, name: str, data: Path) -> Portal:
    folder = home / name
    folder.mkdir(mode=0o711)
    (folder / "artifacts").symlink_to(home / "store")
    portal = Portal(folder, PIPELINES, data)
    portal.env["SECRET_KEY"] = settings.SECRET_KEY  # as the sessions of the test are signed
    return portal


def test_what_one_host_did_the_other_has_and_a_lost_host_loses_nothing(
    hosts: Hosts, submit: Submit, owner: User
) -> None:
    hosts.first.start("valkey", "web", "control", "work", "beat")
    hosts.second.start("web", "control2", "work2", "beat2")
    people = [Person(host, owner) for host in (hosts.first, hosts.second)]
    hosts.first.wait_for(lambda: all(person.is_answered() for person in people))
    _a_session_and_a_token_count_everywhere(hosts, owner)
    request = submit()
    hosts.first.wait_for(lambda: done(request) >= 10 and _held_by("work2") > 0)
    hosts.second.stop()
    hosts.first.wait_for(lambda: is_over(request), seconds=120)
    assert_every_run_ended_once(request)
    assert _workers_of(request.pk) == {"work", "work2"}
    for version in ModelVersion.objects.all():
        assert people[0].get(f"/api/v1/versions/{version.pk}/files/model.json") == 200


def test_hosts_that_migrate_at_once_wait_for_each_other(hosts: Hosts) -> None:
    name = f"hosts_{uuid.uuid4().hex[:12]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        both = [_migrating(host, name) for host in (hosts.first, hosts.second)]
        assert [(program.wait(PATIENCE * 2), program.communicate()[0]) for program in both] == [(0, b"")] * 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Person:
    """Asks one host's web process, with a token or with the session of a browser."""

    def __init__(self, host: Portal, user: User) -> None:
        self.host = host
        self.token = create_token(actor=user, name=f"host {uuid.uuid4()}", scopes=scopes())
        self.session = signed_in(user).cookies["sessionid"].value

    def get(self, address: str, *, by_session: bool = False) -> int:
        held = (
            {"Cookie": f"sessionid={self.session}"} if by_session else {"Authorization": f"Bearer {self.token.secret}"}
        )
        return requests.get(self.host.address + address, headers=held, timeout=60).status_code

    def is_answered(self) -> bool:
        try:
            return self.get("/api/v1/me/") == 200
        except requests.ConnectionError:
            return False


def _a_session_and_a_token_count_everywhere(hosts: Hosts, owner: User) -> None:
    """Also once they end: a token that was revoked is forgotten by every host's memory."""
    person = Person(hosts.first, owner)
    elsewhere = Person(hosts.second, owner)
    elsewhere.session, elsewhere.token = person.session, person.token
    hot = "/api/2.0/mlflow/experiments/search?max_results=1"
    for one in (person, elsewhere):
        assert one.get("/api/v1/me/", by_session=True) == one.get("/api/v1/me/") == one.get(hot) == 200
    revoke_token(actor=owner, token=person.token.row)
    for one in (person, elsewhere):
        hosts.first.wait_for(lambda one=one: one.get(hot) == 401)  # type: ignore[misc]


def _migrating(host: Portal, database: str) -> subprocess.Popen[bytes]:
    url = f"{host.env['DATABASE_URL'].rpartition('/')[0]}/{database}"
    argv = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    env = host.env | {"DATABASE_URL": url}
    return subprocess.Popen(argv, cwd=host.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _held_by(worker: str) -> int:
    return SegmentRun.objects.filter(status="running", worker__startswith=f"{worker}@").count()


def _workers_of(request: int) -> set[str]:
    """Those that some attempt of a run of the request was made by."""
    names = Attempt.objects.filter(segment_run__request=request).values_list("worker", flat=True)
    return {name.partition("@")[0] for name in names}
