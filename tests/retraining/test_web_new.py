"""Asking for a retraining in the browser: filled from the address, looked at before it is sent, sent once."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline, RetrainingRequest
from tests.conftest import signed_in
from tests.retraining.conftest import DEFINITION, SCHEMA, Submit

URL = "/retraining/new/toy/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(owner: User, pipeline: Pipeline) -> Client:
    return signed_in(owner)


def words(response: Any) -> str:
    """The page's words, with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def fields(response: Any) -> dict[str, Any]:
    """What a browser would send back of the form, with nothing touched."""
    html = response.content.decode()
    form = html[html.index('<form class="columns ask"') :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]+>", form):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in said and (said.get("type") not in ("checkbox", "radio") or " checked" in tag):
            found.setdefault(said["name"], []).append(said.get("value", "on"))
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.S):
        found[name] = re.findall(r'value="([^"]*)" selected', options)
    for name, text in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = [text.strip()]
    return found


def opened(client: Client, query: str = "") -> dict[str, Any]:
    return fields(client.get(f"{URL}{query}"))


def send(client: Client, form: dict[str, Any], **changes: Any) -> Any:
    return client.post(URL, {**form, "send": "1", **changes})


def test_the_form_says_before_sending_what_it_means(browser: Client, submit: Submit) -> None:
    submit("boston")
    page = words(browser.get(URL))
    assert "3 segment runs" in page
    assert "Send 3 runs" in page
    assert "not known yet" in page
    assert "none is alive now" in page
    assert "1 run of other requests" in page
    assert "1 of them is being retrained already: Boston" in page


def test_an_untouched_form_is_sent_with_all_segments_and_the_defaults(browser: Client, owner: User) -> None:
    response = send(browser, opened(browser), reason="July is here")
    request = RetrainingRequest.objects.get()
    assert response["Location"] == f"/retraining/{request.pk}/"
    assert request.segments_total == 3
    assert request.parameters == {"mode": "succeed", "alpha": 1.0, "as_of": "2013-07-01", "window_months": 3}
    assert (request.requester, request.reason) == (owner, "July is here")


def test_the_address_fills_segments_values_and_reason(browser: Client) -> None:
    form = opened(browser, "?segments=atlanta,boston&alpha=2&reason=Drift")
    assert send(browser, form).status_code == 302
    request = RetrainingRequest.objects.get()
    assert request.plan["segments"] == ["atlanta", "boston"]
    assert (request.parameters["alpha"], request.reason) == (2.0, "Drift")


def test_the_fleet_pages_ticks_are_understood(browser: Client) -> None:
    assert opened(browser, "?segment=atlanta&segment=chicago")["segments"] == ["atlanta", "chicago"]


def test_a_preset_and_a_copied_request_fill_the_form(browser: Client, submit: Submit) -> None:
    copied = submit("chicago", alpha=7, reason="Once more")
    assert opened(browser, "?preset=Strong")["parameters-alpha"] == ["10"]
    form = opened(browser, f"?copy={copied.pk}")
    assert (form["parameters-alpha"], form["segments"], form["reason"]) == (["7"], ["chicago"], ["Once more"])


def test_a_copy_says_which_values_the_pipeline_no_longer_takes(
    browser: Client, admin: User, team: Team, family: ModelFamily, submit: Submit
) -> None:
    copied = submit("chicago", alpha=7)
    left = {name: part for name, part in SCHEMA["properties"].items() if name != "alpha"}
    changed = replace(DEFINITION, schema={"type": "object", "properties": left}, presets={})
    actions.define_pipeline(actor=admin, slug="toy", team=team, families=[family], definition=changed)
    assert "no longer takes alpha" in words(browser.get(f"{URL}?copy={copied.pk}"))


