"""API tokens: shown once, hashed, scoped, expiring; never more than their owner may do."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.actions import create_token, revoke_token
from apps.accounts.models import ApiToken, User
from apps.audit.queries import timeline
from apps.core.errors import Denied, Exists, Invalid
from tests.conftest import api, signed_in


def bearing(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_a_token_opens_the_api_and_notes_its_use(owner: User) -> None:
    made = create_token(actor=owner, name="laptop")
    assert bearing(made.secret).get("/api/v1/me/").json()["username"] == "owner"
    made.row.refresh_from_db()
    assert made.row.last_used_at is not None


def test_a_token_of_one_family_is_made_on_the_profile(owner: User) -> None:
    browser = signed_in(owner)
    form = {"name": "eta", "scopes": ["read"], "days": 1, "families": "eta-trip, late-risk", "teams": ""}
    page = browser.post("/accounts/profile/", form)
    assert "only eta-trip, late-risk" in page.content.decode()
    assert ApiToken.objects.get().families == ["eta-trip", "late-risk"]
    assert browser.post("/accounts/profile/", form | {"name": "b", "families": "no/slug"}).status_code == 400


def test_a_token_makes_no_token_that_may_do_more(owner: User) -> None:
    client = api(owner, scope=["read", "accounts:write"])
    more = client.post("/api/v1/tokens/", {"name": "more", "scopes": ["registry:write"]}, format="json")
    assert more.status_code == 400
    assert "may do more than itself" in more.json()["message"]
    assert client.post("/api/v1/tokens/", {"name": "same", "scopes": ["read"]}, format="json").status_code == 201


def test_a_lead_keeps_service_accounts_and_their_tokens(approver: User, owner: User, stranger: User) -> None:
    lead, accounts = api(approver), "/api/v1/teams/rides-eta/service-accounts/"
    assert lead.post(accounts, {"username": "ci-rides"}, format="json").status_code == 201
    assert lead.get(accounts).json()["results"] == [{"username": "ci-rides", "name": "ci-rides"}]
    tokens = "/api/v1/teams/rides-eta/service-tokens/"
    wanted = {"account": "ci-rides", "name": "build 7", "scopes": ["read"], "families": ["eta-trip"], "minutes": 10}
    for nobody in (owner, stranger):
        assert api(nobody).post(tokens, wanted, format="json").status_code == 403
        assert api(nobody).get(tokens).status_code == 403
    secret = lead.post(tokens, wanted, format="json").json()["token"]
    assert bearing(secret).get("/api/v1/me/").json()["username"] == "ci-rides"
    (shown,) = lead.get(tokens).json()["results"]
    assert (shown["account"], shown["families"]) == ("ci-rides", ["eta-trip"])
    revoke = "/api/v1/teams/rides-eta/revoke-service-token/"
    assert lead.post(revoke, {"key": shown["key"]}, format="json").status_code == 204
    assert bearing(secret).get("/api/v1/me/").status_code == 401


def test_the_secret_is_stored_nowhere(owner: User) -> None:
    made = create_token(actor=owner, name="laptop")
    stored = str(list(ApiToken.objects.values())) + str(list(timeline(made.row).values()))
    assert made.secret not in stored


def test_an_expired_token_says_that_it_has_expired(owner: User) -> None:
    made = create_token(actor=owner, name="old", days=1)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        response = bearing(made.secret).get("/api/v1/me/")
    assert response.status_code == 401
    assert "'old' expired on" in response.json()["message"]


@pytest.mark.parametrize("secret", ["nonsense", "", "ä" * 20, "a b", "x" * 5000])
def test_a_wrong_token_is_refused(owner: User, secret: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}".encode())
    response = client.get("/api/v1/me/")
    assert response.status_code == 401
    assert response.json()["message"]


def test_a_token_of_a_switched_off_account_is_refused(owner: User) -> None:
    made = create_token(actor=owner, name="laptop")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert bearing(made.secret).get("/api/v1/me/").status_code == 401


def test_a_token_without_the_scope_read_reads_nothing(owner: User) -> None:
    response = api(owner, scope=["accounts:write"]).get("/api/v1/teams/")
    assert response.status_code == 403
    assert "scope 'read'" in response.json()["message"]


def test_a_reading_token_makes_no_token(owner: User) -> None:
    response = api(owner, scope=["read"]).post("/api/v1/tokens/", {"name": "more"}, format="json")
    assert response.status_code == 403
    assert not ApiToken.objects.filter(name="more").exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"days": 0}, "days"),
        ({"name": " "}, "name"),
    ],
)
def test_a_wrong_wish_is_refused_by_field(owner: User, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        create_token(actor=owner, **{"name": "x", **wrong})
    assert refusal.value.field == field


def test_two_tokens_of_a_name_are_one_too_many(owner: User) -> None:
    create_token(actor=owner, name="laptop")
    with pytest.raises(Exists):
        create_token(actor=owner, name="laptop")


def test_nobody_revokes_the_token_of_another(owner: User, stranger: User) -> None:
    made = create_token(actor=owner, name="laptop")
    with pytest.raises(Denied):
        revoke_token(actor=stranger, token=made.row)
    assert signed_in(stranger).post(f"/accounts/profile/tokens/{made.row.token_key}/revoke/").status_code == 404
    assert bearing(made.secret).get("/api/v1/me/").status_code == 200


def test_a_revoked_token_opens_nothing(owner: User) -> None:
    made = create_token(actor=owner, name="laptop")
    assert signed_in(owner).post(f"/accounts/profile/tokens/{made.row.token_key}/revoke/").status_code == 302
    assert bearing(made.secret).get("/api/v1/me/").status_code == 401


def test_the_profile_shows_a_new_secret_once(owner: User) -> None:
    client = signed_in(owner)
    page = client.post("/accounts/profile/", {"name": "laptop", "scopes": ["read"], "days": 30})
    secret = page.context["new"].secret
    assert secret in page.content.decode()
    assert secret not in client.get("/accounts/profile/").content.decode()


def test_the_profile_says_what_is_wrong_with_the_form(owner: User) -> None:
    page = signed_in(owner).post("/accounts/profile/", {"name": "laptop", "scopes": ["all"], "days": 900})
    assert page.status_code == 400
    assert set(page.context["form"].errors) == {"scopes", "days"}


def test_the_command_prints_a_token_and_nothing_else(owner: User) -> None:
    out = StringIO()
    call_command("create_token", "owner", "--scope", "read", stdout=out)
    assert bearing(out.getvalue().strip()).get("/api/v1/me/").status_code == 200
    assert len(out.getvalue().split()) == 1


@pytest.mark.django_db
def test_the_command_knows_only_people_who_are_there() -> None:
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("create_token", "nobody")
