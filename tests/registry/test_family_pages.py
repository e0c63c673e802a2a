"""The pages on which families are made and their settings changed."""

import html
import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.registry.actions import propose
from apps.registry.models import ModelFamily, Segment
from apps.tracking.actions import ensure_experiment
from apps.tracking.models import Experiment
from tests.conftest import api, signed_in
from tests.registry.conftest import Evaluate, MakeVersion
from tests.registry.test_web import words

NEW: dict[str, Any] = {
    "name": "Daily demand",
    "slug": "daily-demand",
    "team": "rides-eta",
    "dimension": "city",
    "description": "",
    "visibility": "everyone",
    "metric": "mae",
    "unit": "trips",
    "direction": "lower",
    "evaluator": "",
    "label_delay_days": 1,
    "freshness_days": 90,
    "tier": 3,
    "approvals_needed": "",
    "approvers": "",
    "protected_aliases": "staging, champion",
    "resolve_cache_seconds": 60,
}
CONTRACT = {"inputs": {"distance_mi": "double", "wind (mph)": "long"}, "output": "double"}
SETTINGS = "/models/eta-trip/settings/"


def as_shown(browser: Client, address: str = SETTINGS) -> dict[str, Any]:
    """What the form has in it when it is opened."""
    form = browser.get(address).context["form"]
    return {name: "" if (value := form[name].value()) is None else value for name in form.fields}


def test_an_admin_makes_a_family_and_comes_to_its_page(team: Team, admin: User) -> None:
    browser = signed_in(admin)
    assert "New family" in words(browser.get("/models/"))
    response = browser.post("/models/new/", NEW, follow=True)
    assert response.redirect_chain == [("/m/daily-demand/", 302)]
    assert "Daily demand is there." in words(response)
    made = ModelFamily.objects.get(slug="daily-demand")
    assert (made.team, made.tier, made.alias_names) == (team, 3, ["staging", "champion"])
    assert made.gates.count() > 0


def test_a_new_family_is_offered_with_its_defaults(team: Team, admin: User) -> None:
    shown = as_shown(signed_in(admin), "/models/new/")
    assert (shown["tier"], shown["freshness_days"], shown["protected_aliases"]) == (3, 90, "champion")


def test_nobody_else_makes_families(team: Team, approver: User, stranger: User) -> None:
    for person in (approver, stranger):
        browser = signed_in(person)
        assert "New family" not in words(browser.get("/models/"))
        for response in (browser.get("/models/new/"), browser.post("/models/new/", NEW)):
            assert response.status_code == 403
            assert "Only a platform admin" in words(response)
    assert not ModelFamily.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("slug", "Not a slug!", "valid “slug”"),
        ("slug", "eta-trip", "already a family"),
        ("team", "nobody", "Select a valid choice"),
        ("tier", 7, "Select a valid choice"),
        ("metric", "", "This field is required"),
        ("approvers", "owner, mr-x", "There is no user 'mr-x' here"),
        ("protected_aliases", "staging", "'champion' is always protected"),
        ("approvals_needed", 9, "less than or equal to 5"),
        ("evaluator", "junk", "Select a valid choice"),
        ("label_delay_days", -1, "greater than or equal to 0"),
        ("on_call", "mr-x", "There is no user 'mr-x' here"),
        ("baselines", "wishful", "computes no baseline 'wishful'; it has none"),
        ("fallback_order", "the-moon", "There is no segment 'the-moon' to fall back to"),
        ("resolve_cache_seconds", 90_000, "less than or equal to 86400"),
        ("serving_contract", "distance_mi", "Line 1 names no input with its type; write distance_mi: double."),
        ("serving_contract", "a: double\nb: number", "Line 2: 'number' is no type; choose from boolean,"),
        ("serving_contract", "a: double\na: long", "An input is named twice"),
        ("serving_contract", "a: double", "Choose the type that callers expect"),
        ("output", "double", "Name at least one input"),
    ],
)
def test_a_setting_that_makes_no_sense_is_said_at_its_field(
    family: ModelFamily, owner: User, admin: User, field: str, value: object, sentence: str
) -> None:
    response = signed_in(admin).post("/models/new/", NEW | {field: value})
    assert response.status_code == 400
    assert sentence in html.unescape(words(response))
    assert response.context["form"].errors.keys() & {field, "output", "serving_contract"}
    assert ModelFamily.objects.count() == 1


