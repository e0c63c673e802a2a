"""Families: who makes and changes them, what they may be, who sees them."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.core.context import Credential, Door, present, through
from apps.core.errors import Denied, Exists, Invalid, Missing
from apps.registry import queries
from apps.registry.actions import (
    AliasSpec,
    SegmentSpec,
    add_segments,
    create_family,
    set_gates,
    set_labelled_until,
    update_family,
)
from apps.registry.gates import GateSpec
from apps.registry.models import ModelFamily


def create(actor: User, team: Team, **chosen: Any) -> ModelFamily:
    basics = {"slug": "demand", "name": "Demand", "dimension": "city", "metric": "wape"}
    return create_family(actor=actor, team=team, **basics | chosen)


def test_a_platform_admin_creates_a_family_with_the_default_gates(admin: User, team: Team) -> None:
    family = create(admin, team, tier=2)
    first_five = ["significance", "baseline", "enough_data", "no_leakage", "files"]
    assert [gate.kind for gate in family.gates.all()] == first_five
    assert family.approvals == 1
    assert [event.sentence for event in timeline(family)] == ["created the model family Demand"]


def test_the_more_a_mistake_costs_the_more_gates_a_family_begins_with(admin: User, team: Team) -> None:
    contract = {"inputs": {"x": "double"}, "output": "double"}
    kinds = {
        tier: {gate.kind for gate in create(admin, team, slug=f"tier-{tier}", tier=tier, **chosen).gates.all()}
        for tier, chosen in ((1, {}), (2, {"serving_contract": contract}), (4, {}))
    }
    assert kinds[1] - kinds[4] == {"serving_contract", "card", "reproducible"}
    assert kinds[2] - kinds[4] == {"serving_contract"}


def test_nobody_else_creates_a_family(owner: User, approver: User, operator: User, team: Team) -> None:
    for person in (owner, approver, operator):
        with pytest.raises(Denied, match="Only a platform admin"):
            create(person, team)
    assert not ModelFamily.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"slug": "no slug"}, "slug"),
        ({"slug": "a.b"}, "slug"),
        ({"slug": "x" * 65}, "slug"),
        ({"dimension": "no slug"}, "dimension"),
        ({"tier": 5}, "tier"),
        ({"name": ""}, "name"),
        ({"direction": "sideways"}, "direction"),
        ({"visibility": "nobody"}, "visibility"),
        ({"evaluator": "nobody's"}, "evaluator"),
        ({"aliases": [AliasSpec("staging")]}, "protected_aliases"),
        ({"approvals_needed": -1}, "approvals_needed"),
        ({"approvals_needed": 6}, "approvals_needed"),
        ({"freshness_days": 40_000}, "freshness_days"),
        ({"freshness_days": 0}, "freshness_days"),
        ({"label_delay_days": 366}, "label_delay_days"),
        ({"evaluator": "eta", "baselines": ["luck"]}, "baselines"),
        ({"baselines": ["median-of-3-months"]}, "baselines"),
        ({"serving_contract": {"inputs": {}, "output": "double"}}, "serving_contract"),
        ({"serving_contract": {"inputs": {"x": "double"}}}, "serving_contract"),
        ({"serving_contract": {"inputs": {"x": "decimal"}, "output": "double"}}, "serving_contract"),
        ({"serving_contract": {"inputs": {"x": "double"}, "output": ["double"]}}, "serving_contract"),
        ({"serving_contract": ["x"]}, "serving_contract"),
        ({"fallback_order": ["atlantis"]}, "fallback_order"),
        ({"fallback_order": ["region", "region"]}, "fallback_order"),
        ({"resolve_cache_seconds": 86_401}, "resolve_cache_seconds"),
        ({"card_fields": ["use", "use"]}, "card_fields"),
        ({"card_fields": [""]}, "card_fields"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_named(admin: User, team: Team, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        create(admin, team, **wrong)
    assert field in refused.value.errors
    assert not ModelFamily.objects.exists()


def test_a_slug_is_taken_once(admin: User, team: Team) -> None:
    create(admin, team)
    with pytest.raises(Exists, match="already a family 'demand'"):
        create(admin, team)


def test_leads_change_settings_and_the_audit_tells_what(
    family: ModelFamily, approver: User, owner: User, admin: User
) -> None:
    for person in (owner, admin):
        with pytest.raises(Denied, match="Only a lead"):
            update_family(actor=person, family=family, tier=4)
    changed = update_family(actor=approver, family=family, tier=4, description="Minutes in the air")
    assert changed.approvals == 0
    event = timeline(family)[0]
    assert (event.before["tier"], event.after["tier"]) == (1, 4)
    before = timeline(family).count()
    update_family(actor=approver, family=family, tier=4)
    assert timeline(family).count() == before


def test_everything_about_evaluation_and_serving_is_a_setting(
    family: ModelFamily, approver: User, colleague: User
) -> None:
    wanted: dict[str, Any] = {
        "baselines": ["median-of-3-months"],
        "serving_contract": {"inputs": {"distance_mi": "double"}, "output": "double"},
        "fallback_order": ["boston", "region", "global"],
        "resolve_cache_seconds": 5,
        "card_fields": ["use", "limits"],
    }
    changed = update_family(actor=approver, family=family, on_call=[colleague], **wanted)
    assert {name: getattr(changed, name) for name in wanted} == wanted
    after = timeline(family)[0].after
    assert (after["on_call"], after["fallback_order"]) == (["colleague"], ["boston", "region", "global"])


def test_who_is_on_call_sees_a_restricted_family(family: ModelFamily, approver: User, stranger: User) -> None:
    update_family(actor=approver, family=family, visibility="teams", on_call=[stranger])
    assert queries.family(actor=stranger, slug="eta-trip") == family


def test_gates_are_set_by_leads(family: ModelFamily, approver: User, owner: User) -> None:
    with pytest.raises(Denied):
        set_gates(actor=owner, family=family, gates=[])
    gates = set_gates(actor=approver, family=family, gates=[GateSpec("significance", {"margin": 0.5})])
    assert [(gate.kind, gate.settings) for gate in gates] == [("significance", {"margin": 0.5})]
    assert timeline(family)[0].after == {"significance": {"margin": 0.5}}


def test_segments_are_added_once_by_leads_and_admins(
    family: ModelFamily, approver: User, admin: User, owner: User, stranger: User
) -> None:
    paris = SegmentSpec("paris", "Paris", latitude=48.9, longitude=2.4)
    for person in (owner, stranger):
        with pytest.raises(Denied):
            add_segments(actor=person, family=family, segments=[paris])
    for person in (approver, admin):
        assert [segment.name for segment in add_segments(actor=person, family=family, segments=[paris])] == ["Paris"]
    assert queries.segments(family).count() == 3
    with pytest.raises(Invalid, match="no slug"):
        add_segments(actor=admin, family=family, segments=[SegmentSpec("São Paulo", "São Paulo")])


def test_labels_are_known_until_a_day_that_has_happened(family: ModelFamily, approver: User, owner: User) -> None:
    with pytest.raises(Denied):
        set_labelled_until(actor=owner, family=family, day=date(2013, 8, 31))
    tomorrow = timezone.now().date() + timedelta(days=1)
    with pytest.raises(Invalid, match="has not happened yet"):
        set_labelled_until(actor=approver, family=family, day=tomorrow)


@pytest.mark.parametrize(
    ("day", "window"),
    [
        (date(2013, 7, 31), (date(2013, 7, 1), date(2013, 7, 31))),
        (date(2013, 7, 30), (date(2013, 6, 1), date(2013, 6, 30))),
        (date(2012, 2, 29), (date(2012, 2, 1), date(2012, 2, 29))),
        (date(2013, 1, 1), (date(2012, 12, 1), date(2012, 12, 31))),
        (None, None),
    ],
)
def test_the_newest_window_is_the_last_whole_month_with_labels(day: date | None, window: object) -> None:
    assert queries.newest_window(ModelFamily(labelled_until=day)) == window


def test_age_counts_from_the_newest_label_and_not_from_today(family: ModelFamily) -> None:
    assert family.age_of(date(2013, 6, 30)) == 31
    assert family.age_of(None) is None


def test_a_stranger_cannot_see_that_a_restricted_family_exists(
    family: ModelFamily, approver: User, owner: User, stranger: User
) -> None:
    assert queries.family(actor=stranger, slug="eta-trip") == family
    update_family(actor=approver, family=family, visibility="teams")
    assert queries.family(actor=owner, slug="eta-trip") == family
    with pytest.raises(Missing):
        queries.family(actor=stranger, slug="eta-trip")
    update_family(actor=approver, family=family, approvers=[stranger])
    assert queries.families(stranger).count() == 1


def test_a_narrowed_token_sees_only_its_part(family: ModelFamily, admin: User, other_team: Team, owner: User) -> None:
    create(admin, other_team)
    narrowed = {
        "all": Credential("token", frozenset({"read"})),
        "team": Credential("token", frozenset({"read"}), teams=frozenset({"rides-eta"})),
        "family": Credential("token", frozenset({"read"}), families=frozenset({"demand"})),
    }
    seen = {}
    for name, credential in narrowed.items():
        with through(Door.API):
            present(credential)
            seen[name] = sorted(queries.families(owner).values_list("slug", flat=True))
    assert seen == {"all": ["demand", "eta-trip"], "team": ["eta-trip"], "family": ["demand"]}


def test_the_database_knows_only_four_tiers(family: ModelFamily) -> None:
    with pytest.raises(DatabaseError, match="tiers_are_1_to_4"), transaction.atomic():
        ModelFamily.objects.filter(pk=family.pk).update(tier=5)
