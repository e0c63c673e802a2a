"""The design system in a real Chromium: accessible, reflowing, and whole without scripts.

Playwright's loop and Django's database calls can not share a thread, so all rows are made before a browser opens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as portal_settings
from playwright.sync_api import Page, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import User
from portal.local.browser import find
from tests.conftest import signed_in
from tests.factories import UserFactory

REFUSED_REQUESTS = ("Failed to load resource", "Response Status Error Code")
"""How the browser and htmx note an answer of 4xx or 5xx, which tests here provoke."""


@pytest.fixture
def session(transactional_db: None, settings: Settings) -> str:
    """The session cookie of somebody signed in, with the gallery among the pages."""
    settings.ROOT_URLCONF = "tests.core.gallery"
    own = {**portal_settings.TEMPLATES[0]}
    settings.TEMPLATES = [{**own, "DIRS": [*own["DIRS"], Path(__file__).parent / "templates"]}]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    mara: User = UserFactory.create(username="mara", name="Mara Okafor")
    return signed_in(mara).cookies["sessionid"].value


@contextmanager
def opened(server: LiveServer, session: str, address: str, **options: Any) -> Iterator[Page]:
    """The page in a fresh browser; any error in its console fails the test."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server.url}{address}")
        yield page
        browser.close()
    assert [complaint for complaint in complaints if not complaint.startswith(REFUSED_REQUESTS)] == []


def _violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_component_is_accessible_and_fits(live_server: LiveServer, session: str, scheme: str, width: int) -> None:
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with opened(live_server, session, "/gallery/", **options) as page:
        assert _violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for box in ("cancel", "keyboard", "who"):
            page.evaluate("id => document.getElementById(id).showPopover()", box)
            assert _violations(page) == []
            page.keyboard.press("Escape")
            assert page.locator(f"#{box}").is_hidden()


def test_the_theme_changes_at_once_and_stays(live_server: LiveServer, session: str) -> None:
    with opened(live_server, session, "/gallery/") as page:
        page.click("button.who")
        with page.expect_response("**/theme/"):
            page.click("text=Dark")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.reload()
        assert page.locator("html").get_attribute("data-theme") == "dark"


def test_theme_dialogs_and_sign_out_work_without_scripts(live_server: LiveServer, session: str) -> None:
    with opened(live_server, session, "/gallery/", java_script_enabled=False) as page:
        page.click("button.who")
        page.click("text=Dark")
        assert page.url == f"{live_server.url}/gallery/"
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.click("text=Cancel…")
        assert page.locator("#cancel").is_visible()
        page.keyboard.press("Escape")
        page.click("button.who")
        page.click("text=Sign out")
        assert page.url.startswith(f"{live_server.url}/accounts/sign-in/")


def test_rows_are_ticked_together_and_counted(live_server: LiveServer, session: str) -> None:
    with opened(live_server, session, "/gallery/") as page:
        rows, count = page.locator('input[name="segment"]'), page.locator("[data-selected-count]")
        rows.nth(0).click()
        rows.nth(2).click(modifiers=["Shift"])
        assert count.inner_text() == "3"
        assert page.evaluate("document.querySelector('[data-select-all]').indeterminate")
        page.click("[data-select-all]")
        assert count.inner_text() == str(rows.count())
        page.click("[data-select-all]")
        assert count.inner_text() == "0"


def test_single_keys_lead_through_the_portal_until_switched_off(live_server: LiveServer, session: str) -> None:
    with opened(live_server, session, "/gallery/") as page:
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "q"
        page.keyboard.type("g?")
        assert page.locator("#keyboard").is_hidden()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        page.click("text=Use single-key shortcuts")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        assert page.locator("#keyboard").is_hidden()
        page.evaluate("localStorage.clear()")
        page.keyboard.press("g")
        page.keyboard.press("h")
        page.wait_for_url(f"{live_server.url}/")


def test_a_fragment_that_fails_leaves_the_page_and_says_so_once(live_server: LiveServer, session: str) -> None:
    with opened(live_server, session, "/gallery/") as page:
        page.wait_for_load_state("networkidle")  # an answer that comes later would take the warning away again
        page.evaluate("htmx.ajax('GET', '/theme/nowhere/', '#main')")
        page.wait_for_selector("#toasts .toast.bad")
        page.click("#toasts [data-dismiss]")
        page.route("**/slow/", lambda route: route.fulfill(status=503, body="<h1>Away</h1>"))
        for _ in range(2):
            with page.expect_response("**/slow/"):
                page.evaluate("htmx.ajax('GET', '/slow/', '#main')")
        page.wait_for_selector("#toasts .toast.warn")
        assert page.locator("#toasts .toast").count() == 1
        assert page.locator("h1").inner_text() == "Trip ETA · Atlanta"


def test_a_fragment_after_the_session_is_over_leads_to_the_sign_in(live_server: LiveServer, session: str) -> None:
    with opened(live_server, session, "/gallery/") as page:
        page.context.clear_cookies(name="sessionid")
        page.evaluate("htmx.ajax('GET', '/gallery/', '#main')")
        page.wait_for_url("**/accounts/sign-in/?next=/gallery/")
