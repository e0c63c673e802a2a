"""The door itself: who comes in, what is served, how it says no."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.actions import create_token, revoke_token
from apps.accounts.models import ApiToken, User
from tests.mlflow_protocol.conftest import PREFIXES, Mlflow, Speak, refusal

pytestmark = pytest.mark.django_db
INFO = "/api/3.0/mlflow/server-info"


@pytest.mark.parametrize("basic", [False, True])
def test_a_token_opens_the_door_as_bearer_and_as_the_password_of_basic(owner: User, speak: Speak, basic: bool) -> None:
    status, body = speak(owner, basic=basic).get(INFO)
    assert (status, body["workspaces_enabled"]) == (200, False)


def test_the_browser_s_prefix_answers_the_same(owner: User, speak: Speak) -> None:
    client = speak(owner)
    assert client.get("/ajax-api/3.0/mlflow/server-info") == client.get(INFO)


def test_version_and_health_need_no_token(client: Client) -> None:
    assert client.get("/version").content == b"3.17.2"
    assert client.get("/health").content == b"OK"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Bearer \xff", "Basic", "Basic %%%", "Basic bm9jb2xvbg==", "Basic 4pyT", "Digest x"],
)
def test_without_a_right_token_the_answer_says_how_to_sign_in(authorization: str) -> None:
    response = Mlflow(authorization).send("GET", INFO)
    assert (response.status_code, json.loads(response.content)["error_code"]) == (401, "UNAUTHENTICATED")
    assert "MLFLOW_TRACKING_TOKEN" in json.loads(response.content)["message"]
    assert response["WWW-Authenticate"].startswith("Basic")


def test_an_expired_or_revoked_token_and_a_sleeping_account_stay_outside(owner: User, colleague: User) -> None:
    expired, revoked = (create_token(actor=owner, name=name) for name in ("expired", "revoked"))
    ApiToken.objects.filter(pk=expired.row.pk).update(expiry=timezone.now())
    revoke_token(actor=owner, token=revoked.row)
    sleeping = create_token(actor=colleague, name="mine")
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    for token in (expired, revoked, sleeping):
        assert refusal(Mlflow(f"Bearer {token.secret}").get(INFO)) == (401, "UNAUTHENTICATED")


def test_a_session_alone_does_not_open_the_door(owner: User) -> None:
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(INFO).status_code == 401


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])
@pytest.mark.parametrize(
    "path",
    [
        *("2.0/mlflow/traces/search", "3.0/mlflow/traces", "2.0/mlflow/gateway-proxy", "2.0/graphql", "2.0/", "3.0/x"),
        *(
            "2.0/mlflow/runs/get/",
            "2.0/mlflow//runs/get",
            "2.0/mlflow/RUNS/GET",
            "2.0/mlflow/%00",
            "3.0/mlflow/runs/get",
        ),
    ],
)
def test_what_is_not_served_is_said_at_once_as_json(
    owner: User, speak: Speak, prefix: str, method: str, path: str
) -> None:
    response = speak(owner).send(method, f"{prefix}/{path}")
    assert response.status_code == 404
    if method != "HEAD":
        assert json.loads(response.content)["error_code"] == "ENDPOINT_NOT_FOUND"


def test_a_foreign_host_name_is_refused(owner: User, speak: Speak) -> None:
    answer = speak(owner).send("GET", INFO, host="evil.example")
    assert (answer.status_code, json.loads(answer.content)["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_token_without_the_scope_to_read_reads_nothing(owner: User, speak: Speak) -> None:
    assert refusal(speak(owner, scope=["registry:write"]).get(INFO)) == (403, "PERMISSION_DENIED")
