"""Sessions of single sign-on, at a portal as a company runs it: behind a proxy that speaks HTTPS."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from django.contrib.sessions.models import Session

from tests.https import BEHIND_PROXY, ask, cookies_of
from tests.outside import provider
from tests.outside.conftest import Provider, collect_static
from tests.outside.test_single_sign_on import someone
from tests.served import Web, web_process

pytestmark = pytest.mark.django_db(transaction=True)
PROFILE, BEGIN = "/accounts/profile/", "/accounts/sign-in/single/"


@pytest.fixture(scope="module")
def behind_proxy(company: Provider, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("behind-proxy")
    collect_static(folder)
    with web_process(folder, LOCAL_PASSWORDS="0", **BEHIND_PROXY, **company.settings) as web:
        yield web


class Browser:
    """Keeps one session at the portal, in the open so that a test can plant and steal it, and nothing else there."""

    def __init__(self, portal: Web, key: str = "") -> None:
        self.portal, self.key = portal, key

    def ask(self, method: str, address: str, **more: Any) -> requests.Response:
        cookies = more.pop("cookies", {}) | ({"sessionid": self.key} if self.key else {})
        said = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "Referer": provider.NAME}
        answer = ask(self.portal, method, address, headers=said, **more)
        if "sessionid" in (sent := cookies_of(answer)):
            self.key = sent["sessionid"].value
        return answer

    def begin(self, to: str = PROFILE) -> str:
        """The provider's address to go to."""
        return self.ask("GET", f"{BEGIN}?next={to}").headers["location"]

    def sees(self) -> bool:
        return self.ask("GET", PROFILE).status_code == 200


def back(goal: str, name: str) -> str:
    """Through the provider's form, as this person; where it sends the browser back to."""
    with requests.Session() as there:
        shown = there.get(goal, timeout=30)
        hidden = re.search(r'name="next" value="([^"]*)"', shown.text)
        assert hidden
        form = {"username": name, "password": provider.PASSWORD, "next": hidden[1].replace("&amp;", "&")}
        answer = there.post(shown.url, data=form, allow_redirects=False, timeout=30)
        while not answer.headers["location"].startswith(provider.NAME):
            answer = there.get(urljoin(shown.url, answer.headers["location"]), allow_redirects=False)
    return answer.headers["location"].removeprefix(provider.NAME)


def test_a_session_planted_before_the_sign_in_opens_nothing_after_it(company: Provider, behind_proxy: Web) -> None:
    company.knows(mara=someone("rides"))
    attacker = Browser(behind_proxy)
    attacker.begin()
    victim = Browser(behind_proxy, key=attacker.key)
    assert Session.objects.filter(pk=attacker.key).exists()
    way = back(victim.begin(), "mara")
    answer = victim.ask("GET", way)
    assert (answer.status_code, answer.headers["location"]) == (302, PROFILE), answer.text
    flags = cookies_of(answer)["sessionid"]
    assert (bool(flags["secure"]), bool(flags["httponly"]), flags["samesite"]) == (True, True, "Lax")
    assert victim.sees()
    assert not Session.objects.filter(pk=attacker.key).exists(), "whoever planted it would be signed in with it"
    assert not attacker.sees()
    assert victim.ask("GET", way).status_code == 400, "the way back goes only once"
    assert Browser(behind_proxy).ask("GET", way).status_code == 400


def test_signing_out_ends_the_session_at_the_portal_too(company: Provider, behind_proxy: Web) -> None:
    company.knows(mara=someone("rides"))
    mine = Browser(behind_proxy)
    mine.ask("GET", back(mine.begin(), "mara"))
    stolen = Browser(behind_proxy, key=mine.key)
    assert stolen.sees()
    assert "Sign out of Acme Login" in signed_out(mine).text
    assert not Session.objects.exists()
    assert not stolen.sees()


def test_whoever_signs_in_where_somebody_was_ends_that_session(company: Provider, behind_proxy: Web) -> None:
    ben = someone("rides", sub="u-ben", email="ben@acme.example", preferred_username="ben", name="Ben Adeyemi")
    company.knows(mara=someone("rides"), ben=ben)
    shared = Browser(behind_proxy)
    shared.ask("GET", back(shared.begin(), "ben"))
    bens = Browser(behind_proxy, key=shared.key)
    assert bens.sees()
    answer = shared.ask("GET", back(shared.begin(to="/tools/"), "mara"))
    assert urlsplit(answer.headers["location"]).path == "/tools/"
    assert "Mara Okafor" in shared.ask("GET", PROFILE).text
    assert not bens.sees()
    before = Browser(behind_proxy, key=shared.key)
    shared.ask("GET", back(shared.begin(), "mara"))
    assert (before.sees(), shared.sees()) == (False, True)
    assert Session.objects.count() == 1
    assert "Sign out of Acme Login" in signed_out(shared).text


def signed_out(browser: Browser) -> requests.Response:
    """By the form that every page has."""
    page = browser.ask("GET", PROFILE)
    proof = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert proof
    token, sent = cookies_of(page)["csrftoken"].value, {"csrfmiddlewaretoken": proof[1]}
    return browser.ask("POST", "/accounts/sign-out/", data=sent, cookies={"csrftoken": token})
