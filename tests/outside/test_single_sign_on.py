"""Single sign-on against a real OpenID provider: django-oauth-toolkit, in a process of its own."""

import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from django.utils import timezone
from playwright.sync_api import sync_playwright
from pytest_django import Settings

from apps.accounts import actions, tasks
from apps.accounts.models import ApiToken, Identity, Membership, Team, User
from apps.audit.models import AuditEvent
from portal.local.browser import find
from tests.factories import UserFactory
from tests.outside import provider
from tests.outside.conftest import GROUPS, Provider
from tests.served import Web

pytestmark = pytest.mark.django_db(transaction=True)
MARA = {"sub": "u-mara", "email": "mara@acme.example", "email_verified": True, "name": "Mara Okafor"}


def someone(*groups: str, **claims: Any) -> dict[str, Any]:
    """A person of the directory; a claim of None is not said."""
    said = {**MARA, "preferred_username": "mara", "groups": list(groups), **claims}
    return {"active": True, "claims": {name: value for name, value in said.items() if value is not None}}


@pytest.fixture
def sso(settings: Settings, company: Provider) -> Settings:
    """The test's own process has the settings of the portal's."""
    settings.OIDC_ISSUER, settings.OIDC_NAME = company.issuer, "Acme Login"
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = provider.CLIENT, provider.SECRET
    settings.OIDC_GROUPS = GROUPS
    return settings


class Browser:
    """Keeps cookies and follows redirects, between the portal and the provider."""

    def __init__(self, portal: Web) -> None:
        self.portal, self.session = portal.address, requests.Session()

    def get(self, address: str, **more: Any) -> requests.Response:
        return self.session.get(urljoin(self.portal, address), timeout=30, **more)

    def post(self, address: str, **more: Any) -> requests.Response:
        return self.session.post(urljoin(self.portal, address), timeout=30, **more)


@pytest.fixture
def browser(portal: Web) -> Iterator[Browser]:
    browser = Browser(portal)
    with browser.session:
        yield browser


def sign_in(browser: Browser, to: str = "/accounts/profile/", name: str = "mara") -> requests.Response:
    """Through the provider's own form where it shows one."""
    shown = browser.get("/accounts/sign-in/single/", params={"next": to})
    if "Company login" not in shown.text:
        return shown
    goal = re.search(r'name="next" value="([^"]*)"', shown.text)
    assert goal
    form = {"username": name, "password": provider.PASSWORD, "next": goal[1].replace("&amp;", "&")}
    return browser.post(shown.url, data=form)


def due() -> None:
    """As if the provider had been asked ten minutes ago."""
    Identity.objects.update(asked_at=timezone.now() - timedelta(minutes=10))


def test_a_person_comes_in_by_one_button_in_a_real_browser(company: Provider, portal: Web) -> None:
    company.knows(mara=someone("rides-leads", "platform-people"))
    with sync_playwright() as play:
        window = play.chromium.launch(executable_path=find(), args=["--no-sandbox"])
        page = window.new_page()
        page.goto(f"{portal.address}/tools/")
        assert page.locator("input[type=password]").count() == 0
        page.get_by_role("link", name="Sign in with Acme Login").click()
        page.fill("[name=username]", "mara")
        page.fill("[name=password]", provider.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{portal.address}/tools/")
        page.goto(f"{portal.address}/accounts/profile/")
        assert "Mara Okafor" in page.locator("h1").inner_text()
        page.locator("form[action$='sign-out/'] button").first.evaluate("button => button.click()")
        page.get_by_role("link", name="Sign out of Acme Login").click()
        page.wait_for_url(f"{portal.address}/accounts/sign-in/**")
        page.get_by_role("link", name="Sign in with Acme Login").click()
        assert page.get_by_role("button", name="Log in").is_visible()
        window.close()
    mara = User.objects.get()
    assert (mara.username, mara.email, mara.has_usable_password()) == ("mara", "mara@acme.example", False)
    assert set(mara.memberships.values_list("team__slug", "role")) == {("rides-eta", "lead"), ("ml-platform", "member")}
    assert Team.objects.get(slug="ml-platform").kind == "platform"
    assert {given.role for given in mara.portal_roles.all()} == {"board", "catalog_editor"}
    told = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"accounts.user_created", "accounts.team_created", "accounts.member_added", "accounts.role_given"} <= told
    sealed = Identity.objects.get().sealed_refresh_token
    assert sealed.startswith("gAAAA"), "the refresh token lies in the database in clear"


