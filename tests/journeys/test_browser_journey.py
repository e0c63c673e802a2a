"""The journey of the README in a real Chromium: retrain, compare, promote, approve, roll back, browse, operate.

Every page on the way is checked by axe, light and dark, and must not complain in the browser's console.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from apps.demo.seeding.passwords import demo_password
from portal.local.browser import find
from tests.journeys.portal import ServedPortal

PATIENCE_MS = 120_000
"""A whole fleet trains in seconds; a busy machine may take longer."""
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Person:
    """Somebody of the demo company with a browser of their own."""

    def __init__(self, browser: Browser, portal: ServedPortal, username: str, *, script: bool = True) -> None:
        self.complaints: list[str] = []
        self.clicks = 0
        self.page = self._open(browser, portal, script)
        self._sign_in(username)

    def look(self) -> Page:
        """The page, after axe has looked at it in both colour schemes and nobody complained in the console."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert violations(self.page) == [], f"{self.page.url} in {scheme}"
        assert self.complaints == []
        return self.page

    def click(self, what: Locator) -> None:
        """Counted, where the number of steps matters."""
        self.clicks += 1
        what.click()

    @staticmethod
    def press(what: Locator, key: str) -> None:
        """Without a mouse."""
        what.focus()
        what.press(key)

    def go(self, link: str, *, exact: bool = False) -> Page:
        self.page.get_by_role("link", name=link, exact=exact).first.click()
        return self.look()

    def _open(self, browser: Browser, portal: ServedPortal, script: bool) -> Page:
        chosen = {"base_url": portal.address, "reduced_motion": "reduce", "java_script_enabled": script}
        page = browser.new_context(**chosen).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _sign_in(self, username: str) -> None:
        self.page.goto("/")
        self.page.locator("[name=username]").fill(username)
        self.page.locator("[name=password]").fill(demo_password())
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("My work")


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def test_a_wave_goes_out_in_stages_and_comes_back(browser: Browser, portal: ServedPortal) -> None:
    scientist = Person(browser, portal, "scientist")
    see_the_fleet(scientist)
    retrain(scientist)
    promoted = propose(scientist)
    cannot_approve_their_own(scientist)
    assert compare_candidate_and_champion(scientist) == 2
    read_the_card(scientist)
    lead = Person(browser, portal, "lead")
    approve(lead, promoted)
    city = advance(lead, promoted)
    assert roll_one_back(lead, city) == 2
    assert roll_all_back(lead) == 2
    review(scientist)
    freeze_and_lift(lead, scientist)
    restore(lead, city)


def see_the_fleet(scientist: Person) -> None:
    scientist.look()
    scientist.go("Models", exact=True)
    page = scientist.go("Trip ETA")
    expect(page.get_by_text("78 of 81 segments have a champion")).to_be_visible()
    assert page.locator(".heat li").count() == 81


def retrain(scientist: Person) -> None:
    page = scientist.go("Retrain", exact=True)
    page = scientist.go("Ridge per destination")
    expect(page.get_by_role("button", name="Send 81 runs")).to_be_visible()
    page.get_by_label("Reason").fill("July is another season.")
    page.get_by_role("button", name="Send 81 runs").click()
    expect(page.get_by_text("81 of 81 segments ended")).to_be_visible()
    scientist.go("Compare with champions")


def propose(scientist: Person) -> int:
    """Waits for the evaluations, looks at the dry run, proposes all that pass; answers how many those were."""
    page = scientist.page
    button = page.get_by_role("link", name=re.compile(r"Promote all \d+")).first
    expect(page.get_by_text("candidates can be promoted")).to_be_visible()
    expect(page.get_by_text("Evaluating")).to_have_count(0)
    before = scientist.clicks
    scientist.click(button)
    expect(page.get_by_text("Weighted by rows")).to_be_visible()
    expect(page.get_by_text("Better by chance")).to_be_visible()
    page.get_by_label("Reason").fill("They beat their champions on July.")
    page.get_by_text("Move them in stages").click()
    page.get_by_label("In stages").fill("10, 30")
    scientist.look()
    scientist.click(page.get_by_role("button", name=re.compile(r"Propose \d+ segments")))
    assert scientist.clicks - before == 2  # beside the reason, and the stages that nobody has to choose
    expect(page.get_by_text("Waits for an approval", exact=True)).to_be_visible()
    promoted = int(re.findall(r"(\d+) segments", page.get_by_role("heading", level=1).inner_text())[0])
    assert 40 <= promoted <= 55
    return promoted


