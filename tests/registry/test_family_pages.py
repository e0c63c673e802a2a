"""The pages on which families are made and their settings changed."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.registry.models import ModelFamily
from tests.conftest import signed_in
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
}
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
    ],
)
def test_a_setting_that_makes_no_sense_is_said_at_its_field(
    family: ModelFamily, owner: User, admin: User, field: str, value: object, sentence: str
) -> None:
    response = signed_in(admin).post("/models/new/", NEW | {field: value})
    assert response.status_code == 400
    assert sentence in words(response).replace("&#x27;", "'")
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
