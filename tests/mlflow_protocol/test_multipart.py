"""Files in parts, call by call: only whoever may write there sends them, and the file appears whole or not at all."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from apps.accounts.models import User
from apps.mlflow_protocol.artifacts.multipart import VALID_SECONDS
from tests.mlflow_protocol.conftest import Mlflow, Speak, refusal

pytestmark = pytest.mark.django_db
MPU = "/api/2.0/mlflow-artifacts/mpu"


@pytest.fixture
def owners(owner: User, speak: Speak) -> Mlflow:
    return speak(owner)


@pytest.fixture
def folder(owners: Mlflow) -> str:
    """`<experiment>/<run>/artifacts` of a new run."""
    run = owners.post("runs/create", experiment_id="0")[1]["run"]["info"]
    return str(run["artifact_uri"]).partition("/mlflow-artifacts/artifacts/")[2]


def begun(client: Mlflow, folder: str, parts: int = 2) -> dict[str, Any]:
    status, body = client.post(f"{MPU}/create/{folder}", path="/home/me/weights.bin", num_parts=parts)
    assert status == 200, body
    return body  # type: ignore[no-any-return]


def sent(upload: dict[str, Any], content: bytes, number: int) -> dict[str, Any]:
    """What the client says of a part: it sends it without its token, as to a store of a cloud."""
    url = upload["credentials"][number - 1]["url"].removeprefix("http://testserver")
    answer = Client(enforce_csrf_checks=True).put(url, content, content_type="application/octet-stream")
    assert answer.status_code == 200, answer.content
    return {"part_number": number, "etag": answer["ETag"], "url": url}


def end(client: Mlflow, step: str, folder: str, upload: dict[str, Any], **more: object) -> tuple[int, Any]:
    return client.post(f"{MPU}/{step}/{folder}", path="weights.bin", upload_id=upload["upload_id"], **more)


def content(client: Mlflow, folder: str) -> bytes:
    answer = client.send("GET", f"/api/2.0/mlflow-artifacts/artifacts/{folder}/weights.bin")
    return b"".join(answer.streaming_content) if answer.status_code == 200 else b""


def incoming() -> list[Path]:
    return list((settings.VAR_DIR / "artifacts" / "incoming").iterdir())


def test_parts_become_one_file_in_the_order_of_their_numbers(owners: Mlflow, folder: str) -> None:
    upload = begun(owners, folder)
    assert [one["part_number"] for one in upload["credentials"]] == [1, 2]
    second, first = sent(upload, b"two", 2), sent(upload, b"one", 1)
    assert content(owners, folder) == b""
    assert end(owners, "complete", folder, upload, parts=[second, first]) == (200, {})
    assert content(owners, folder) == b"onetwo"
    assert incoming() == []


def test_an_upload_that_is_broken_off_leaves_nothing(owners: Mlflow, folder: str) -> None:
    upload = begun(owners, folder)
    first = sent(upload, b"one", 1)
    assert end(owners, "abort", folder, upload) == (200, {})
    assert incoming() == []
    assert refusal(end(owners, "complete", folder, upload, parts=[first])) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert content(owners, folder) == b""


def test_only_its_own_upload_makes_its_own_file(
    owners: Mlflow, folder: str, owner: User, colleague: User, speak: Speak
) -> None:
    upload = begun(owners, folder)
    part = sent(upload, b"one", 1)
    assert refusal(end(speak(colleague), "complete", folder, upload, parts=[part]))[0] == 404
    assert refusal(end(owners, "complete", f"{folder}/deeper", upload, parts=[part]))[0] == 404
    assert refusal(end(owners, "complete", folder, {"upload_id": "made up"}, parts=[part]))[0] == 403
    ticket = upload["credentials"][0]["url"].rpartition("/")[2]
    assert refusal(end(owners, "complete", folder, {"upload_id": ticket}, parts=[part]))[0] == 403
    for wrong in ("", "../x", "a" * 64, "A" * 64):
        assert refusal(end(owners, "complete", folder, upload, parts=[{**part, "etag": wrong}]))[0] in (400, 404)
    assert end(owners, "complete", folder, upload, parts=[part]) == (200, {})


def test_who_may_not_write_there_is_told_before_a_byte_is_sent(
    owners: Mlflow, folder: str, owner: User, stranger: User, speak: Speak
) -> None:
    def refused(client: Mlflow, folder: str = folder, **fields: object) -> int:
        return refusal(client.post(f"{MPU}/create/{folder}", **{"path": "x", "num_parts": 1, **fields}))[0]

    assert refused(speak(owner, scope=["read"])) == 403
    assert refused(speak(stranger)) in (403, 404)
    assert refused(owners, f"uploads/{uuid.uuid4()}x") == 404
    assert [refused(owners, num_parts=count) for count in (0, -1, 10_001)] == [400] * 3
    assert refused(owners, path="..") == 400


@pytest.mark.parametrize("ticket", ["made-up", "x:y:z"])
def test_an_address_that_nobody_gave_takes_no_part(ticket: str) -> None:
    answer = Client().put(f"/artifact-parts/{ticket}", b"x", content_type="text/plain")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_an_address_takes_parts_for_a_day_and_does_nothing_else(
    owners: Mlflow, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = begun(owners, folder)["credentials"][0]["url"].removeprefix("http://testserver")
    assert [Client().generic(method, url).status_code for method in ("GET", "POST", "DELETE")] == [404] * 3
    long_ago = signing.b62_encode(int(time.time()) - VALID_SECONDS - 1)
    monkeypatch.setattr(signing.TimestampSigner, "timestamp", lambda signer: long_ago)
    old = begun(owners, folder)["credentials"][0]["url"].removeprefix("http://testserver")
    assert Client().put(old, b"x").status_code == 403
