"""The artifact proxy, call by call: what goes in comes out, and nothing else does."""

import json
import uuid
from typing import Any

import pytest

from apps.accounts.models import User
from apps.artifacts.actions import seal
from apps.artifacts.models import Blob, TreeFile
from apps.tracking.models import Run
from tests.mlflow_protocol.conftest import PREFIXES, Mlflow, Speak, refusal

pytestmark = pytest.mark.django_db
HOSTILE = [
    *("../secret", "a/../../secret", "..", ".", "/etc/passwd", "//etc/passwd", "a//b", "a/./b", "C:/windows", "c:x"),
    *("..\\secret", "a\\b", "a/%2e%2e/b", "%2e%2e/%2e%2e/etc/passwd", "%252e%252e/etc", "..%2f..%2fetc%2fpasswd"),
    *(
        "..%252f..%252fetc%252fpasswd",
        "%2fetc%2fpasswd",
        "%255c..%255cx",
        "a%23b",
        "nul%00",
        "new%0aline",
        "x" * 300,
    ),
    *("%E2%80%AE", "~/../x", "a/..", "%25252e%25252e%25252fetc"),
]


@pytest.fixture
def owners(owner: User, speak: Speak) -> Mlflow:
    return speak(owner)


@pytest.fixture
def root(owners: Mlflow) -> str:
    """The address of a new run's files."""
    run = owners.post("runs/create", experiment_id="0")[1]["run"]["info"]
    return str(run["artifact_uri"]).removeprefix("http://testserver")


def put(client: Mlflow, address: str, content: bytes) -> tuple[int, Any]:
    return client.answered(client.send("PUT", address, content, content_type="text/plain"))


def got(client: Mlflow, address: str, **headers: Any) -> Any:
    return client.send("GET", address, **headers)


def test_a_file_comes_back_as_it_was_sent(owners: Mlflow, root: str) -> None:
    assert put(owners, f"{root}/model/MLmodel", b"flavors: {}") == (200, {})
    answer = got(owners, f"{root}/model/MLmodel")
    assert b"".join(answer.streaming_content) == b"flavors: {}"
    assert (answer["Content-Type"], answer["Content-Length"]) == ("text/plain", "11")
    assert answer["Content-Disposition"] == 'attachment; filename="MLmodel"'
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "kind"), [("page.html", "text/plain"), ("x.svg", "text/plain"), ("m.pkl", "application/octet-stream")]
)
def test_no_file_is_something_that_a_browser_runs(owners: Mlflow, root: str, name: str, kind: str) -> None:
    put(owners, f"{root}/{name}", b"<script>alert(1)</script>")
    answer = got(owners, f"{root}/{name}")
    assert answer["Content-Type"] == kind
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("wanted", "status", "bytes_"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-", 416, b""),
        ("bytes=5-2", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
    ],
)
def test_a_range_of_bytes_is_answered(owners: Mlflow, root: str, wanted: str, status: int, bytes_: bytes) -> None:
    put(owners, f"{root}/digits.txt", b"0123456789")
    answer = got(owners, f"{root}/digits.txt", range=wanted)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert (answer.status_code, body) == (status, bytes_)


def test_folders_are_listed_one_level_at_a_time(owners: Mlflow, root: str) -> None:
    for path in ("b.txt", "model/MLmodel", "model/data/w.bin", "a.txt"):
        put(owners, f"{root}/{path}", b"12345")
    base, _, within = root.partition("/mlflow-artifacts/artifacts/")
    listed = f"{base}/mlflow-artifacts/artifacts"
    assert owners.get(listed, path=within)[1]["files"] == [
        {"path": "a.txt", "is_dir": False, "file_size": 5},
        {"path": "b.txt", "is_dir": False, "file_size": 5},
        {"path": "model", "is_dir": True},
    ]
    assert [one["path"] for one in owners.get(listed, path=f"{within}/model")[1]["files"]] == ["MLmodel", "data"]
    assert owners.get(listed, path=f"{within}/a.txt")[1]["files"] == [
        {"path": "a.txt", "is_dir": False, "file_size": 5}
    ]
    for nowhere in (f"{within}/none", "none", "", "/"):
        assert owners.get(listed, path=nowhere) == (200, {})
    run_id = within.split("/")[1]
    whole = owners.get("artifacts/list", run_id=run_id, path="model")[1]
    assert [one["path"] for one in whole["files"]] == ["model/MLmodel", "model/data"]
    assert whole["root_uri"].endswith(root)


def test_the_same_bytes_are_stored_once_and_a_path_has_the_newest(owners: Mlflow, root: str) -> None:
    for path, content in (("a", b"same"), ("b", b"same"), ("a", b"newer")):
        assert put(owners, f"{root}/{path}", content)[0] == 200
    assert b"".join(got(owners, f"{root}/a").streaming_content) == b"newer"
    assert (Blob.objects.count(), TreeFile.objects.count()) == (2, 2)