def test_the_way_there_carries_state_nonce_and_a_code_challenge(portal: Web) -> None:
    answers = [
        requests.get(f"{portal.address}/accounts/sign-in/single/", timeout=30, allow_redirects=False) for _ in range(2)
    ]
    asked = [parse_qs(urlsplit(answer.headers["location"]).query) for answer in answers]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]


def test_leaving_a_group_takes_the_rights_from_open_sessions_and_tokens(
    company: Provider, browser: Browser, portal: Web, sso: Settings
) -> None:
    company.knows(mara=someone("rides-leads"))
    assert sign_in(browser).status_code == 200
    mara = User.objects.get()
    secret = actions.create_token(actor=mara, name="laptop", scopes=["read", "tracking:write"]).secret
    bearer = {"Authorization": f"Bearer {secret}"}
    experiments = f"{portal.address}/api/2.0/mlflow/experiments/create"
    assert requests.post(experiments, json={"name": "before"}, headers=bearer, timeout=30).status_code == 200
    company.knows(mara=someone("rides-leads", "unknown"))
    due()
    tasks.recheck()
    assert mara.memberships.count() == 1
    first = Identity.objects.get().sealed_refresh_token

    company.knows(mara=someone("platform-people"))
    tasks.recheck()
    assert mara.memberships.count() == 1, "asked again too soon"
    due()
    tasks.recheck()
    assert Identity.objects.get().sealed_refresh_token != first, "a refresh token works once"
    assert set(Membership.objects.values_list("team__slug", flat=True)) == {"ml-platform"}
    assert browser.get("/api/v1/me/").json()["teams"] == ["ml-platform"]
    company.knows(mara=someone("rides"))
    assert sign_in(browser).status_code == 200
    assert set(Membership.objects.values_list("team__slug", "role")) == {("rides-eta", "member")}


def test_who_is_switched_off_at_the_provider_is_out_until_they_sign_in_again(
    company: Provider, browser: Browser, portal: Web, sso: Settings
) -> None:
    company.knows(mara=someone("rides"))
    sign_in(browser)
    secret = actions.create_token(actor=User.objects.get(), name="laptop").secret
    bearer = {"Authorization": f"Bearer {secret}"}
    me = f"{portal.address}/api/v1/me/"
    search = f"{portal.address}/api/2.0/mlflow/experiments/search?max_results=1"
    assert requests.get(me, headers=bearer, timeout=30, allow_redirects=False).status_code == 200
    assert requests.get(search, headers=bearer, timeout=30, allow_redirects=False).status_code == 200

    company.knows(mara=someone("rides") | {"active": False})
    due()
    tasks.recheck()
    assert "sign-in/" in browser.get("/accounts/profile/").url
    refused = requests.get(me, headers=bearer, timeout=30, allow_redirects=False)
    assert refused.status_code == 401
    assert "does not vouch" in refused.json()["message"]
    assert requests.get(search, headers=bearer, timeout=30, allow_redirects=False).status_code == 401
    assert not Membership.objects.exists()

    company.knows(mara=someone("rides"))
    assert "Mara Okafor" in sign_in(browser).text
    assert requests.get(me, headers=bearer, timeout=30, allow_redirects=False).status_code == 200
    assert ApiToken.objects.count() == Membership.objects.count() == 1


