"""Runs over the API: read, paged, filtered, downloaded."""

import base64
import hashlib
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.artifacts.actions import seal
from apps.artifacts.queries import file, local_path
from apps.tracking.actions import log_metrics, log_params, open_run
from apps.tracking.models import Experiment, Run
from tests.artifacts.test_paths import ATTACKS
from tests.conftest import api
from tests.tracking.conftest import AddFile

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(owner: User) -> APIClient:
    return api(owner)


def run_url(run: Run, rest: str = "") -> str:
    return f"/api/v1/runs/{run.pk}/{rest}"


def test_a_run_shows_what_it_was_given_and_what_it_reported(client: APIClient, run: Run, owner: User) -> None:
    log_params(actor=owner, run=run, params={"alpha": "1"})
    log_metrics(actor=owner, run=run, metrics={"mae": 3.5, "loss": math.nan, "up": math.inf, "down": -math.inf})
    shown = client.get(run_url(run)).json()
    assert shown["experiment"] == "eta-trip"
    assert (shown["status"], shown["user"], shown["ended_at"]) == ("RUNNING", "owner", None)
    assert (shown["params"], shown["tags"]) == ({"alpha": "1"}, {"segment": "atlanta"})
    assert shown["reported"] == {"mae": 3.5, "loss": "NaN", "up": "Infinity", "down": "-Infinity"}
    assert shown["files_digest"] == ""


def test_a_sealed_run_shows_the_digest_of_its_files(client: APIClient, run: Run) -> None:
    assert client.get(run_url(run)).json()["files_digest"] == ""
    sealed = seal(tree=run.tree)
    assert client.get(run_url(run)).json()["files_digest"] == sealed.digest


def test_runs_are_paged_the_newest_first(client: APIClient, owner: User, experiment: Experiment) -> None:
    for number in range(3):
        open_run(actor=owner, experiment=experiment, name=f"city {number}", tags={})
    page = client.get("/api/v1/runs/?page_size=2").json()
    assert (page["count"], [run["name"] for run in page["results"]]) == (3, ["city 2", "city 1"])
    assert [run["name"] for run in client.get(page["next"]).json()["results"]] == ["city 0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("experiment=eta-trip", 1),
        ("experiment=other", 0),
        ("status=RUNNING", 1),
        ("status=FAILED", 0),
        ("user=owner", 1),
        ("user=colleague", 0),
    ],
)
def test_runs_are_filtered(client: APIClient, run: Run, query: str, found: int) -> None:
    assert client.get(f"/api/v1/runs/?{query}").json()["count"] == found


@pytest.mark.parametrize(
    "address",
    [
        "runs/?status=DONE",
        "runs/?user=%00",
        "runs/?experiment=%00",
        "runs/?page=0",
        "runs/?page=x",
        f"runs/?page={10**30}",
        "runs/?page_size=-1&page=2",
        "experiments/?name=%00",
        f"experiments/{'9' * 18}/",
        f"experiments/{'9' * 30}/",
        "experiments/x/",
        "runs/xyz/",
        "runs/%00/",
        "runs/%00/files/",
        "runs/%00/files/model.json",
        "runs/xyz/metrics/?key=mae",
        f"runs/{'f' * 32}/",
        f"runs/{'f' * 32}/metrics/",
        f"runs/{'f' * 32}/files/",
        f"runs/{'f' * 32}/files/model.json",
    ],
)
def test_a_bad_address_or_filter_is_the_callers_error(client: APIClient, run: Run, address: str) -> None:
    response = client.get(f"/api/v1/{address}")
    assert response.status_code in (400, 404)


def test_the_history_of_a_metric_is_paged_in_the_order_of_its_steps(client: APIClient, run: Run, owner: User) -> None:
    for step in (2, 0, 1):
        log_metrics(actor=owner, run=run, metrics={"mae": 10.0 - step, "rows": 92}, step=step)
    page = client.get(run_url(run, "metrics/?key=mae&page_size=2")).json()
    assert page["count"] == 3
    assert [(point["step"], point["value"]) for point in page["results"]] == [(0, 10.0), (1, 9.0)]
    assert client.get(run_url(run, "metrics/?key=%00")).status_code == 400


