"""The signed file of a family's champions, which serving reads without the portal."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet
from django.conf import settings
from pytest_django.fixtures import Settings

from apps.accounts.models import User
from apps.artifacts.models import TreeFile
from apps.core import doorbell
from apps.registry.actions import publish_snapshots, rollback, update_family
from apps.registry.models import ModelFamily, Segment, Snapshot
from apps.registry.tasks import coordinate
from tests.conftest import api
from tests.registry.conftest import MakeVersion

DOCS = Path("docs/serving.md")


@pytest.fixture
def store() -> Path:
    return Path(settings.VAR_DIR) / "artifacts"


@pytest.fixture
def reader() -> dict[str, Any]:
    """What the documentation tells serving to write: just that is run here."""
    found = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found
    read: dict[str, Any] = {}
    exec(found[1], read)
    return read


def key_of(user: User) -> str:
    return str(api(user).get("/api/v1/snapshot-key/").json()["public_key"])


def test_the_documented_reader_finds_champions_and_their_files_without_the_portal(
    make_champion: MakeVersion, atlanta: Segment, store: Path, reader: dict[str, Any], owner: User
) -> None:
    champion = make_champion(atlanta, content='{"slope": 2}')
    assert publish_snapshots() == 1
    known = reader["champions"](store, "eta-trip", key_of(owner))
    assert known["atlanta"] == {
        "model": "eta-trip.atlanta",
        "version": 1,
        "digest": champion.digest,
        "fallback": None,
        "files": {"model.json": TreeFile.objects.get(tree=champion.tree).blob_id},
    }
    assert reader["file_of"](store, known["atlanta"], "model.json") == b'{"slope": 2}'


def test_a_changed_file_and_another_key_are_not_believed(
    make_champion: MakeVersion, atlanta: Segment, store: Path, reader: dict[str, Any], owner: User
) -> None:
    make_champion(atlanta)
    publish_snapshots()
    file = store / "published" / "champions" / "eta-trip.json"
    signed = json.loads(file.read_bytes())
    file.chmod(0o600)
    file.write_text(json.dumps(signed | {"payload": signed["payload"].replace('"version": 1', '"version": 2')}))
    with pytest.raises(InvalidSignature):
        reader["champions"](store, "eta-trip", key_of(owner))


def test_each_move_and_each_setting_that_it_shows_is_published_once(
    make_champion: MakeVersion, atlanta: Segment, boston: Segment, family: ModelFamily, approver: User, owner: User
) -> None:
    make_champion(atlanta)
    newest = make_champion(atlanta, content="2")
    assert (publish_snapshots(), publish_snapshots()) == (1, 0)
    assert served(owner) == {"atlanta": 2}
    rollback(actor=approver, family=family, versions=[newest], reason="wrong")
    update_family(actor=approver, family=family, fallback_order=["atlanta"])
    assert (publish_snapshots(), publish_snapshots()) == (1, 0)
    assert served(owner) == {"atlanta": 1, "boston": 1}


def served(user: User) -> dict[str, int]:
    file = api(user).get("/api/v1/families/eta-trip/snapshot/").json()
    return {segment: row["version"] for segment, row in json.loads(file["payload"])["aliases"]["champion"].items()}


def test_before_the_first_champion_there_is_none(family: ModelFamily, owner: User) -> None:
    answer = api(owner).get("/api/v1/families/eta-trip/snapshot/")
    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "No snapshot of eta-trip is published yet: it has no champion, or had its first just now.",
    )


def test_after_a_change_of_keys_it_is_signed_anew(
    make_champion: MakeVersion, atlanta: Segment, owner: User, store: Path, reader: dict[str, Any],
    settings: Settings,
) -> None:  # fmt: skip
    make_champion(atlanta)
    publish_snapshots()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert publish_snapshots() == 1
    assert "atlanta" in reader["champions"](store, "eta-trip", key_of(owner))


def test_what_nobody_rang_for_is_found_by_the_coordinator(
    make_champion: MakeVersion,
    atlanta: Segment,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    make_champion(atlanta)
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "_bell", lambda name, *args: rung.append(name))
    with django_capture_on_commit_callbacks(execute=True):
        coordinate()
    assert "registry.publish" in rung
    publish_snapshots()
    rung.clear()
    with django_capture_on_commit_callbacks(execute=True):
        coordinate()
    assert "registry.publish" not in rung


def test_while_another_process_writes_this_one_does_not(make_champion: MakeVersion, atlanta: Segment) -> None:
    from django.db import connections

    from apps.registry.actions.snapshots import LOCK

    make_champion(atlanta)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK, Snapshot.objects.get().pk])
        assert publish_snapshots() == 0
    finally:
        other.close()
    assert publish_snapshots() == 1
