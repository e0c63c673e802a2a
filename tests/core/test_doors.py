"""What every door shares: sign-in first, health, errors in the accent of the door."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from apps.accounts.models import User
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