def test_files_are_listed_with_their_digests(client: APIClient, run: Run, add_file: AddFile) -> None:
    add_file("report/plot.svg", b"<svg/>")
    add_file("model.json", b"{}")
    assert client.get(run_url(run, "files/")).json()["results"] == [
        {"path": "model.json", "size": 2, "sha256": hashlib.sha256(b"{}").hexdigest(), "removed_at": None},
        {"path": "report/plot.svg", "size": 6, "sha256": hashlib.sha256(b"<svg/>").hexdigest(), "removed_at": None},
    ]


def test_a_file_comes_as_a_download_that_no_browser_runs(client: APIClient, run: Run, add_file: AddFile) -> None:
    content = b"<script>alert(1)</script>"
    add_file("report/été.html", content)
    response = client.get(run_url(run, "files/report/été.html"))
    assert (response.status_code, response.getvalue()) == (200, content)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''%C3%A9t%C3%A9.html"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Content-Length"] == str(len(content))
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert response["Repr-Digest"] == f"sha-256=:{digest}:"


@pytest.mark.parametrize("path", [path for path in ATTACKS if path and "\ud800" not in path], ids=ascii)
def test_a_path_attack_finds_nothing(client: APIClient, run: Run, add_file: AddFile, path: str) -> None:
    add_file("model.json", b"{}")
    assert client.get(run_url(run, f"files/{quote(path)}")).status_code == 404


@pytest.mark.parametrize("path", ["%2e%2e%2f%2e%2e%2fservices.json", "%252e%252e/x", "%ff", "model.json%00", "%00"])
def test_a_path_attack_in_percent_signs_finds_nothing(
    client: APIClient, run: Run, add_file: AddFile, path: str
) -> None:
    add_file("model.json", b"{}")
    assert client.get(run_url(run, f"files/{path}")).status_code == 404


def test_a_damaged_file_is_unavailable_and_says_why(client: APIClient, run: Run, add_file: AddFile) -> None:
    add_file("model.json", b"{}")
    place = local_path(file(tree=run.tree, path="model.json"))
    place.chmod(0o644)
    place.write_bytes(b"[]")
    response = client.get(run_url(run, "files/model.json"))
    assert response.status_code == 503
    assert "damaged" in response.json()["message"]


@pytest.mark.parametrize("rest", ["", "metrics/", "files/", "files/model.json"])
def test_a_stranger_does_not_learn_that_a_restricted_run_exists(
    restricted: Experiment, run: Run, stranger: User, colleague: User, add_file: AddFile, rest: str
) -> None:
    add_file("model.json", b"{}")
    assert api(colleague).get(run_url(run, rest)).status_code == 200
    hidden = api(stranger).get(run_url(run, rest))
    unknown = api(stranger).get(f"/api/v1/runs/{'f' * 32}/{rest}")
    said = hidden.content.decode().replace(run.pk, "f" * 32)
    assert (hidden.status_code, said) == (unknown.status_code, unknown.content.decode()) == (404, said)


def test_experiments_are_listed_to_those_who_may_see_them(restricted: Experiment, owner: User, stranger: User) -> None:
    page = api(owner).get("/api/v1/experiments/?team=rides-eta&name=ETA").json()
    assert [(one["name"], one["team"], one["created_by"]) for one in page["results"]] == [
        ("eta-trip", "rides-eta", "owner")
    ]
    assert api(owner).get(f"/api/v1/experiments/{restricted.pk}/").json()["visibility"] == "teams"
    assert api(stranger).get("/api/v1/experiments/").json()["count"] == 0
    assert api(stranger).get(f"/api/v1/experiments/{restricted.pk}/").status_code == 404


@pytest.mark.parametrize(
    "address", ["experiments/", "runs/", "runs/{run}/", "runs/{run}/metrics/", "runs/{run}/files/x"]
)
def test_nobody_reads_without_signing_in(run: Run, address: str) -> None:
    assert APIClient().get(f"/api/v1/{address.format(run=run.pk)}").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "address", ["experiments/", "runs/", "runs/{run}/", "runs/{run}/metrics/", "runs/{run}/files/x"]
)
def test_evidence_is_not_written_here(client: APIClient, run: Run, method: str, address: str) -> None:
    assert getattr(client, method)(f"/api/v1/{address.format(run=run.pk)}").status_code == 405


def test_a_page_of_runs_costs_the_same_for_any_number(
    client: APIClient, owner: User, experiment: Experiment, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(20):
        open_run(actor=owner, experiment=experiment, name=f"city {number}", tags={})
    with django_assert_max_num_queries(7):
        assert len(client.get("/api/v1/runs/").json()["results"]) == 20