def test_a_lead_changes_settings_and_the_history_tells(family: ModelFamily, owner: User, approver: User) -> None:
    browser = signed_in(approver)
    sent = as_shown(browser) | {"tier": 2, "approvers": "owner", "labelled_until": "2013-06-30"}
    response = browser.post(SETTINGS, sent, follow=True)
    assert response.redirect_chain == [("/m/eta-trip/?tab=settings", 302)]
    assert "Saved." in words(response)
    family.refresh_from_db()
    assert (family.tier, str(family.labelled_until), list(family.approvers.all())) == (2, "2013-06-30", [owner])
    assert AuditEvent.objects.filter(action="registry.family_updated", actor_id=approver.pk).count() == 1
    assert AuditEvent.objects.filter(action="registry.labelled_until", actor_id=approver.pk).count() == 2


def test_a_lead_says_what_serving_has_and_who_is_on_call(
    family: ModelFamily, owner: User, approver: User, make_version: MakeVersion, atlanta: Segment
) -> None:
    """The page offers what a version declares, to copy; what was said stands on the page that everybody reads."""
    signature = {"inputs": [{"name": "distance_mi", "type": "double"}], "outputs": [{"type": "double"}]}
    make_version(atlanta, files={"signature.json": json.dumps(signature)})
    browser = signed_in(approver)
    assert "distance_mi: double" in words(browser.get(SETTINGS))
    said = {
        "on_call": "owner",
        "baselines": "median-of-3-months",
        "card_fields": "use, known limits",
        "serving_contract": "distance_mi: float64\n\n wind (mph): int64 ",
        "output": "double",
        "fallback_order": "boston, global",
        "resolve_cache_seconds": 5,
    }
    assert "Saved." in words(browser.post(SETTINGS, as_shown(browser) | said, follow=True))
    family.refresh_from_db()
    assert (family.serving_contract, family.card_fields) == (CONTRACT, ["use", "known limits"])
    assert (family.baselines, list(family.on_call.all())) == (["median-of-3-months"], [owner])
    assert (family.fallback_order, family.resolve_cache_seconds) == (["boston", "global"], 5)
    told = words(signed_in(owner).get("/m/eta-trip/?tab=settings"))
    for sentence in ("wind (mph) long", "Says use, known limits", "boston, then global", "5 seconds", "Owner"):
        assert sentence in told
    assert "Nothing was different" in words(browser.post(SETTINGS, as_shown(browser), follow=True))
    browser.post(SETTINGS, as_shown(browser) | {"serving_contract": "", "output": ""})
    family.refresh_from_db()
    assert family.serving_contract is None


def test_a_family_without_a_dimension_has_one_segment(team: Team, admin: User, approver: User) -> None:
    browser = signed_in(admin)
    browser.post("/models/new/", NEW | {"dimension": ""})
    sent = {"slug": "fraud", "name": "Fraud", "team": "rides-eta", "metric": "auc", "direction": "higher"}
    assert api(admin).post("/api/v1/families/", sent, format="json").json()["segments"] == 1
    for slug in ("daily-demand", "fraud"):
        segments = api(approver).get(f"/api/v1/families/{slug}/segments/").json()["results"]
        assert [segment["slug"] for segment in segments] == ["all"]
        assert "One: a single model for all" in words(browser.get(f"/m/{slug}/?tab=settings"))
        more = {"segments": [{"slug": "atlanta", "name": "Atlanta"}]}
        assert api(approver).post(f"/api/v1/families/{slug}/segments/", more, format="json").status_code == 400


