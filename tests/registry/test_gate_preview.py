"""What other gates would say of today's candidates: shown before they are kept."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.core.errors import Invalid, Missing
from apps.registry import queries
from apps.registry.actions import set_gates
from apps.registry.gates import GateSpec
from apps.registry.models import Gate, ModelFamily, Segment
from tests.conftest import api
from tests.registry.conftest import Evaluate, MakeVersion

ANY_GAIN = [GateSpec("significance")]
FOUR_MINUTES = [GateSpec("significance", {"margin": 4.0})]


@pytest.fixture
def candidates(
    make_champion: MakeVersion, make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment, boston: Segment
) -> None:
    """Atlanta's is 3 minutes better (2.5 to 3.5), Boston's is not evaluated."""
    for city in (atlanta, boston):
        make_champion(city)
    evaluate(make_version(atlanta), mae=6.0, champion_mae=9.0)
    make_version(boston)


def test_the_same_candidates_end_otherwise_under_other_gates(candidates: None, family: ModelFamily) -> None:
    lenient, strict = (queries.gate_preview(family, gates) for gates in (ANY_GAIN, FOUR_MINUTES))
    assert lenient.sentence == ("These rules on today's 2 candidates: 1 pass, 0 inconclusive, 0 fail, 1 not evaluated.")
    assert (strict.passed, strict.failed, strict.not_evaluated, strict.changed) == (0, 1, 1, 1)
    atlanta, boston = strict.rows
    assert (atlanta.segment, atlanta.outcome, atlanta.now, atlanta.changes) == ("atlanta", "fail", "pass", True)
    assert "not better by more than 4 min" in atlanta.verdicts[0].sentence
    assert (boston.outcome, boston.why_not) == (None, "It has not been evaluated yet.")


def test_a_preview_changes_nothing(candidates: None, family: ModelFamily) -> None:
    before = list(Gate.objects.values())
    queries.gate_preview(family, FOUR_MINUTES)
    assert list(Gate.objects.values()) == before


def test_without_proposed_gates_it_is_about_those_of_now(candidates: None, family: ModelFamily) -> None:
    now = queries.gate_preview(family)
    assert (now.passed, now.changed, len(now.gates)) == (1, 0, 3)


def test_without_candidates_there_is_nothing_to_preview(family: ModelFamily) -> None:
    assert queries.gate_preview(family).sentence == "There is no candidate today that these rules could judge."


def test_gates_without_sense_are_refused_before_they_are_tried(family: ModelFamily) -> None:
    with pytest.raises(Invalid, match="no gate 'luck'"):
        queries.gate_preview(family, [GateSpec("luck")])


def test_a_preview_takes_as_many_queries_for_one_candidate_as_for_many(
    candidates: None,
    family: ModelFamily,
    make_version: MakeVersion,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(8):
        queries.gate_preview(family, ANY_GAIN)


def test_the_api_tells_kinds_and_tries_gates(
    candidates: None, family: ModelFamily, owner: User, stranger: User
) -> None:
    kinds = {kind["name"]: kind for kind in api(owner).get("/api/v1/gate-kinds/").json()["kinds"]}
    assert kinds.keys() == set(Gate.Kind.values)
    assert [setting["name"] for setting in kinds["baseline"]["settings"]] == ["baseline", "margin", "proof"]
    address = "/api/v1/families/eta-trip/gates/preview/"
    body: dict[str, Any] = {"gates": [{"kind": "significance", "settings": {"margin": 4}}]}
    for person in (owner, stranger):  # everybody reads a family that is for everyone
        told = api(person).post(address, body, format="json").json()
        assert (told["failed"], told["changed"], told["rows"][0]["now"]) == (1, 1, "pass")
    assert api(owner).get(address).json()["passed"] == 1
    odd = {"gates": [{"kind": "significance", "settings": {"margin": [1]}}]}
    assert api(owner).post(address, odd, format="json").status_code == 400
    assert Client().get(address).status_code in (401, 403)


def test_a_gate_of_one_alias_takes_the_place_of_that_for_all(family: ModelFamily, approver: User) -> None:
    gates = [GateSpec("significance"), GateSpec("significance", {"margin": 0.5}, alias="champion")]
    set_gates(actor=approver, family=family, gates=gates)
    family = queries.family(actor=approver, slug="eta-trip")
    assert [dict(gate.settings) for gate in queries.gate_specs(family, "champion")] == [{"margin": 0.5}]
    assert [dict(gate.settings) for gate in queries.gate_specs(family, "staging")] == [{}]


def test_a_gate_of_an_alias_that_is_not_protected_is_refused(family: ModelFamily, approver: User) -> None:
    with pytest.raises(Invalid, match="promotes to champion, not to 'blue'"):
        set_gates(actor=approver, family=family, gates=[GateSpec("significance", alias="blue")])


def test_a_restricted_family_is_previewed_by_its_team_only(family: ModelFamily, owner: User, stranger: User) -> None:
    ModelFamily.objects.update(visibility="teams")
    assert queries.family(actor=owner, slug="eta-trip") == family
    with pytest.raises(Missing):
        queries.family(actor=stranger, slug="eta-trip")
    assert api(stranger).get("/api/v1/families/eta-trip/gates/preview/").status_code == 404
