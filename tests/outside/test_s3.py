"""Files in an S3 server that checks signatures, rclone’s over a folder; a model’s whole way with its files there."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import mlflow
import pandas as pd
import pytest
from pytest_django import Settings
from sklearn.linear_model import LinearRegression

from apps.accounts.actions import create_token
from apps.accounts.models import User
from apps.artifacts.store import LocalStore, S3Store
from apps.core.errors import Unavailable
from apps.core.permissions import scopes
from apps.platforms.local import LocalRunner
from apps.platforms.s3 import Bucket, Place
from apps.platforms.s3.place import client_of
from apps.registry.actions import propose, publish_snapshots, request_evaluations
from apps.registry.actions.snapshots import want_snapshot
from apps.registry.evaluating import evaluate_batch
from apps.registry.models import Alias, Evaluation, ModelFamily, ModelVersion
from portal.local.ports import LOOPBACK, free_port
from tests.registry import conftest as registry
from tests.registry.test_back_doors_of_evidence import EVALUATOR
from tests.registry.test_evaluations import JULY
from tests.s3_server import KEY_ID, SECRET, keys_in, place_of_its_own, settings_for
from tests.served import PATIENCE_SECONDS, ROOT, Web, web_process

pytestmark = pytest.mark.django_db(transaction=True)
family = registry.family
MEGABYTE = 1024**2
RCLONE = (str(ROOT / ".venv-outside" / "bin" / "rclone"), "rclone")


def rclone() -> str:
    """One that can serve S3: distributions ship some that can not."""
    for name in RCLONE:
        program = shutil.which(name)
        if program and subprocess.run([program, "serve", "s3", "--help"], capture_output=True).returncode == 0:
            return program
    pytest.skip("There is no rclone of 1.65 or newer here; `make test-outside` installs one.")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that lets in one key."""
    folder, port = tmp_path_factory.mktemp("s3"), free_port()
    argv = [rclone(), "serve", "s3", str(folder), "--addr", f"{LOOPBACK}:{port}", "--auth-key", f"{KEY_ID},{SECRET}"]
    started = subprocess.Popen([*argv, "--config", os.devnull, "--log-level", "ERROR"])
    try:
        _wait_for(f"http://{LOOPBACK}:{port}", started)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        started.terminate()
        started.wait(PATIENCE_SECONDS)