def cannot_approve_their_own(scientist: Person) -> None:
    page = scientist.page
    assert page.get_by_role("button", name="Approve").count() == 0
    page.get_by_role("button", name="Withdraw").first.wait_for()


def compare_candidate_and_champion(scientist: Person) -> int:
    """From the family's page; answers the clicks that it took. The address is all that a colleague needs."""
    page, before = scientist.page, scientist.clicks
    page.goto("/m/eta-trip/")
    scientist.click(page.get_by_role("link", name="Compare", exact=True))
    scientist.look()
    scientist.click(page.get_by_role("link", name="Albany", exact=True))
    expect(page.get_by_role("heading", name="Evaluated on July 2013")).to_be_visible()
    expect(page.get_by_text(re.compile("on the same [0-9]+ rows"))).to_be_visible()
    scientist.look()
    clicks, address = scientist.clicks - before, page.url
    page.get_by_role("link", name="Only differences").click()
    expect(page.get_by_text("Left out, because the same is said of all")).to_be_visible()
    page.goto(address)
    expect(page.get_by_role("heading", name="Evaluated on July 2013")).to_be_visible()
    return clicks


def read_the_card(scientist: Person) -> None:
    page = scientist.page
    page.goto("/models/eta-trip/versions/")
    scientist.look()
    page.goto("/m/eta-trip/albany/v2/")
    scientist.look()
    page.get_by_role("link", name="The whole card").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Model card: Albany v2")
    scientist.look()
    page.goto("/models/eta-trip/card/")
    scientist.look()


def approve(lead: Person, promoted: int) -> None:
    """From the list, where all that is needed to decide is said."""
    page = lead.look()
    expect(page.get_by_role("link", name=f"Trip ETA: promote {promoted} segments to champion")).to_be_visible()
    page.goto("/promotions/?mine=1")
    lead.look()
    page.get_by_role("row").filter(has_text="Trip ETA").get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"for the first 10 of {promoted} segments at once; 2 later stages move when")
    dialog.get_by_label("Note").fill("Seen.")
    dialog.get_by_role("button", name="Approve and promote").click()
    expect(page.get_by_text(f"Stage 1 of 3 has moved: 10 of {promoted} segments.")).to_be_visible()


def advance(lead: Person, promoted: int) -> str:
    """The second of three stages; answers the page of a city that has moved and had a champion before."""
    page = lead.page
    page.get_by_role("link", name="its page").click()
    lead.look()
    page.get_by_role("button", name="Move stage 2").click()
    page.get_by_role("dialog").get_by_role("button", name="Move stage 2").click()
    expect(page.get_by_text(f"Stage 2 of 3 has moved: 30 of {promoted} segments.")).to_be_visible()
    moved = page.get_by_role("row").filter(has_text="Applied").filter(has_text="v1 → v2")
    return str(moved.first.get_by_role("rowheader").get_by_role("link").get_attribute("href"))


def roll_one_back(lead: Person, city: str) -> int:
    """Answers the clicks that it took, beside saying why."""
    lead.page.goto(city)
    lead.look()
    clicks = go_back(lead, "The dispatchers complain.")
    expect(lead.page.get_by_text("Rolled back: 1 of 1")).to_be_visible()
    expect(lead.page.get_by_text("The dispatchers complain.", exact=True)).to_be_visible()
    return clicks


def roll_all_back(lead: Person) -> int:
    """From the family's page: what the newest promotion has moved and is still there."""
    lead.page.goto("/m/eta-trip/")
    clicks = go_back(lead, "The feature store sends zeros.")
    expect(lead.page.get_by_text(re.compile(r"Rolled back: 2\d of 30"))).to_be_visible()
    return clicks