def test_a_provider_that_is_away_takes_nothing_until_the_grace_is_over(
    company: Provider, browser: Browser, sso: Settings
) -> None:
    company.knows(mara=someone("rides"))
    sign_in(browser)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    sso.OIDC_ISSUER = away
    Identity.objects.update(issuer=away)
    due()
    tasks.recheck()
    assert User.objects.get().is_active
    assert Membership.objects.exists()
    Identity.objects.update(confirmed_at=timezone.now() - timedelta(hours=25))
    due()
    tasks.recheck()
    assert not User.objects.get().is_active
    assert not Membership.objects.exists()
    assert "sign-in/" in browser.get("/accounts/profile/").url


REFUSED = {
    "no e-mail": (someone("rides", email=None), "did not say your e-mail address"),
    "e-mail not verified": (someone("rides", email_verified=False), "never verified"),
    "e-mail nobody vouches for": (someone("rides", email_verified=None), "never verified"),
    "no groups": (someone(groups=None), "did not say which groups"),
    "no group of ours": (someone("sales"), "in none of the groups"),
    "clocks differ": (someone("rides") | {"late": 90_000}, "clocks of the portal and of Acme Login differ"),
    "two with that e-mail": (someone("rides", email="both@acme.example"), "Two accounts here"),
    "switched off here": (someone("rides", email="off@acme.example"), "switched off"),
    "name and address are taken": (
        someone("rides", email="ada@acme.example", preferred_username="ada"),
        "is called ada already",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_who_can_not_come_in_reads_why_and_what_to_do(company: Provider, browser: Browser, why: str) -> None:
    for name, email in (("a", "both@acme.example"), ("b", "Both@acme.example"), ("off", "off@acme.example")):
        UserFactory.create(username=name, email=email, is_active=name != "off")
    UserFactory.create(username="ada")
    UserFactory.create(username="ada@acme.example")
    person, sentence = REFUSED[why]
    company.knows(mara=person)
    answer = sign_in(browser)
    assert answer.status_code == 403
    assert "You are not signed in" in answer.text
    assert sentence in answer.text
    assert not Identity.objects.exists()


def test_an_account_with_the_same_verified_address_is_linked_and_keeps_what_it_had(
    company: Provider, browser: Browser
) -> None:
    known = UserFactory.create(username="mokafor", email="Mara@acme.example")
    company.knows(mara=someone("rides"))
    assert "mokafor" in sign_in(browser).text
    assert Identity.objects.get().user == known


def test_nobody_else_finishes_a_sign_in_or_refuses_one(company: Provider, browser: Browser, portal: Web) -> None:
    company.knows(mara=someone("rides"))
    foreign = browser.get("/accounts/sign-in/single/return/", params={"code": "stolen", "state": "guessed"})
    assert foreign.status_code == 400
    assert "begun in another window" in foreign.text
    sign_in(browser)
    assert browser.get("/accounts/sign-in/single/return/", params={"error": "access_denied"}).status_code == 400
    assert browser.get("/api/v1/me/").status_code == 200, "a link signed somebody out"
    sent = requests.get(f"{portal.address}/accounts/sign-in/single/", timeout=30, allow_redirects=False)
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    refused = requests.get(
        f"{portal.address}/accounts/sign-in/single/return/",
        params={"error": "access_denied", "state": state},
        cookies=sent.cookies,
        timeout=30,
    )
    assert refused.status_code == 403
    assert "did not allow the sign-in" in refused.text


def test_without_passwords_of_its_own_the_portal_takes_none(portal: Web, browser: Browser) -> None:
    UserFactory.create(username="ada")
    shown = browser.get("/accounts/sign-in/")
    assert "password" not in shown.text.lower()
    token = browser.session.cookies.get("csrftoken") or ""
    form = {"username": "ada", "password": "correct-horse-battery", "csrfmiddlewaretoken": token}
    assert browser.post("/accounts/sign-in/", data=form).status_code == 403


def test_a_provider_that_does_not_answer_is_said_on_a_page(settings: Settings, client: Any, db: None) -> None:
    settings.OIDC_ISSUER, settings.OIDC_NAME = "http://127.0.0.1:1", "Acme Login"
    answer = client.get("/accounts/sign-in/single/")
    assert answer.status_code == 503
    assert "Acme Login does not answer" in answer.content.decode()