def _wait_for(address: str, started: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _status(address) == 0:
        assert started.poll() is None, f"rclone ended with {started.returncode}"
        assert time.monotonic() < deadline, "rclone does not answer"
        time.sleep(0.05)


def _status(address: str) -> int:
    """Of a plain GET, which follows no redirect; 0 where nobody answers."""
    try:
        with urllib.request.build_opener(_Stay).open(address, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *what: Any) -> None:
        return None


@pytest.fixture
def place(s3: str) -> Place:
    return place_of_its_own(s3)


def store_in(place: Place, tmp_path: Path, seconds: int = 60) -> S3Store:
    return S3Store(Bucket(place), LocalStore(tmp_path / "cache"), 1, seconds, part_bytes=5 * MEGABYTE)


def test_files_of_any_size_go_there_and_come_back(place: Place, tmp_path: Path) -> None:
    store = store_in(place, tmp_path)
    for size in (0, 9, 5 * MEGABYTE, 11 * MEGABYTE):
        content = os.urandom(size)
        stored = store.put(io.BytesIO(content))
        assert store.local_path(stored.sha256).read_bytes() == content
        with store.open(stored.sha256) as file:
            file.seek(size // 2)
            assert file.read(7) == content[size // 2 :][:7]
    parts = [os.urandom(5 * MEGABYTE), os.urandom(3)]
    names = [store.put_part("upload", io.BytesIO(part)).sha256 for part in parts]
    joined = store.put(store.open_parts("upload", names))
    store.drop_parts("upload")  # rclone copies no parts, so they were sent again
    assert store.local_path(joined.sha256).read_bytes() == b"".join(parts)
    store.tidy()
    assert len(keys_in(place)) == len(list(store.names())) == 5


def test_only_the_right_key_is_let_in(place: Place, tmp_path: Path) -> None:
    store_in(place, tmp_path).reach()
    for wrong in (replace(place, secret="another"), replace(place, key_id="ANOTHERKEYID00000000")):
        with pytest.raises(Unavailable, match="does not let the portal in"):
            store_in(wrong, tmp_path).put(io.BytesIO(b"bytes"))


def test_an_address_is_good_for_its_file_and_its_time_alone(place: Place, tmp_path: Path) -> None:
    store = store_in(place, tmp_path)
    mine, other = (store.put(io.BytesIO(content)).sha256 for content in (b"mine", b"other"))
    address = store.link(mine, name="model/mine.bin", size=4)
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"mine"
    key = f"sha256/{mine[:2]}/{mine}"
    for tampered in (
        address.replace(key, f"sha256/{other[:2]}/{other}"),
        address.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        address.replace("mine.bin", "mine.html"),
        address.partition("?")[0],
    ):
        assert tampered != address
        assert _status(tampered) in (400, 403)
    short = store_in(place, tmp_path, seconds=1).link(mine, name="mine", size=4)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _status(short) == 200:
        assert time.monotonic() < deadline, "the address never ends"
        time.sleep(0.2)
    assert _status(short) in (400, 403)


@pytest.fixture
def portal(place: Place, settings: Settings, tmp_path: Path) -> Iterator[Web]:
    """A web process and this one, each with an empty folder of its own; what lies in S3 is all they share."""
    own = settings_for(place)
    settings.ARTIFACT_STORE, settings.S3, settings.VAR_DIR = own["ARTIFACT_STORE"], own["S3"], tmp_path / "worker"
    with web_process(tmp_path / "web", **in_environment(place)) as web:
        yield web


def in_environment(place: Place) -> dict[str, str]:
    return {
        "ARTIFACT_STORE": str(place),
        "S3_ENDPOINT_URL": place.endpoint,
        "S3_ACCESS_KEY_ID": place.key_id,
        "S3_SECRET_ACCESS_KEY": place.secret,
        "ARTIFACT_LINK_MEGABYTES": "1",
    }


def speak_as(user: User, web: Web, monkeypatch: pytest.MonkeyPatch) -> str:
    """MLflow's client from now on; answers the token."""
    token = create_token(actor=user, name=f"client {uuid4()}", scopes=scopes()).secret
    chosen = {
        "MLFLOW_TRACKING_URI": web.address,
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(6 * MEGABYTE),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(5 * MEGABYTE),
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(web.address)
    mlflow.set_experiment(experiment_id="0")
    return token


def test_a_model_goes_its_whole_way_and_no_disk_but_s3_keeps_its_files(
    portal: Web,
    place: Place,
    family: ModelFamily,
    owner: User,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(tier=4)
    family.gates.all().delete()
    token = speak_as(owner, portal, monkeypatch)
    weights = tmp_path / "weights.bin"
    weights.write_bytes(os.urandom(11 * MEGABYTE))
    rows = pd.DataFrame({"distance_mi": [100.0, 200.0, 50.0], "hour": [1.0, 2.0, 5.0]})
    with mlflow.start_run() as run:
        model = LinearRegression().fit(rows, 1 + 2 * rows["distance_mi"] + 3 * rows["hour"])
        mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name="eta-trip.atlanta",
            input_example=rows,
            skops_trusted_types=[],
        )
        mlflow.log_artifact(str(weights))
    address = f"{portal.address}/api/v1/runs/{run.info.run_id}/files/weights.bin"
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(urllib.error.HTTPError) as redirected:
        urllib.request.build_opener(_Stay).open(asked)
    assert redirected.value.code == 302
    assert redirected.value.headers["Location"].startswith(place.endpoint)
    with web_process(tmp_path / "another", **in_environment(place)) as another:
        speak_as(owner, another, monkeypatch)
        got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="weights.bin")
        assert Path(got).read_bytes() == weights.read_bytes()
        loaded = mlflow.pyfunc.load_model("models:/eta-trip.atlanta/1")
        assert loaded.predict(rows).tolist() == pytest.approx([204.0, 407.0, 116.0])
    version = ModelVersion.objects.get()
    evaluated = evaluate(version, owner, settings, tmp_path)
    assert (evaluated.status, evaluated.reason) == ("done", "")
    propose(actor=owner, family=family, versions=[version], reason="the first one")
    assert Alias.objects.get(name="champion").version == version
    want_snapshot(family=family)
    publish_snapshots()
    assert f"published/champions/{family.slug}.json" in keys_in(place)
    for folder in (portal.folder, another.folder, settings.VAR_DIR):
        assert not (folder / "artifacts").exists()


def evaluate(version: ModelVersion, owner: User, settings: Settings, tmp_path: Path) -> Evaluation:
    script = tmp_path / "evaluator.py"
    script.write_text(EVALUATOR)
    settings.EVALUATORS = {"eta": {"script": script, "data": None, "preload": ["numpy", "pandas"]}}
    runner = LocalRunner(tmp_path / "scratch", beat_every=0.5)
    request_evaluations(actor=owner, family=version.model.its_family, candidates=[version], **JULY)
    while evaluate_batch(runner=runner):
        pass
    runner.close()
    return Evaluation.objects.get(candidate=version)


def test_a_bucket_that_is_gone_is_told(place: Place, tmp_path: Path) -> None:
    client_of(place).delete_bucket(Bucket=place.bucket)
    with pytest.raises(Unavailable, match="does not let the portal in"):
        store_in(place, tmp_path).reach()