OWNER = "/models/eta-trip/owner/"


def test_a_lead_or_an_admin_gives_a_family_to_another_team(
    family: ModelFamily, team: Team, other_team: Team, approver: User, admin: User, stranger: User
) -> None:
    ensure_experiment(actor=approver, name=family.experiment, team=team)
    browser = signed_in(approver)
    assert OWNER in browser.get("/m/eta-trip/?tab=settings").content.decode()
    assert "Choose a team" in words(browser.get(OWNER))
    given = browser.post(OWNER, {"team": "delivery", "reason": "They serve it."}, follow=True)
    assert "Trip ETA belongs to Delivery now." in words(given)
    told = AuditEvent.objects.get(action="registry.family_handed_over")
    assert (told.before, told.after, told.note) == ({"team": "rides-eta"}, {"team": "delivery"}, "They serve it.")
    assert Experiment.objects.get(name=family.experiment).team == other_team
    back = {"team": "rides-eta", "reason": "We do."}
    assert api(approver).put("/api/v1/families/eta-trip/team/", back, format="json").status_code == 403
    assert api(admin).put("/api/v1/families/eta-trip/team/", back, format="json").json()["team"] == "rides-eta"
    again = api(admin).put("/api/v1/families/eta-trip/team/", back, format="json")
    assert "owns Trip ETA already" in again.content.decode()


def test_nobody_else_gives_a_family_away_and_nothing_goes_while_a_promotion_is_open(
    family: ModelFamily,
    other_team: Team,
    owner: User,
    colleague: User,
    stranger: User,
    operator: User,
    approver: User,
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
) -> None:
    version = make_version(atlanta)
    evaluate(version)
    wave = propose(actor=colleague, family=family, versions=[version], reason="first")
    sent = {"team": "delivery", "reason": "They serve it."}
    for person in (owner, stranger, operator):
        assert signed_in(person).post(OWNER, sent).status_code == 403
    browser = signed_in(approver)
    for wrong in ({"team": "moon", "reason": "x"}, {"team": "delivery", "reason": " "}, sent):
        assert browser.post(OWNER, wrong).status_code == 400
    assert f"{wave} is still open" in words(browser.post(OWNER, sent))
    family.refresh_from_db()
    assert family.team != other_team


def test_sending_the_form_as_it_came_changes_nothing(family: ModelFamily, approver: User) -> None:
    browser = signed_in(approver)
    before = AuditEvent.objects.count()
    assert "Nothing was different" in words(browser.post(SETTINGS, as_shown(browser), follow=True))
    assert AuditEvent.objects.count() == before


def test_a_day_that_has_not_happened_keeps_everything_as_it_was(family: ModelFamily, approver: User) -> None:
    browser = signed_in(approver)
    response = browser.post(SETTINGS, as_shown(browser) | {"tier": 4, "labelled_until": "2999-01-01"})
    assert response.status_code == 400
    assert "has not happened yet" in words(response)
    family.refresh_from_db()
    assert family.tier == 1


def test_only_leads_of_the_owner_change_settings_and_everybody_reads_them(
    family: ModelFamily, owner: User, stranger: User, admin: User
) -> None:
    for person in (owner, stranger, admin):
        browser = signed_in(person)
        told = words(browser.get("/m/eta-trip/?tab=settings"))
        assert "A lead of Rides ETA can change these" in told
        assert "MAE in min, lower is better" in told
        assert SETTINGS not in browser.get("/m/eta-trip/?tab=settings").content.decode()
        for response in (browser.get(SETTINGS), browser.post(SETTINGS, NEW)):
            assert response.status_code == 403
            assert "Only a lead of the team" in words(response)


def test_the_settings_of_a_family_one_may_not_see_are_not_there(
    family: ModelFamily, approver: User, stranger: User
) -> None:
    browser = signed_in(approver)
    browser.post(SETTINGS, as_shown(browser) | {"visibility": "teams"})
    assert signed_in(stranger).get(SETTINGS).status_code == 404
