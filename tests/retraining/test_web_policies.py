"""Policies, suggestions, signals and incidents in the browser."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts.models import User
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Firing, Incident, Pipeline, Policy, Signal
from tests.conftest import signed_in
from tests.retraining.test_web_requests import words

pytestmark = pytest.mark.django_db
TERMS = {
    "family": "eta-trip",
    "name": "On drift",
    "trigger": "signal",
    "kinds": ["drift"],
    "time_zone": "UTC",
    "in_a_row": "1",
    "worse_by": "10",
    "yardstick": "promoted",
    "cool_down_hours": "24",
    "daily_cap": "50",
    "parameters-mode": "succeed",
    "parameters-alpha": "2.5",
    "parameters-as_of": "2013-07-01",
    "parameters-window_months": "3",
}
ALARM = {"kind": "drift", "verdict": "alarm", "description": "The distance has drifted."}


@pytest.fixture(autouse=True)
def at_once(settings: Settings) -> None:
    settings.SIGNAL_SETTLE_SECONDS = 0


@pytest.fixture
def browser(owner: User) -> Client:
    return signed_in(owner)


@pytest.fixture
def policy(browser: Client, pipeline: Pipeline) -> Policy:
    answer = browser.post("/retraining/policies/new/toy/", TERMS)
    assert answer.status_code == 302, words(answer)
    return Policy.objects.get()


def send(owner: User, family: ModelFamily, segment: str = "atlanta", report: Any = ALARM, **more: Any) -> Signal:
    place = family.dimension.segments.get(slug=segment)
    return actions.receive_signal(actor=owner, family=family, segment=place, source="api", report=report, **more)[0]


def watch() -> None:
    actions.settle_signals()
    actions.watch_policies()


def test_a_policy_is_made_of_the_pipelines_own_form(policy: Policy, browser: Client, owner: User) -> None:
    assert (policy.owner, policy.kinds, policy.parameters["alpha"], policy.starts) == (owner, ["drift"], 2.5, False)
    page = words(browser.get(f"/retraining/policies/{policy.pk}/"))
    assert "on drift alarm" in page
    assert "Nothing decided yet" in page


def test_what_is_wrong_with_a_policy_stands_at_its_field(browser: Client, pipeline: Pipeline) -> None:
    wrong = TERMS | {"trigger": "schedule", "cron": "often", "name": "Often"}
    answer = browser.post("/retraining/policies/new/toy/", wrong)
    assert answer.status_code == 400
    assert "is no schedule" in words(answer)
    outside = browser.post("/retraining/policies/new/toy/", TERMS | {"parameters-alpha": "-3"})
    assert outside.status_code == 400
    assert not Policy.objects.exists()


def test_a_policy_is_changed_paused_and_resumed(policy: Policy, browser: Client) -> None:
    address = f"/retraining/policies/{policy.pk}/"
    assert "On drift" in words(browser.get(f"{address}edit/"))
    browser.post(f"{address}edit/", TERMS | {"starts": "on", "segments": "Boston"})
    policy.refresh_from_db()
    assert (policy.starts, policy.segments) == (True, ["boston"])
    browser.post(f"{address}pause/", {"reason": "The sensor is new."})
    assert "The sensor is new." in words(browser.get(address))
    browser.post(f"{address}resume/")
    policy.refresh_from_db()
    assert policy.paused_at is None


def test_others_look_and_change_nothing(policy: Policy, stranger: User, pipeline: Pipeline) -> None:
    page = signed_in(stranger)
    assert page.get(f"/retraining/policies/{policy.pk}/").status_code == 200
    assert page.post(f"/retraining/policies/{policy.pk}/pause/", {"reason": "No."}).status_code == 403
    assert page.post("/retraining/policies/new/toy/", TERMS | {"name": "Mine"}).status_code == 403
    assert page.get("/retraining/policies/4711/").status_code == 404


def test_a_suggestion_waits_at_home_and_is_taken_from_the_list(
    policy: Policy, browser: Client, owner: User, family: ModelFamily
) -> None:
    send(owner, family)
    watch()
    assert "Trip ETA: retrain 1 segment?" in words(browser.get("/"))
    assert "Retrain 1 segment of Trip ETA" in words(browser.get("/retraining/policies/"))
    suggestion = Firing.objects.get()
    answer = browser.post(f"/retraining/suggestions/{suggestion.pk}/take/")
    suggestion.refresh_from_db()
    assert answer["Location"] == f"/retraining/{suggestion.request_id}/"
    assert browser.post(f"/retraining/suggestions/{suggestion.pk}/dismiss/").status_code == 409
    suggestion.refresh_from_db()
    assert suggestion.outcome == "taken"


def test_a_policy_is_played_through_the_past(policy: Policy, browser: Client, owner: User, family: ModelFamily) -> None:
    send(owner, family, observed_at=timezone.now() - timedelta(days=3))
    page = words(browser.get(f"/retraining/policies/{policy.pk}/?days=31"))
    assert "It would have fired 1 time in the last 31 days" in page
    assert browser.get(f"/retraining/policies/{policy.pk}/?days=999999").status_code == 200


def test_signals_are_listed_filtered_and_set_aside(browser: Client, owner: User, family: ModelFamily) -> None:
    send(owner, family)
    broken = send(owner, family, "boston", {"kind": "schema", "verdict": "alarm", "description": "temp_f is gone."})
    page = words(browser.get("/retraining/signals/"))
    assert "temp_f is gone." in page
    assert "The distance has drifted." in page
    assert "The distance" not in words(browser.get("/retraining/signals/?kind=schema&alarms=1"))
    assert "No signal like that" in words(browser.get("/retraining/signals/?kind=volume"))
    browser.post(f"/retraining/signals/{broken.pk}/set-aside/", {"reason": "It was renamed."})
    broken.refresh_from_db()
    assert broken.set_aside_because == "It was renamed."


def test_an_incident_waits_for_each_of_the_team_once_and_is_closed(
    browser: Client, colleague: User, stranger: User, owner: User, family: ModelFamily
) -> None:
    for segment in ("atlanta", "boston", "chicago"):
        send(owner, family, segment)
    watch()
    incident = Incident.objects.get()
    for person in (owner, colleague):
        assert words(signed_in(person).get("/")).count("many segments report drift at once") == 1
    assert "many segments report" not in words(signed_in(stranger).get("/"))
    assert "3 segments report drift at once" in words(browser.get("/retraining/signals/"))
    browser.post(f"/retraining/incidents/{incident.pk}/close/", {"note": "The feed was late."})
    incident.refresh_from_db()
    assert incident.note == "The feed was late."
    assert "Close incident" not in words(browser.get("/retraining/signals/"))


def test_empty_pages_say_what_to_do(browser: Client) -> None:
    assert "No policy yet" in words(browser.get("/retraining/policies/"))
    assert "/api/v1/signals/" in words(browser.get("/retraining/signals/"))


def test_the_list_of_signals_costs_the_same_for_many(
    browser: Client, owner: User, family: ModelFamily, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for value in range(30):
        send(owner, family, report=ALARM | {"value": value})
    with django_assert_max_num_queries(20):
        browser.get("/retraining/signals/")


def test_a_policy_begins_at_the_list_and_skips_the_choice_where_there_is_only_one(
    browser: Client, pipeline: Pipeline
) -> None:
    assert 'href="/retraining/policies/new/' in browser.get("/retraining/policies/").content.decode()
    assert browser.get("/retraining/policies/new/").url == "/retraining/policies/new/toy/?family=eta-trip"  # type: ignore[attr-defined]


def test_where_there_are_several_pipelines_one_is_chosen_for_the_policy(browser: Client, pipeline: Pipeline) -> None:
    other = Pipeline.objects.create(slug="other", name="Other", team=pipeline.team, schema=pipeline.schema)
    other.families.set(pipeline.families.all())
    page = browser.get("/retraining/policies/new/")
    assert "What is a policy to retrain?" in words(page)
    assert 'href="/retraining/policies/new/other/?family=eta-trip"' in page.content.decode()
