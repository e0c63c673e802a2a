"""An S3 server that is away, full, slow to its end or says no: each a sentence, never a traceback."""

from __future__ import annotations

import hashlib
import io
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.artifacts.store import LocalStore, S3Store
from apps.core.errors import PortalError, Unavailable
from apps.platforms.s3 import Bucket, Place, place
from tests.artifacts.disks import MEGABYTE
from tests.s3_server import SECRET, Answering, refusal

AWAY, CLOSED, FULL = "does not answer now", "does not let the portal in", "The file store is full"
LARGE = 9 * MEGABYTE


@pytest.fixture(autouse=True)
def _no_second_try(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waiting between tries is botocore's; each test would take seconds."""
    monkeypatch.setattr(place, "TRIES", 1)
    monkeypatch.setattr(place, "READ_SECONDS", 1)
    yield
    place._client.cache_clear()


def store_at(endpoint: str, tmp_path: Path) -> S3Store:
    there = Place("files", "", endpoint, "", "path", "PORTALTESTKEYID00000", SECRET)
    return S3Store(Bucket(there), LocalStore(tmp_path / "cache"), part_bytes=MEGABYTE)


VERBS: dict[str, Callable[[S3Store], object]] = {
    "put": lambda store: store.put(io.BytesIO(b"bytes")),
    "put in parts": lambda store: store.put(io.BytesIO(bytes(MEGABYTE))),
    "put a part": lambda store: store.put_part("upload", io.BytesIO(b"bytes")),
    "join parts": lambda store: store.put(store.open_parts("upload", ["a" * 64])),
    "drop parts": lambda store: store.drop_parts("upload"),
    "open": lambda store: store.open("a" * 64),
    "local path": lambda store: store.local_path("a" * 64),
    "publish": lambda store: store.publish("name", b"bytes"),
    "published": lambda store: store.published("name"),
    "tidy": lambda store: store.tidy(),
    "reach": lambda store: store.reach(),
}
ANSWERS = [
    (503, "SlowDown", AWAY),
    (500, "InternalError", AWAY),
    (429, "TooManyRequests", AWAY),
    (400, "MalformedXML", AWAY),
    (403, "AccessDenied", CLOSED),
    (403, "InvalidAccessKeyId", CLOSED),
    (403, "RequestTimeTooSkewed", CLOSED),
    (400, "ExpiredToken", CLOSED),
    (401, "Unauthorized", CLOSED),
    (404, "NoSuchBucket", CLOSED),
    (507, "XMinioStorageFull", FULL),
    (403, "QuotaExceeded", FULL),
]


@pytest.mark.parametrize(("status", "code", "sentence"), ANSWERS)
def test_what_the_server_says_becomes_one_sentence_at_every_verb(
    tmp_path: Path, status: int, code: str, sentence: str
) -> None:
    with Answering(status, refusal(code)).served() as endpoint:
        store = store_at(endpoint, tmp_path)
        for verb in VERBS.values():
            with pytest.raises(Unavailable, match=sentence) as refused:
                verb(store)
            assert endpoint not in refused.value.message


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_nobody_there_is_said_so(tmp_path: Path, verb: Callable[[S3Store], object]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match=AWAY):
            verb(store_at(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path))


def test_an_answer_that_never_comes_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match=AWAY):
        store_at(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path).open("a" * 64)


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_download_that_breaks_off_is_never_taken_for_the_end(tmp_path: Path, size: int) -> None:
    whole = os.urandom(size)
    with Answering(200, whole[: size - 3], length=size).served() as endpoint:
        store = store_at(endpoint, tmp_path)
        for read in (store.check, store.local_path):
            with pytest.raises(Unavailable, match=AWAY):
                read(hashlib.sha256(whole).hexdigest())
    assert list(store.cache.names()) == []


def test_without_any_credential_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = S3Store(Bucket(Place("files", endpoint="http://127.0.0.1:9")), LocalStore(tmp_path / "cache"))
    with pytest.raises(PortalError, match=CLOSED):
        store.reach()
