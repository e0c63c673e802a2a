"""What every door shares: sign-in first, health, errors in the accent of the door."""

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.core import heartbeats
from tests.conftest import api, signed_in


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_health_needs_no_sign_in(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.django_db
def test_a_page_without_sign_in_leads_to_the_sign_in_and_back(client: Client) -> None:
    response = client.get("/accounts/profile/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/sign-in/?next=/accounts/profile/"


def test_the_api_without_a_token_says_how_to_get_in(client: Client) -> None:
    response = client.get("/api/v1/me/")
    assert response.status_code == 401
    assert response.json()["code"] == "unauthenticated"
    assert response["WWW-Authenticate"] == "Bearer"


def test_an_unknown_api_address_is_json(owner: User) -> None:
    response = api(owner).get("/api/v1/nothing-here/")
    assert (response.status_code, response.json()["code"]) == (404, "missing")


def test_an_unknown_page_is_a_sentence(owner: User) -> None:
    response = signed_in(owner).get("/nothing-here/")
    assert response.status_code == 404
    assert "nothing at this address" in response.content.decode()


def test_a_form_of_an_older_session_says_so(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/accounts/profile/", {"name": "x"})
    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


def test_a_database_that_is_away_is_503_with_retry_after(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(owner)

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    client.raise_request_exception = False
    with monkeypatch.context() as outage:
        outage.setattr(connection, "cursor", away)
        answers = [client.get(path) for path in ("/accounts/profile/", "/readyz")]
    assert [(answer.status_code, answer["Retry-After"]) for answer in answers] == [(503, "5")] * 2


def test_headers_keep_scripts_and_frames_of_others_out(owner: User) -> None:
    response = signed_in(owner).get("/accounts/profile/")
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_two_megabytes_of_junk_are_refused_with_a_sentence(owner: User) -> None:
    response = api(owner).post("/api/v1/tokens/", b"x" * 2_000_000, content_type="application/json")
    assert response.status_code in (400, 413)
    assert response.json()["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{" * 10_000])
def test_a_body_that_is_not_an_object_is_a_sentence(owner: User, body: bytes) -> None:
    response = api(owner).post("/api/v1/tokens/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["message"]


def test_a_token_that_calls_too_often_waits_for_the_next_minute_and_nobody_else_does(
    owner: User, colleague: User, settings: Settings
) -> None:
    settings.API_CALLS_PER_MINUTE = 3
    eager, other = api(owner), api(owner)
    with time_machine.travel("2026-11-22T06:00:48Z", tick=False):
        answers = [eager.get("/api/v1/me/") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[3]["Retry-After"] == "12"
        assert answers[3].json()["code"] == "throttled"
        assert answers[3].json()["message"].startswith("The API takes 3 calls a minute of each token. Go on in 12 sec")
        assert {other.get("/api/v1/me/").status_code, api(colleague).get("/api/v1/me/").status_code} == {200}
        assert signed_in(owner).get("/api/v1/me/").status_code == 200
        token = {"authorization": eager._credentials["HTTP_AUTHORIZATION"]}  # type: ignore[attr-defined]
        asked = [Client().get("/api/2.0/mlflow/experiments/get?experiment_id=0", headers=token) for _ in range(5)]
        assert not any(answer.status_code == 429 for answer in asked), "its clients would wait and try again"
    with time_machine.travel("2026-11-22T06:01:00Z", tick=False):
        assert eager.get("/api/v1/me/").status_code == 200
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    heartbeats._broker.cache_clear()
    assert {eager.get("/api/v1/me/").status_code for _ in range(5)} == {200}
    heartbeats._broker.cache_clear()