def test_a_pasted_list_is_sent(browser: Client) -> None:
    form = opened(browser) | {"scope": "pasted", "pasted": "Atlanta, boston"}
    looked = browser.post(URL, {**form, "preview": "1"})
    assert "2 segment runs" in words(looked)
    assert send(browser, fields(looked)).status_code == 302
    assert RetrainingRequest.objects.get().plan["segments"] == ["atlanta", "boston"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scope": "pasted", "pasted": "atlanta\ngotham"}, "Trip ETA has no segment &#x27;gotham&#x27;"),
        ({"scope": "chosen", "segments": []}, "Choose at least one segment."),
        ({"scope": "chosen", "segments": ["gotham"]}, "Trip ETA has no segment &#x27;gotham&#x27;"),
        ({"parameters-alpha": "-1"}, "This has to be at least 0."),
        ({"parameters-window_months": "seven"}, "&#x27;seven&#x27; is no whole number."),
        ({"parameters-mode": "explode"}, "Choose one of succeed"),
        ({"reason": "x" * 2_001}, "The reason is a text of at most 2,000 characters."),
        ({"reason": "a\0b"}, "Null characters are not allowed."),
        ({"scope": "some"}, "Select a valid choice."),
        ({"key": "mine"}, "Enter a valid value."),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_sent(browser: Client, changes: dict[str, Any], sentence: str) -> None:
    response = send(browser, opened(browser), **changes)
    assert response.status_code == 400
    assert sentence in words(response)
    assert not RetrainingRequest.objects.exists()


def test_everything_that_is_wrong_is_told_at_once_and_what_was_typed_stays(browser: Client) -> None:
    response = send(browser, opened(browser), scope="pasted", pasted="gotham", **{"parameters-alpha": "-1"})
    page = words(response)
    assert "has no segment" in page
    assert "at least 0" in page
    assert fields(response)["pasted"] == ["gotham"]
    assert fields(response)["parameters-alpha"] == ["-1"]


def test_wrong_values_in_the_address_are_told_at_their_fields(browser: Client) -> None:
    response = browser.get(f"{URL}?alpha=-5&segments=gotham")
    assert response.status_code == 200
    assert "This has to be at least 0." in words(response)
    assert "has no segment" in words(response)


def test_changes_that_nobody_has_looked_at_are_shown_before_they_are_sent(browser: Client) -> None:
    response = send(browser, opened(browser), scope="chosen", segments=["boston"])
    assert response.status_code == 409
    assert "Nothing is sent yet" in words(response)
    assert not RetrainingRequest.objects.exists()
    assert send(browser, fields(response)).status_code == 302
    assert RetrainingRequest.objects.get().segments_total == 1


def test_pressing_twice_sends_once(browser: Client) -> None:
    form = opened(browser)
    assert send(browser, form)["Location"] == send(browser, form)["Location"]
    assert RetrainingRequest.objects.count() == 1


def test_going_back_and_changing_something_sends_another(browser: Client) -> None:
    form = opened(browser)
    send(browser, form)
    changed = fields(browser.post(URL, {**form, "parameters-alpha": "3", "preview": "1"}))
    assert send(browser, changed).status_code == 302
    assert RetrainingRequest.objects.count() == 2


def test_a_form_from_before_the_pipeline_changed_says_so(
    browser: Client, admin: User, team: Team, family: ModelFamily
) -> None:
    form = opened(browser)
    changed = replace(DEFINITION, seconds=5)
    actions.define_pipeline(actor=admin, slug="toy", team=team, families=[family], definition=changed)
    response = send(browser, form)
    assert response.status_code == 409
    assert "The pipeline was changed after you opened this form (version 1, now 2)" in words(response)
    assert not RetrainingRequest.objects.exists()
    assert send(browser, fields(response)).status_code == 302


def test_a_pipeline_that_was_switched_off_keeps_what_was_typed(
    browser: Client, admin: User, team: Team, family: ModelFamily
) -> None:
    off = replace(DEFINITION, is_active=False)
    actions.define_pipeline(actor=admin, slug="toy", team=team, families=[family], definition=off)
    response = send(browser, opened(browser, "?reason=Drift"))
    assert response.status_code == 409
    assert "is switched off" in words(response)
    assert fields(response)["reason"] == ["Drift"]


def test_the_preview_is_a_fragment_of_its_own(browser: Client) -> None:
    response = browser.post(URL, {**opened(browser), "scope": "chosen", "segments": ["boston"]}, headers=HTMX)
    assert "1 segment run" in words(response)
    assert b"<html" not in response.content
    assert not RetrainingRequest.objects.exists()


def test_a_preview_of_what_is_wrong_says_what(browser: Client) -> None:
    response = browser.post(URL, {**opened(browser), "parameters-alpha": "-1"}, headers=HTMX)
    assert "Not ready to be sent yet" in words(response)
    assert 'href="#id_parameters-alpha"' in response.content.decode()


def test_a_stranger_may_look_but_not_send(stranger: User, pipeline: Pipeline) -> None:
    client = signed_in(stranger)
    page = client.get(URL)
    assert "Only members of Rides ETA can retrain Trip ETA" in words(page)
    assert b'name="send"' not in page.content
    response = send(client, fields(page))
    assert response.status_code == 403
    assert "Only members of the team that owns this family" in words(response)
    assert not RetrainingRequest.objects.exists()


def test_a_family_of_another_team_alone_does_not_exist(stranger: User, pipeline: Pipeline, family: ModelFamily) -> None:
    ModelFamily.objects.update(visibility="teams")
    assert signed_in(stranger).get(f"{URL}?family=eta-trip").status_code == 404
    assert signed_in(stranger).get("/retraining/new/?family=eta-trip").status_code == 404


@pytest.mark.parametrize("query", ["?copy=999", "?copy=" + "9" * 40, "?family=gone"])
def test_what_is_not_there_is_a_sentence(browser: Client, query: str) -> None:
    assert browser.get(f"{URL}{query}").status_code == 404


@pytest.mark.parametrize("query", ["?preset=gone", "?copy=abc", "?segments=,", "?parameters-alpha=", "?page=%00"])
def test_odd_addresses_still_open_the_form(browser: Client, query: str) -> None:
    assert browser.get(f"{URL}{query}").status_code == 200


def test_choosing_is_skipped_where_there_is_one_pipeline(browser: Client) -> None:
    response = browser.get("/retraining/new/?family=eta-trip&segments=boston&alpha=2")
    assert response["Location"] == "/retraining/new/toy/?family=eta-trip&segments=boston&alpha=2"


def test_with_two_pipelines_one_is_chosen_and_the_segments_stay(
    browser: Client, admin: User, team: Team, family: ModelFamily
) -> None:
    other = replace(DEFINITION, name="Other")
    actions.define_pipeline(actor=admin, slug="other", team=team, families=[family], definition=other)
    page = browser.get("/retraining/new/?family=eta-trip&segments=boston").content.decode()
    assert 'href="/retraining/new/other/?family=eta-trip&amp;segments=boston"' in page
    assert 'href="/retraining/new/toy/?family=eta-trip&amp;segments=boston"' in page


def test_without_pipelines_the_page_says_who_defines_them(owner: User) -> None:
    assert "Platform admins define them" in words(signed_in(owner).get("/retraining/new/"))


def test_the_form_asks_for_a_constant_number_of_queries(
    browser: Client, django_assert_max_num_queries: Any, submit: Submit
) -> None:
    submit()
    with django_assert_max_num_queries(25):
        browser.get(URL)


def test_segments_are_chosen_by_how_their_champions_stand(browser: Client, family: ModelFamily) -> None:
    page = browser.get(f"{URL}?champions=none")
    assert "without champion 3" in words(page)
    assert fields(page)["scope"] == ["all"]
    nobody = browser.get(f"{URL}?older_than=30")
    assert fields(nobody)["scope"] == ["chosen"]
    assert "segments" not in fields(nobody)


@pytest.mark.parametrize(
    ("overlap", "sentence"),
    [
        ("queue", "They wait until the earlier runs have ended"),
        ("forbid", "This pipeline then refuses the whole request"),
        ("replace", "Their earlier runs are cancelled"),
    ],
)
def test_the_preview_says_what_becomes_of_cities_that_are_being_retrained(
    browser: Client, submit: Submit, pipeline: Pipeline, overlap: str, sentence: str
) -> None:
    submit("atlanta")
    Pipeline.objects.update(overlap=overlap)
    looked = words(browser.post(URL, opened(browser) | {"preview": "1"}))
    assert "1 of them is being retrained already: Atlanta." in looked
    assert sentence in looked
    assert f"&quot;overlap&quot;: &quot;{overlap}&quot;" in looked