def test_files_and_folders_are_deleted(owners: Mlflow, root: str) -> None:
    for path in ("a", "model/x", "model/y", "models"):
        put(owners, f"{root}/{path}", b"1")
    for path in ("a", "model", "none"):
        assert owners.delete(f"{root}/{path}") == (200, {})
    assert list(TreeFile.objects.values_list("path", flat=True)) == ["models"]


def test_a_sealed_run_takes_nothing_and_loses_nothing(owners: Mlflow, root: str) -> None:
    put(owners, f"{root}/a", b"1")
    seal(tree=Run.objects.get().tree)
    assert refusal(put(owners, f"{root}/a", b"2")) == (409, "RESOURCE_CONFLICT")
    assert refusal(owners.delete(f"{root}/a")) == (409, "RESOURCE_CONFLICT")
    assert b"".join(got(owners, f"{root}/a").streaming_content) == b"1"


def test_a_file_can_not_be_a_folder_too(owners: Mlflow, root: str) -> None:
    put(owners, f"{root}/model/x", b"1")
    assert refusal(put(owners, f"{root}/model", b"1")) == (400, "INVALID_PARAMETER_VALUE")


def test_an_upload_that_breaks_off_leaves_nothing(owners: Mlflow, root: str) -> None:
    from django.test import RequestFactory

    from apps.mlflow_protocol.web import protocol

    request = RequestFactory(headers={"authorization": owners.authorization}).put(f"{root}/a", b"12345")
    request.META["CONTENT_LENGTH"] = "50"
    request.META["wsgi.input"] = type("Cut", (), {"read": lambda self, size, left=[b"12345", b""]: left.pop(0)})()
    answer = protocol(request)
    assert answer.status_code == 400
    assert "broke off after 5 of 50 bytes" in json.loads(answer.content)["message"]  # type: ignore[attr-defined]
    assert not TreeFile.objects.exists()


def test_a_file_over_the_limit_is_refused(owners: Mlflow, root: str, settings: Any) -> None:
    settings.ARTIFACT_BYTES = 4
    assert put(owners, f"{root}/a", b"12345")[0] == 413
    assert put(owners, f"{root}/a", b"1234")[0] == 200


def test_an_upload_is_its_uploader_s_alone(owners: Mlflow, stranger: User, speak: Speak) -> None:
    address = f"/api/2.0/mlflow-artifacts/artifacts/uploads/{uuid.uuid4()}"
    assert put(owners, f"{address}/MLmodel", b"x") == (200, {})
    assert b"".join(got(owners, f"{address}/MLmodel").streaming_content) == b"x"
    other = speak(stranger)
    assert got(other, f"{address}/MLmodel").status_code == 404
    assert put(other, f"{address}/MLmodel", b"y")[0] == 404
    assert other.delete(f"{address}/MLmodel")[0] == 404
    assert owners.delete(address)[0] == 200


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_climbs_out_of_its_run_however_it_is_written(
    owners: Mlflow, root: str, method: str, prefix: str
) -> None:
    put(owners, f"{root}/a", b"1")
    before = list(TreeFile.objects.values_list("path", "blob_id"))
    for path in HOSTILE:
        for address in (f"{root}/{path}", f"/api/2.0/mlflow-artifacts/artifacts/{path}"):
            answer = owners.send(method, prefix + address.removeprefix("/api"), b"evil", content_type="text/plain")
            assert answer.status_code in (400, 404), (method, address)
            assert json.loads(answer.content)["message"]
    assert list(TreeFile.objects.values_list("path", "blob_id")) == before


@pytest.mark.parametrize("path", HOSTILE)
def test_no_listing_climbs(owners: Mlflow, root: str, path: str) -> None:
    put(owners, f"{root}/a", b"1")
    within = root.partition("/mlflow-artifacts/artifacts/")[2]
    run_id = within.split("/")[1]
    for status, body in (
        owners.get("/api/2.0/mlflow-artifacts/artifacts", path=path),
        owners.get("/api/2.0/mlflow-artifacts/artifacts", path=f"{within}/{path}"),
        owners.get("artifacts/list", run_id=run_id, path=path),
    ):
        assert status == 400 or not body.get("files"), (path, body)


def test_others_read_a_run_s_files_but_do_not_write_them(
    owners: Mlflow, root: str, colleague: User, stranger: User, speak: Speak
) -> None:
    put(owners, f"{root}/a", b"1")
    for person in (colleague, stranger):
        other = speak(person)
        assert b"".join(got(other, f"{root}/a").streaming_content) == b"1"
        assert refusal(put(other, f"{root}/a", b"2")) == (403, "PERMISSION_DENIED")
        assert refusal(other.delete(f"{root}/a")) == (403, "PERMISSION_DENIED")


def test_a_token_that_only_reads_does_not_write(owner: User, root: str, speak: Speak) -> None:
    reader = speak(owner, scope=["read"])
    assert refusal(put(reader, f"{root}/a", b"1")) == (403, "PERMISSION_DENIED")
    assert refusal(put(reader, f"/api/2.0/mlflow-artifacts/artifacts/uploads/{uuid.uuid4()}/a", b"1"))[0] == 403
