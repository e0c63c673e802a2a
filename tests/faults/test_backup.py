"""A portal is backed up while it works, dies, and comes back in an empty place: nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest
from pytest_django import Settings

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.core.permissions import scopes
from apps.notifications.actions import create_webhook
from apps.notifications.carriers import signature
from apps.registry import actions
from apps.registry.models import ModelFamily, ModelVersion, Wave
from tests.elsewhere import empty_database, kept, manage, rows
from tests.faults import test_promotions as promotions
from tests.faults.portal import Portal
from tests.faults.test_promotions import CITIES, STAGES, decide
from tests.notifications.conftest import receiver
from tests.notifications.receivers import Receiver
from tests.registry.conftest import Evaluate
from tests.served import Web, web_process

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
family, candidates = promotions.family, promotions.candidates
evaluate, make_version = promotions.evaluate, promotions.make_version
__all__ = ["receiver"]
SECRET = "shared-with-the-receiver"
OLDER = 10**9
"""How many transactions more the lost server had seen than the new one."""


def test_a_wave_in_the_middle_goes_on_in_an_empty_place(
    portal: Portal,
    candidates: Sequence[ModelVersion],
    family: ModelFamily,
    evaluate: Evaluate,
    receiver: Receiver,
    owner: User,
    admin: User,
    approver: User,
    settings: Settings,
) -> None:
    settings.WEBHOOK_SCHEMES, settings.WEBHOOK_PRIVATE_NETWORKS = ["http"], ["127.0.0.0/8"]
    portal.start()
    evaluate(*candidates)
    wave = actions.propose(actor=owner, family=family, versions=candidates, reason="Shorter.", stages=STAGES)
    decide(approver, wave)
    token = create_token(actor=approver, name="of before", scopes=scopes()).secret
    hears = ["model_version_alias.created"]
    create_webhook(actor=admin, name="ci", url=receiver.address, events=hears, secret=SECRET)
    root = portal.folder / "backups"
    manage(portal.env, "backup", root)
    portal.stop()
    _grow_older(portal.env["DATABASE_URL"])
    (backup,) = _told(manage(portal.env, "backup", root, "--keep", "1"), root)
    before = kept(portal.env["DATABASE_URL"])

    with _elsewhere(portal) as other:
        manage(other.env, "restore", backup)
        assert kept(other.env["DATABASE_URL"]) == before
        assert manage(other.env, "restore", backup, fails=True).count("has tables already") == 1
        other.start("valkey", "control", "work", "beat", "outgoing")
        with _served(other) as web:
            assert _ask(web, token, f"/api/v1/promotions/{wave.pk}/")["wave"]["stage"] == 1
            for stage in (2, 3):
                _ask(web, token, f"/api/v1/promotions/{wave.pk}/advance/", {"stage": stage})
            first = str(candidates[0].pk)
            files = _ask(web, token, f"/api/2.0/mlflow-artifacts/artifacts?path=versions/{first}")["files"]
            assert [one["path"] for one in files] == ["model.json"]
        _each_city_moved_once(other.env["DATABASE_URL"], wave)
        other.wait_for(lambda: len(receiver.calls) >= CITIES - STAGES[0])
        _each_was_told_once(receiver)
        snapshot = other.folder / "artifacts" / "published" / "champions" / f"{family.slug}.json"
        other.wait_for(snapshot.is_file)


def _each_city_moved_once(database: str, wave: Wave) -> None:
    found = rows(database, f"SELECT id, status FROM registry_promotion WHERE wave_id = {wave.pk}")
    assert {status for _, status in found} == {"applied"}
    assert len(found) == CITIES
    moves = rows(database, "SELECT promotion_id FROM registry_aliasmove WHERE promotion_id IS NOT NULL")
    assert set(Counter(moves).values()) == {1}
    assert {promotion for (promotion,) in moves} >= {promotion for promotion, _ in found}


def _each_was_told_once(receiver: Receiver) -> None:
    """What moved after the backup, signed with the secret of before."""
    ids = [call.headers["x-mlflow-delivery-id"] for call in receiver.calls]
    assert len(ids) == len(set(ids))
    for call in receiver.calls:
        at, said = call.headers["x-mlflow-timestamp"], call.headers["x-mlflow-signature"]
        assert said == signature(SECRET, call.headers["x-mlflow-delivery-id"], at, call.body)


def _grow_older(database: str) -> None:
    """A server that has lived for long has seen many more transactions than one that begins."""
    with closing(psycopg2.connect(database)) as session, session, session.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_auditevent SET transaction = transaction + %s", [OLDER])
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER USER")
        cursor.execute("UPDATE notifications_cursor SET transaction = transaction + %s", [OLDER])


@contextmanager
def _elsewhere(portal: Portal) -> Iterator[Portal]:
    """An empty database, an empty folder and a Valkey of its own, with the same keys."""
    folder = Path(tempfile.mkdtemp(prefix="portal-elsewhere-"))
    folder.chmod(0o711)
    other = Portal(folder, Path(portal.env["PIPELINES_DIR"]), Path(portal.env["PIPELINES_DATA"]))
    other.env |= {"WEBHOOK_SCHEMES": "http,https", "WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8"}
    other.env["ENCRYPTION_KEYS"] = os.environ["ENCRYPTION_KEYS"]  # those that this process has sealed with
    with empty_database(portal.env["DATABASE_URL"]) as other.env["DATABASE_URL"]:
        try:
            yield other
        finally:
            other.stop()
            shutil.rmtree(folder)


@contextmanager
def _served(portal: Portal) -> Iterator[Web]:
    with web_process(portal.folder, **{name: portal.env[name] for name in ("REDIS_URL", "DATABASE_URL")}) as web:
        yield web


def _ask(web: Web, token: str, address: str, body: Mapping[str, object] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    sent = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(f"{web.address}{address}", sent, headers), timeout=60) as said:
        return json.load(said)


def _told(said: str, root: Path) -> list[Path]:
    return [Path(line.partition(": ")[0]) for line in said.splitlines() if line.startswith(str(root))]
