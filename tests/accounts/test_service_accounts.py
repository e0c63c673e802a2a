"""Pages of service accounts: a lead makes one and a token for it, which is shown once; others do not get in."""

import re

import pytest
from rest_framework.test import APIClient

from apps.accounts.actions import create_service_account, create_token
from apps.accounts.models import ApiToken, Team, User
from tests.conftest import signed_in

PAGE = "/accounts/services/rides-eta/"
TOKEN = {"do": "token", "account": "ci-rides", "name": "build", "scopes": ["read"], "days": 30}


def test_a_lead_makes_an_account_and_a_token_that_is_shown_once(approver: User) -> None:
    browser = signed_in(approver)
    assert browser.get("/accounts/services/").headers["Location"] == PAGE, "whoever keeps one team's sees them at once"
    made = browser.post(PAGE, {"do": "account", "username": "ci-rides", "name": "Build"}, follow=True)
    assert "ci-rides is there. It does nothing before it has a token." in made.content.decode()
    shown = browser.post(PAGE, TOKEN).content.decode()
    secret = re.search(r"\b[0-9a-f]{64}\b", shown)
    assert secret
    client = APIClient(headers={"authorization": f"Bearer {secret[0]}"})
    assert client.get("/api/v1/me/").json()["username"] == "ci-rides"
    assert client.get("/api/v1/me/").json()["teams"] == []
    later = browser.get(PAGE).content.decode()
    assert secret[0] not in later
    key = ApiToken.objects.get(name="build").token_key
    assert key in later
    gone = browser.post(f"{PAGE}tokens/{key}/revoke/", follow=True).content.decode()
    assert "“build” is revoked" in gone
    assert client.get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize("address", ["/accounts/profile/", "/notices/"])
def test_what_is_ones_own_has_tabs_that_say_where_one_is(approver: User, address: str) -> None:
    assert f'href="{address}" aria-current="page"' in signed_in(approver).get(address).content.decode()


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "account", "username": "ci rides!"}, "letters, digits"),
        ({"do": "account", "username": "owner"}, "There is already a user"),
        (TOKEN | {"name": "taken"}, "There is a token named"),
        (TOKEN | {"account": "owner"}, "Select a valid choice"),
        (TOKEN | {"scopes": []}, "This field is required"),
        (TOKEN | {"days": 4_000}, "less than or equal to 365"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    approver: User, owner: User, team: Team, form: dict[str, object], says: str
) -> None:
    account = create_service_account(actor=approver, team=team, username="ci-rides")
    create_token(actor=approver, account=account, name="taken")
    answer = signed_in(approver).post(PAGE, form)
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert (User.objects.filter(service_of=team).count(), ApiToken.objects.count()) == (1, 1)


def test_others_do_not_get_in_and_no_lead_reaches_another_teams_token(
    approver: User, owner: User, stranger: User, admin: User, team: Team, other_team: Team
) -> None:
    account = create_service_account(actor=approver, team=team, username="ci-rides")
    key = create_token(actor=approver, account=account, name="build").row.token_key
    own = create_token(actor=approver, name="laptop").row.token_key
    for outsider in (owner, stranger):
        browser = signed_in(outsider)
        assert "You keep none" in browser.get("/accounts/services/").content.decode()
        assert {browser.get(PAGE).status_code, browser.post(PAGE, TOKEN).status_code} == {403}
        assert browser.post(f"{PAGE}tokens/{key}/revoke/").status_code == 403
    desk = signed_in(admin)
    assert {"Rides ETA", "Delivery"} <= set(
        re.findall(r">([^<>]+)</a>", desk.get("/accounts/services/").content.decode())
    )
    assert desk.post(f"/accounts/services/delivery/tokens/{key}/revoke/").status_code == 404
    assert signed_in(approver).post(f"{PAGE}tokens/{own}/revoke/").status_code == 404, (
        "a person's own is not the team's"
    )
    assert ApiToken.objects.count() == 2
