"""A portal as a company runs it, behind a proxy that speaks HTTPS: what its answers tell a browser."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from portal.local import processes
from tests.factories import PASSWORD, UserFactory
from tests.https import BEHIND_PROXY, ask, cookies_of
from tests.served import ROOT, Web, web_process

pytestmark = pytest.mark.django_db(transaction=True)
SIGN_IN = "/accounts/sign-in/"
KEYS = "b25seS1mb3ItdGVzdHMtbm8tc2VydmVyLXN0YXJ0cyE="


@pytest.fixture
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("https")
    known = {"VAR_DIR": str(folder), "PORTAL_LOCAL": "0", "PATH": "/usr/bin:/bin", "ENCRYPTION_KEYS": KEYS}
    collect = [sys.executable, *processes.COLLECT_STATIC[1:]]
    subprocess.run(collect, cwd=ROOT, env=known, check=True, capture_output=True)
    with web_process(folder, **BEHIND_PROXY) as web:
        yield web


@pytest.fixture
def ada(settings: Settings) -> User:
    """With a password that a web process can check."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    return UserFactory.create(username="ada")


def test_answers_keep_a_browser_on_https_and_its_cookies_to_itself(portal: Web, ada: User) -> None:
    plain = ask(portal, "GET", SIGN_IN, headers={"X-Forwarded-Proto": "http"})
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://portal.example.org{SIGN_IN}")
    assert ask(portal, "GET", "/healthz", headers={"X-Forwarded-Proto": "http", "Host": "portal.example.org"}).ok
    form = ask(portal, "GET", SIGN_IN)
    assert form.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert form.headers["X-Frame-Options"] == "DENY"
    proof, planted = (
        re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text),
        "0123456789abcdefghijklmnopqrstuv",
    )
    assert proof
    before = cookies_of(form)
    assert before["csrftoken"]["secure"]
    assert before["csrftoken"]["samesite"] == "Lax"
    fields = {"csrfmiddlewaretoken": proof[1], "username": "ada", "password": PASSWORD}
    shown = {
        "Cookie": f"csrftoken={before['csrftoken'].value}; sessionid={planted}",
        "Referer": "https://portal.example.org/",
    }
    done = ask(portal, "POST", SIGN_IN, data=fields, headers=shown)
    assert done.status_code == 302, done.text
    session = cookies_of(done)["sessionid"]
    assert (bool(session["secure"]), bool(session["httponly"]), session["samesite"]) == (True, True, "Lax")
    assert session.value != planted, "whoever planted a session would be signed in with it"
    mine, theirs = (ask(portal, "GET", "/accounts/profile/", headers={"Cookie": f"sessionid={key}"}).status_code
                    for key in (session.value, planted))  # fmt: skip
    assert (mine, theirs) == (200, 302)
    elsewhere = shown | {"Referer": "https://evil.example/", "Origin": "https://evil.example"}
    assert ask(portal, "POST", SIGN_IN, data=fields, headers=elsewhere).status_code == 403


HOSTS = ("evil.example", "portal.example.org.evil.example", "portal.example.org@evil.example")


def test_another_host_name_is_refused_at_every_door(portal: Web) -> None:
    for path in (SIGN_IN, "/api/v1/me/", "/api/2.0/mlflow/experiments/search"):
        for host in HOSTS:
            for headers in ({"Host": host}, {"X-Forwarded-Host": "portal.example.org", "Host": host}):
                answer = ask(portal, "GET", path, headers=headers)
                assert answer.status_code == 400, (path, headers, answer.text)
                assert host not in answer.text