def go_back(lead: Person, reason: str) -> int:
    page, before = lead.page, lead.clicks
    lead.click(page.get_by_role("link", name="Roll back", exact=True))
    page.get_by_label("Reason").fill(reason)
    lead.look()
    lead.click(page.get_by_role("button", name="Roll back"))
    return lead.clicks - before


def review(scientist: Person) -> None:
    """Somebody else looks at it in the morning."""
    page = scientist.page
    page.goto("/")
    page.get_by_role("link", name=re.compile(r"Trip ETA: 2\d segments were rolled back")).click()
    scientist.look()
    page.get_by_role("button", name="I have looked at it").click()
    page.get_by_role("dialog").get_by_label("Note").fill("The feature store is repaired.")
    page.get_by_role("dialog").get_by_role("button", name="Done").click()
    expect(page.get_by_text("Noted: you have looked at it.")).to_be_visible()


def freeze_and_lift(lead: Person, scientist: Person) -> None:
    page = lead.page
    page.goto("/m/eta-trip/")
    page.get_by_role("link", name="Freeze", exact=True).click()
    page.get_by_role("button", name="Freeze Trip ETA").click()
    expect(page.get_by_text("Say why in a sentence.")).to_be_visible()
    lead.complaints.clear()  # Chromium notes there that a form was answered with 400
    lead.look()
    page.get_by_label("Reason").fill("The feature store is being repaired.")
    page.get_by_role("button", name="Freeze Trip ETA").click()
    expect(page.get_by_text(re.compile("Trip ETA is frozen until"))).to_be_visible()
    scientist.page.goto("/m/eta-trip/")
    expect(scientist.page.get_by_text(re.compile("Trip ETA is frozen until"))).to_be_visible()
    page.get_by_role("button", name="Lift").click()
    expect(page.get_by_text("Lifted: promotions are possible again.")).to_be_visible()


def restore(lead: Person, city: str) -> None:
    """Who was champion on a day, by whom, and back to one of them."""
    page = lead.page
    page.goto(city)
    page.get_by_label("What was champion on").fill(datetime.now(UTC).date().isoformat())
    page.get_by_role("button", name="Look back").click()
    expect(page.get_by_text(re.compile("At the end of .*, v1 was champion"))).to_be_visible()
    expect(page.get_by_text(re.compile("rolled back to it .* “The dispatchers complain.”"))).to_be_visible()
    lead.look()
    page.get_by_role("link", name="Restore v2").click()
    page.get_by_label("Reason").fill("It was the feature store.")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("Rolled back: 1 of 1")).to_be_visible()


def test_a_manager_reads_why_a_tool_was_chosen(browser: Browser, portal: ServedPortal) -> None:
    manager = Person(browser, portal, "manager")
    manager.go("Tools", exact=True)
    page = manager.go("Apache Airflow", exact=True)
    expect(page.get_by_text("Anything that runs on a schedule")).to_be_visible()
    page = manager.go("Airflow for scheduling and orchestration")
    expect(page.get_by_text("Strongest community, two managed offerings")).to_be_visible()


def test_an_operator_cancels_what_hangs_and_retries_only_what_failed(browser: Browser, portal: ServedPortal) -> None:
    scientist, operator = Person(browser, portal, "scientist"), Person(browser, portal, "operator")
    cancel(operator, ask_for_trouble(scientist, "timeout"))
    retry(operator, ask_for_trouble(scientist, "exception"))


def ask_for_trouble(scientist: Person, mode: str) -> str:
    """A request that hangs or crashes in two cities; answers its page's address."""
    page = scientist.page
    page.goto(f"/retraining/new/fail-on-purpose/?family=eta-trip&segments=atlanta,boston&mode={mode}")
    page.get_by_role("button", name="Send 2 runs").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Request #")
    return page.url


def cancel(operator: Person, address: str) -> None:
    page = operator.go("Operations", exact=True)
    expect(page.get_by_text("work@").first).to_be_visible()
    page.get_by_role("link", name="Fail on purpose").first.click()
    expect(page).to_have_url(address)
    page.get_by_role("button", name="Cancel …").click()
    page.get_by_role("button", name="Cancel the request").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    expect(page.get_by_text("2 of 2 segments ended")).to_be_visible()


