"""Signals, storms and policies, from what comes in to what starts."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Exists, Invalid
from apps.registry import actions as registry
from apps.registry.actions import SegmentSpec, add_segments
from apps.registry.models import ModelFamily, Segment
from apps.retraining import actions
from apps.retraining.models import Firing, Incident, Pipeline, Policy, RetrainingRequest, Signal
from apps.retraining.queries import watching
from tests.conftest import api
from tests.retraining.conftest import Submit

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def at_once(settings: Settings) -> None:
    settings.SIGNAL_SETTLE_SECONDS = 0


@pytest.fixture
def cities(admin: User, family: ModelFamily) -> list[Segment]:
    """81 of them: the three of every test, and 78 more."""
    add_segments(actor=admin, family=family, segments=[SegmentSpec(f"city-{n}", f"City {n}") for n in range(78)])
    return list(family.dimension.segments.order_by("id"))


def drift(value: float = 0.9, verdict: str = "alarm") -> dict[str, Any]:
    return {"kind": "drift", "verdict": verdict, "feature": "distance_mi", "measure": "psi", "value": value}


@pytest.fixture
def report(owner: User, family: ModelFamily) -> Any:
    def send(city: Segment | None, body: Any = None, **more: Any) -> tuple[Signal, bool]:
        return actions.receive_signal(
            actor=owner, family=family, segment=city, source="api", report=body or drift(), **more
        )

    return send


@pytest.fixture
def policy(owner: User, family: ModelFamily, pipeline: Pipeline) -> Policy:
    terms = actions.PolicyTerms(name="On drift", trigger="signal", kinds=["drift"], starts=True)
    return actions.set_policy(actor=owner, family=family, pipeline=pipeline, terms=terms)


def watch() -> None:
    actions.settle_signals()
    actions.watch_policies()


def test_a_storm_is_one_incident_and_a_lone_city_the_next_day_one_request_until_it_cools_down(
    cities: list[Segment], policy: Policy, report: Any, owner: User, colleague: User, stranger: User
) -> None:
    """81 drift signals each three times within a minute; one lone city the next day; the same again."""
    yesterday = NOW - timedelta(days=1, minutes=5)
    for _ in range(3):
        for city in cities:
            report(city, observed_at=yesterday)
        watch()
    assert Signal.objects.count() == 81
    incident = Incident.objects.get()
    assert incident.signals.count() == 81
    assert AuditEvent.objects.get(action="retraining.incident_opened").after == {"segments": "81 of 81"}
    assert not RetrainingRequest.objects.exists()
    assert not Firing.objects.exists()
    for person in (owner, colleague):
        assert list(watching.open_incidents_for(person)) == [incident]
    assert not watching.open_incidents_for(stranger)

    report(cities[0], drift(0.93), observed_at=NOW)
    watch()
    watch()
    request = RetrainingRequest.objects.get()
    assert list(request.runs.values_list("segment__slug", flat=True)) == [cities[0].slug]
    assert request.requester == policy.owner

    request.runs.update(status="failed", cause="exit", reason="It broke.", finished_at=NOW)
    report(cities[0], drift(0.95), observed_at=NOW)
    watch()
    assert RetrainingRequest.objects.count() == 1
    said = Firing.objects.get(outcome="did_not_fire").reason
    assert "did not fire because" in said
    assert "in the cool-down" in said


def test_a_signal_waits_for_its_neighbours_before_it_counts(
    cities: list[Segment], policy: Policy, report: Any, settings: Settings
) -> None:
    settings.SIGNAL_SETTLE_SECONDS = 3600
    report(cities[0])
    watch()
    assert not Firing.objects.exists()


def test_a_good_word_is_stored_and_starts_nothing(cities: list[Segment], policy: Policy, report: Any) -> None:
    report(cities[0], drift(verdict="fine"))
    watch()
    assert not Firing.objects.exists()


def test_a_policy_that_wants_two_in_a_row_waits_for_the_second(
    cities: list[Segment], policy: Policy, report: Any
) -> None:
    Policy.objects.update(in_a_row=2)
    report(cities[0], drift(0.8), observed_at=NOW - timedelta(hours=3))
    report(cities[0], drift(0.1, "fine"), observed_at=NOW - timedelta(hours=2))
    report(cities[0], drift(0.8001), observed_at=NOW - timedelta(hours=1))
    watch()
    assert not RetrainingRequest.objects.exists()
    report(cities[0], drift(0.9), observed_at=NOW)
    watch()
    assert RetrainingRequest.objects.count() == 1


def test_without_start_a_policy_suggests_and_a_person_takes_it(
    cities: list[Segment], policy: Policy, report: Any, owner: User, stranger: User
) -> None:
    Policy.objects.update(starts=False)
    report(cities[0])
    watch()
    suggestion = Firing.objects.get(outcome="suggested")
    assert not RetrainingRequest.objects.exists()
    with pytest.raises(Denied):
        actions.take_suggestion(actor=stranger, firing=suggestion)
    taken = actions.take_suggestion(actor=owner, firing=suggestion)
    assert taken.request is not None
    assert taken.request.segments_total == 1
    with pytest.raises(Conflict, match="decided already"):
        actions.dismiss_suggestion(actor=owner, firing=suggestion)


def test_signals_that_come_together_are_one_request_with_their_segments(
    cities: list[Segment], policy: Policy, report: Any, settings: Settings
) -> None:
    """Also when they settle one after the other: none is decided about while more are coming."""
    signals = [report(city)[0] for city in cities[:4]]
    Signal.objects.filter(pk=signals[0].pk).update(received_at=NOW - timedelta(hours=1))
    settings.SIGNAL_SETTLE_SECONDS = 60
    watch()
    assert not Firing.objects.exists()
    settings.SIGNAL_SETTLE_SECONDS = 0
    watch()
    watch()
    firing = Firing.objects.get()
    assert firing.signals == [signal.pk for signal in signals]
    assert firing.segments == [city.slug for city in cities[:4]]
    assert firing.reason.startswith(f"4 signals, the first of them #{signals[0].pk}: ")
    assert RetrainingRequest.objects.get().segments_total == 4


def test_one_suggestion_waits_at_a_time_and_a_newer_one_takes_it_up(
    cities: list[Segment], policy: Policy, report: Any, owner: User
) -> None:
    Policy.objects.update(starts=False)
    for city in cities[:2]:
        report(city)
        watch()
    older, newer = Firing.objects.order_by("id")
    assert (older.outcome, newer.outcome) == ("superseded", "suggested")
    assert set(newer.segments) == {city.slug for city in cities[:2]}
    with pytest.raises(Conflict, match="taken up by a newer suggestion"):
        actions.take_suggestion(actor=owner, firing=older)
    report(cities[0], drift(0.97))
    watch()
    assert "named by a suggestion that waits already" in Firing.objects.get(outcome="did_not_fire").reason
    assert list(watching.suggestions_for(owner)) == [newer]


def test_a_policy_says_what_follows_success_or_leaves_it_to_the_pipeline(
    cities: list[Segment], policy: Policy, report: Any
) -> None:
    report(cities[0])
    watch()
    Policy.objects.update(after_success="propose")
    report(cities[1])
    watch()
    after = RetrainingRequest.objects.order_by("id").values_list("plan__after_success", flat=True)
    assert list(after) == ["nothing", "propose"]


def test_a_policy_whose_owner_may_no_longer_retrain_starts_nothing_and_says_so(
    cities: list[Segment], policy: Policy, report: Any, stranger: User
) -> None:
    Policy.objects.update(owner=stranger)
    report(cities[0])
    watch()
    assert "Only members of the team" in Firing.objects.get(outcome="did_not_fire").reason


def test_a_paused_policy_decides_nothing(cities: list[Segment], policy: Policy, report: Any, owner: User) -> None:
    actions.pause_policy(actor=owner, policy=policy, reason="The sensor is being replaced.")
    report(cities[0])
    watch()
    assert not Firing.objects.exists()
    actions.resume_policy(actor=owner, policy=policy)
    with pytest.raises(Conflict):
        actions.resume_policy(actor=owner, policy=policy)


def test_a_freeze_keeps_policies_still(cities: list[Segment], policy: Policy, report: Any, approver: User) -> None:
    registry.freeze(actor=approver, family=policy.family, reason="Year end.", until=NOW + timedelta(days=3))
    report(cities[0])
    watch()
    assert "Year end." in Firing.objects.get(outcome="did_not_fire").reason


def test_a_schedule_fires_once_for_the_newest_time_that_passed(
    owner: User, policy: Policy, family: ModelFamily
) -> None:
    terms = actions.PolicyTerms(name="Monthly", trigger="schedule", cron="0 6 * * *", segments=["atlanta"], starts=True)
    daily = actions.set_policy(actor=owner, family=family, pipeline=policy.pipeline, terms=terms)
    Policy.objects.filter(pk=daily.pk).update(looked_at=NOW - timedelta(days=3))
    watch()
    watch()
    firing = daily.firings.get()
    assert firing.outcome == "started"
    assert "2 earlier times had passed unseen" in firing.reason


def test_broken_data_keep_a_window_from_training_until_somebody_sets_the_signal_aside(
    report: Any, submit: Submit, family: ModelFamily, owner: User
) -> None:
    schema = {"kind": "schema", "verdict": "alarm", "description": "The column temp_f is gone."}
    signal, _ = report(None, schema, window=(date(2013, 6, 1), date(2013, 6, 30)))
    with pytest.raises(Conflict, match="The column temp_f is gone"):
        submit("atlanta")
    assert submit("atlanta", as_of="2013-06-01")
    with pytest.raises(Invalid, match="Say why"):
        actions.set_signal_aside(actor=owner, signal=signal, reason=" ")
    actions.set_signal_aside(actor=owner, signal=signal, reason="It was renamed; the script knows.")
    assert submit("boston")


def test_only_the_team_and_operators_report(family: ModelFamily, stranger: User, operator: User) -> None:
    with pytest.raises(Denied):
        actions.receive_signal(actor=stranger, family=family, source="api", report=drift())
    assert actions.receive_signal(actor=operator, family=family, source="api", report=drift())[1]


def test_an_incident_is_closed_once_with_what_it_was(
    cities: list[Segment], report: Any, owner: User, stranger: User
) -> None:
    for city in cities[:40]:
        report(city, observed_at=NOW)
    actions.settle_signals()
    incident = Incident.objects.get()
    with pytest.raises(Denied):
        actions.close_incident(actor=stranger, incident=incident, note="No.")
    actions.close_incident(actor=owner, incident=incident, note="The feed was late.")
    with pytest.raises(Conflict):
        actions.close_incident(actor=owner, incident=incident, note="Again.")


BAD_TERMS: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"trigger": "mood"}, "trigger"),
    ({"trigger": "schedule", "cron": "often"}, "cron"),
    ({"kinds": ["mood"]}, "kinds"),
    ({"in_a_row": 0}, "in_a_row"),
    ({"daily_cap": 0}, "daily_cap"),
    ({"cool_down_hours": -1}, "cool_down_hours"),
    ({"segments": ["gotham"]}, "segments"),
    ({"worse_by": -1}, "worse_by"),
    ({"yardstick": "mood"}, "yardstick"),
    ({"after_success": "pray"}, "after_success"),
    ({"parameters": {"alpha": -1}}, "alpha"),
]


@pytest.mark.parametrize(("change", "field"), BAD_TERMS, ids=[field for _, field in BAD_TERMS])
def test_a_policy_that_makes_no_sense_is_refused_by_field(
    owner: User, family: ModelFamily, pipeline: Pipeline, change: dict[str, Any], field: str
) -> None:
    terms = actions.PolicyTerms(**({"name": "Odd", "trigger": "signal"} | change))
    with pytest.raises(Invalid) as caught:
        actions.set_policy(actor=owner, family=family, pipeline=pipeline, terms=terms)
    assert field in str(caught.value.field or caught.value.errors)
    assert not Policy.objects.exists()


def test_two_policies_of_a_family_have_two_names(policy: Policy, owner: User, stranger: User) -> None:
    terms = actions.PolicyTerms(name="On drift", trigger="age")
    with pytest.raises(Exists):
        actions.set_policy(actor=owner, family=policy.family, pipeline=policy.pipeline, terms=terms)
    with pytest.raises(Denied):
        actions.set_policy(actor=stranger, family=policy.family, pipeline=policy.pipeline, terms=terms)


def test_signals_come_in_over_the_api_once_each(owner: User, family: ModelFamily, stranger: User) -> None:
    body = {"family": "eta-trip", "segment": "atlanta", "source": "api", "report": drift()}
    first = api(owner).post("/api/v1/signals/", body, format="json")
    again = api(owner).post("/api/v1/signals/", body, format="json")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert api(stranger).post("/api/v1/signals/", body, format="json").status_code == 403
    bad = api(owner).post("/api/v1/signals/", body | {"report": {"kind": "drift"}}, format="json")
    assert bad.status_code == 400
    assert "alarm, fine" in bad.json()["message"]
    assert api(owner).post("/api/v1/signals/", body | {"segment": "gotham"}, format="json").status_code == 400
    assert api(owner).get("/api/v1/signals/?family=eta-trip").json()["count"] == 1


def test_policies_are_kept_over_the_api(owner: User, pipeline: Pipeline, family: ModelFamily) -> None:
    body = {"family": "eta-trip", "pipeline": "toy", "name": "Monthly", "trigger": "schedule", "cron": "0 6 1 * *"}
    made = api(owner).post("/api/v1/policies/", body, format="json")
    assert made.status_code == 201, made.content
    address = f"/api/v1/policies/{made.json()['id']}/"
    assert (
        api(owner).post(f"{address}pause/", {"reason": "Holiday."}, format="json").json()["paused_because"]
        == "Holiday."
    )
    assert api(owner).post(f"{address}resume/").status_code == 200
    changed = api(owner).put(address, body | {"starts": True}, format="json")
    assert changed.json()["starts"] is True
    rehearsed = api(owner).post(f"{address}rehearse/", {"days": 60}, format="json").json()
    assert len(rehearsed) >= 1
    assert datetime.fromisoformat(rehearsed[0]["at"]).day == 1
