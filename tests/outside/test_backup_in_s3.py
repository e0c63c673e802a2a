"""`manage.py backup` into a bucket and `manage.py restore` out of it, as commands, into an empty database and folder:
S3 is rclone's server, which checks signatures, and what comes back is what was there.
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.artifacts.models import Blob
from apps.backups.in_s3 import backups_in
from apps.core.permissions import scopes
from apps.platforms.s3 import Place
from apps.registry.models import ModelFamily, ModelVersion, Segment
from tests.elsewhere import empty_database, kept, manage, rows
from tests.outside.test_s3 import place, s3
from tests.registry import conftest as registry
from tests.registry.conftest import MakeVersion
from tests.served import ROOT, database_url, web_process

__all__ = ["place", "s3"]
pytestmark = pytest.mark.django_db(transaction=True)
atlanta, boston, evaluate, family = registry.atlanta, registry.boston, registry.evaluate, registry.family
make_champion, make_version = registry.make_champion, registry.make_version
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"


def counts(database: str) -> dict[str, int]:
    """How many rows each table has."""
    return {name: rows(database, f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in rows(database, TABLES)}


def environment(database: str, folder: Path, place: Place) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database,
        "REDIS_URL": os.environ["REDIS_URL"],
        "ENCRYPTION_KEYS": os.environ["ENCRYPTION_KEYS"],
        "SECRET_KEY": "only-for-this-test-" * 3,
        "PORTAL_LOCAL": "1",
        "VAR_DIR": str(folder),
        "S3_ENDPOINT_URL": place.endpoint,
        "S3_ACCESS_KEY_ID": place.key_id,
        "S3_SECRET_ACCESS_KEY": place.secret,
    }


def test_a_portal_comes_back_whole_from_a_bucket(
    place: Place,
    family: ModelFamily,
    atlanta: Segment,
    boston: Segment,
    make_champion: MakeVersion,
    owner: User,
    settings: Settings,
    tmp_path: Path,
) -> None:
    lost, found = tmp_path / "lost", tmp_path / "found"
    settings.VAR_DIR = lost
    champions = [make_champion(city, content=json.dumps({"of": city.slug})) for city in (atlanta, boston, boston)]
    token = create_token(actor=owner, name="of before", scopes=scopes()).secret
    before, known = kept(database_url()), counts(database_url())
    here = environment(database_url(), lost, place)
    manage(here, "backup", f"{place}/backups")
    settings.S3 = {"endpoint": place.endpoint, "key_id": place.key_id, "secret": place.secret, "style": "path"}
    (name,) = backups_in(place.below("backups"))
    with empty_database(database_url()) as database:
        there = environment(database, found, place)
        said = manage(there, "restore", f"{place}/backups/{name}")
        assert "Restored " in said
        assert {table: count for table, count in counts(database).items() if known[table] != count} == {}
        assert kept(database) == before
        assert "has tables already" in manage(there, "restore", f"{place}/backups/{name}", fails=True)
        stored = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files_in(found)}
        assert stored.keys() == set(Blob.objects.values_list("sha256", flat=True))
        assert all(name == digest for name, digest in stored.items())
        with web_process(found, DATABASE_URL=database) as web:
            for version in champions:
                assert read(f"{web.address}/api/v1/versions/{version.pk}/files/model.json", token) == {
                    "of": version.model.its_segment.slug
                }
        assert ModelVersion.objects.count() == 3


def files_in(folder: Path) -> list[Path]:
    return [path for path in (folder / "artifacts" / "sha256").rglob("*") if path.is_file()]


def read(address: str, token: str) -> Any:
    with urllib.request.urlopen(
        urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"}), timeout=60
    ) as answer:
        return json.load(answer)
