"""With the files in S3, through every door: nothing lies on this machine's disk, large files come from S3 itself."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.artifacts.store import default_store
from apps.platforms.s3 import Place, place
from apps.registry.actions.snapshots import publish_snapshots, want_snapshot
from apps.registry.models import ModelFamily, ModelVersion, Segment
from apps.registry.queries.snapshots import signed_snapshot
from tests.conftest import api, signed_in
from tests.registry.conftest import MakeVersion
from tests.s3_server import Answering, keys_in, moto_server, place_of_its_own, refusal, settings_for

pytestmark = pytest.mark.django_db
LARGE = "0123456789" * 10


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def files_place(s3: str, settings: Settings, tmp_path: Path) -> Place:
    """The portal's files lie there, its own folder is empty; files of 50 bytes count as large."""
    made = place_of_its_own(s3)
    settings.VAR_DIR, settings.ARTIFACT_LINK_BYTES = tmp_path / "empty", 50
    for name, value in settings_for(made).items():
        setattr(settings, name, value)
    return made


@pytest.fixture
def version(files_place: Place, atlanta: Segment, make_version: MakeVersion) -> ModelVersion:
    return make_version(atlanta, files={"large.bin": LARGE})


def doors(version: ModelVersion, path: str) -> list[str]:
    return [
        f"/api/v1/versions/{version.pk}/files/{path}",
        f"/api/2.0/mlflow-artifacts/artifacts/versions/{version.pk}/{path}",
    ]


def test_a_small_file_is_sent_and_a_large_one_is_fetched_from_s3_at_every_door(
    version: ModelVersion, files_place: Place, owner: User, tmp_path: Path
) -> None:
    for address in doors(version, "model.json"):
        answer = api(owner).get(address)
        assert (answer.status_code, b"".join(answer.streaming_content)) == (200, b"{}")  # type: ignore[attr-defined]
    for address in doors(version, "large.bin"):
        answer = api(owner).get(address)
        assert (answer.status_code, answer["Cache-Control"]) == (302, "no-store, private")
        assert answer["Location"].startswith(f"{files_place.endpoint}/{files_place.bucket}/portal/sha256/")
        with urllib.request.urlopen(answer["Location"]) as fetched:
            assert fetched.read().decode() == LARGE
            assert fetched.headers["Content-Disposition"] == "attachment; filename*=UTF-8''large.bin"
            assert fetched.headers["Content-Type"] == "application/octet-stream"
    assert files_place.secret not in repr(files_place)
    assert not (tmp_path / "empty").exists()


def test_nobody_gets_an_address_who_may_not_see_the_version(
    version: ModelVersion, family: ModelFamily, stranger: User
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(visibility="teams")
    for address in doors(version, "large.bin"):
        assert Client().get(address).status_code == 401
        answer = api(stranger).get(address)
        assert answer.status_code == 404
        assert "X-Amz" not in repr(dict(answer.items())) + answer.content.decode()


def test_a_part_of_a_file_is_read_from_s3_alone(
    version: ModelVersion, files_place: Place, owner: User, settings: Settings
) -> None:
    settings.ARTIFACT_LINK_BYTES = 0
    address = doors(version, "large.bin")[1]
    answer = api(owner).get(address, headers={"range": "bytes=3-6"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, b"3456")  # type: ignore[attr-defined]


def test_pages_and_snapshot_read_from_s3(
    version: ModelVersion, files_place: Place, family: ModelFamily, owner: User
) -> None:
    page = signed_in(owner).get(f"/m/{family.slug}/atlanta/v{version.number}/?file=model.json", follow=True)
    assert page.status_code == 200
    want_snapshot(family=family)
    publish_snapshots()
    assert f"published/champions/{family.slug}.json" in keys_in(files_place)
    assert default_store().published(f"champions/{family.slug}.json") == signed_snapshot(family)


@pytest.mark.parametrize("answer", [Answering(503, refusal("SlowDown")), Answering(403, refusal("AccessDenied"))])
def test_while_s3_is_away_every_door_says_to_try_again(
    version: ModelVersion, owner: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: Answering
) -> None:
    monkeypatch.setattr(place, "TRIES", 1)
    own: dict[str, Any] = settings.S3
    with answer.served() as broken:
        settings.S3 = own | {"endpoint": broken}
        for address in doors(version, "model.json"):
            said = api(owner).get(address)
            assert (said.status_code, said["Retry-After"]) == (503, "5")
            assert "The file store does" in said.content.decode()
            assert broken not in said.content.decode()
        sent = api(owner).put(
            "/api/2.0/mlflow-artifacts/artifacts/uploads/7f0f2c7e-5f0e-4f0e-8f0e-0f0e0f0e0f0e/a",
            data=b"x",
            content_type="application/octet-stream",
        )
        assert sent.status_code == 503
    settings.S3 = own
    assert api(owner).get(doors(version, "model.json")[0]).status_code == 200