def retry(operator: Person, address: str) -> None:
    page = operator.page
    page.goto(address)
    expect(page.get_by_text("2 of 2 segments ended")).to_be_visible()
    page.get_by_role("button", name=re.compile("Retry 2")).click()
    expect(page.get_by_text(re.compile("[01] of 2 segments ended"))).to_be_visible()
    expect(page.get_by_text("2 of 2 segments ended")).to_be_visible()
    page.goto("/operations/")
    expect(operator.look().get_by_text("exception").first).to_be_visible()


def test_seventeen_of_the_worst_cities_are_retrained_with_other_parameters(
    browser: Browser, portal: ServedPortal
) -> None:
    """Found in one click from home; tick, retrain, parameters, send are the four steps."""
    scientist = Person(browser, portal, "scientist")
    page = scientist.page
    scientist.click(page.get_by_role("link", name="Trip ETA", exact=True).first)
    assert scientist.clicks == 1
    worst = page.locator(".heat li").first.text_content()
    page.get_by_label("Tick the first").fill("17")
    page.get_by_label("Tick the first").press("Enter")
    expect(page.locator(".heat :checked")).to_have_count(17)
    assert page.locator(".heat li:has(:checked)").first.text_content() == worst
    scientist.look()
    scientist.click(page.get_by_role("button", name="Retrain ticked"))
    page.get_by_label("Reason").fill("The worst of July.")
    page.get_by_label("Window in months").fill("2")
    expect(page.locator("#preview")).to_contain_text("instead of")  # it shows what would be sent, and only that is
    scientist.click(page.get_by_role("button", name="Send 17 runs"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Request #")
    assert scientist.clicks == 3  # beside the number that was typed, and the parameter


def test_the_fleet_needs_neither_a_script_nor_a_mouse(browser: Browser, portal: ServedPortal) -> None:
    lead = Person(browser, portal, "lead", script=False)
    page = lead.page
    page.goto("/m/eta-trip/?over=10")
    assert 0 < page.locator(".heat li").count() < 81
    page.get_by_label("over its baseline by more than").fill("0")
    lead.press(page.get_by_label("over its baseline by more than"), "Enter")
    expect(page).to_have_url(re.compile("over=0"))
    for box in (page.locator(".heat input").nth(0), page.locator(".heat input").nth(1)):
        lead.press(box, "Space")
    ticked = [box.get_attribute("value") for box in page.locator(".heat :checked").all()]
    lead.press(page.get_by_role("button", name="Roll back ticked"), "Enter")
    expect(page).to_have_url(re.compile("segment=.*segment="))
    assert [city for city in ticked if f"segment={city}" in page.url] == ticked
    page.go_back()
    lead.press(page.get_by_role("link", name="Table"), "Enter")
    expect(page.get_by_role("columnheader", name="Last run")).to_be_visible()
    lead.press(page.get_by_role("link", name="Map"), "Enter")
    lead.press(page.get_by_role("link", name="Age", exact=True), "Enter")
    expect(page.locator(".heat li").first).to_contain_text(" d")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_journey_is_wider_than_the_screen(
    browser: Browser, portal: ServedPortal, width: int, scheme: str, tmp_path: Path
) -> None:
    """The pictures are kept in pytest's folder, to be looked at."""
    person = Person(browser, portal, "lead")
    person.page.set_viewport_size({"width": width, "height": 900})
    person.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in (
        "/",
        "/models/",
        "/m/eta-trip/",
        "/m/eta-trip/?view=table",
        "/m/eta-trip/atlanta/",
        "/m/eta-trip/atlanta/v1/",
        "/m/eta-trip/atlanta/v1/card/",
        "/models/eta-trip/versions/",
        "/models/eta-trip/compare/?segment=atlanta",
        "/models/eta-trip/card/",
        "/retraining/",
        "/promotions/",
        "/tools/",
    ):
        person.page.goto(path)
        person.page.screenshot(path=tmp_path / f"{re.sub(r'[^a-z]+', '-', path).strip('-') or 'home'}.png")
        assert person.page.evaluate("document.documentElement.scrollWidth") <= width, path
