"""The journey over the API, and what its doors refuse."""

from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.registry.actions import update_family
from apps.registry.models import ModelFamily, ModelVersion, Segment, Wave
from tests.conftest import api
from tests.registry.conftest import Evaluate, MakeVersion


@pytest.fixture
def candidate(
    make_version: MakeVersion, make_champion: MakeVersion, evaluate: Evaluate, atlanta: Segment
) -> ModelVersion:
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version)
    return version


def proposed(client: APIClient, candidate: ModelVersion, **chosen: Any) -> Any:
    body = {"family": "eta-trip", "versions": [candidate.pk], "reason": "July winds"} | chosen
    return client.post("/api/v1/promotions/", body, format="json")


def test_a_promotion_goes_from_fleet_to_rollback(
    candidate: ModelVersion, colleague: User, approver: User, owner: User
) -> None:
    scientist, lead = api(colleague), api(approver)
    fleet = scientist.get("/api/v1/families/eta-trip/fleet/").json()
    row = next(row for row in fleet if row["segment"] == "atlanta")
    assert (row["is_eligible"], row["candidate"]["id"], row["comparison"]["difference"]) == (True, candidate.pk, 3.0)
    answer = proposed(scientist, candidate)
    assert answer.status_code == 201, answer.json()
    wave = answer.json()["wave"]
    waiting = lead.get("/api/v1/promotions/waiting/").json()
    assert [one["id"] for one in waiting["results"]] == [wave["id"]]
    done = lead.post(f"/api/v1/promotions/{wave['id']}/approve/", {"digest": wave["digest"]}, format="json")
    assert (done.status_code, done.json()["wave"]["status"]) == (200, "applied")
    model = scientist.get("/api/v1/models/eta-trip.atlanta/").json()
    assert model["aliases"] == [{"name": "champion", "version": 2}]
    back = lead.post("/api/v1/models/eta-trip.atlanta/rollback/", {"reason": "slow", "version": 2}, format="json")
    waiting = api(colleague).get("/api/v1/rollbacks/waiting/").json()["results"]
    assert [(row["id"], row["reason"]) for row in waiting] == [(back.json()["id"], "slow")]
    assert back.json() == {
        "id": waiting[0]["id"],
        "moves": [{"model": "eta-trip.atlanta", "before": 2, "after": 1}],
        "refused": {},
    }
    again = lead.post("/api/v1/models/eta-trip.atlanta/rollback/", {"reason": "slow", "version": 2}, format="json")
    assert again.status_code == 409
    history = scientist.get("/api/v1/models/eta-trip.atlanta/aliases/").json()
    assert [(move["kind"], move["before"], move["after"]) for move in history["results"]] == [
        ("rollback", 2, 1),
        ("promotion", 1, 2),
        ("promotion", None, 1),
    ]


def test_a_refused_proposal_names_each_city(make_version: MakeVersion, atlanta: Segment, owner: User) -> None:
    answer = proposed(api(owner), make_version(atlanta))
    assert answer.status_code == 409
    assert answer.json()["errors"] == {"eta-trip.atlanta": "It has not been evaluated yet."}


def test_files_of_a_version_are_downloads(candidate: ModelVersion, stranger: User) -> None:
    client = api(stranger)
    files = client.get(f"/api/v1/versions/{candidate.pk}/files/").json()["results"]
    assert [file["path"] for file in files] == ["model.json"]
    answer = client.get(f"/api/v1/versions/{candidate.pk}/files/model.json")
    assert b"".join(answer.streaming_content) == b"{}"  # type: ignore[attr-defined]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert client.get(f"/api/v1/versions/{candidate.pk}/files/../../secret").status_code == 404


def test_evaluations_are_asked_for_and_never_written(candidate: ModelVersion, owner: User) -> None:
    client = api(owner)
    asked = client.post("/api/v1/evaluations/", {"family": "eta-trip", "versions": [candidate.pk]}, format="json")
    assert asked.status_code == 202
    evaluation = asked.json()[0]
    assert (evaluation["status"], evaluation["candidate_metric"]) == ("done", 6.0)
    one = f"/api/v1/evaluations/{evaluation['id']}/"
    assert client.get(one).json()["daily"][0]["rows"] == 90
    for write in (client.put, client.patch, client.delete):
        assert write(one, {"candidate_metric": 0.01}, format="json").status_code == 405


def test_versions_are_never_written_over_the_api(candidate: ModelVersion, owner: User) -> None:
    client = api(owner)
    assert client.post("/api/v1/versions/", {}, format="json").status_code == 405
    one = f"/api/v1/versions/{candidate.pk}/"
    assert client.delete(one).status_code == 405
    answer = client.patch(one, {"description": "Summer.", "trained_through": "2013-01-01"}, format="json")
    assert (answer.json()["description"], answer.json()["trained_through"]) == ("Summer.", "2013-06-30")


def test_a_token_needs_the_scope_of_the_verb_and_reaches_only_its_part(
    candidate: ModelVersion, colleague: User, approver: User
) -> None:
    assert proposed(api(colleague, scope=["read"]), candidate).status_code == 403
    assert proposed(api(colleague, scope=["read", "registry:write"], families=["demand"]), candidate).status_code == 404
    narrow = api(colleague, scope=["read", "registry:write"], families=["eta-trip"])
    wave = proposed(narrow, candidate).json()["wave"]
    address, body = f"/api/v1/promotions/{wave['id']}/approve/", {"digest": wave["digest"]}
    writer = api(approver, scope=["read", "registry:write"])
    assert writer.post(address, body, format="json").status_code == 403
    decider = api(approver, scope=["read", "registry:approve"], families=["eta-trip"])
    assert decider.post(address, body, format="json").json()["wave"]["status"] == "applied"


def test_a_stranger_cannot_see_that_a_restricted_family_exists(
    candidate: ModelVersion, family: ModelFamily, approver: User, colleague: User, stranger: User
) -> None:
    wave = proposed(api(colleague), candidate).json()["wave"]
    update_family(actor=approver, family=family, visibility="teams")
    client = api(stranger)
    for address in (
        "families/eta-trip/",
        "families/eta-trip/fleet/",
        "families/eta-trip/segments/",
        "models/eta-trip.atlanta/",
        "models/eta-trip.atlanta/versions/",
        "models/eta-trip.atlanta/aliases/",
        f"versions/{candidate.pk}/",
        f"versions/{candidate.pk}/files/",
        f"versions/{candidate.pk}/files/model.json",
        f"evaluations/{candidate.evaluations.get().pk}/",
        f"promotions/{wave['id']}/",
    ):
        assert client.get(f"/api/v1/{address}").status_code == 404, address
    for listing in ("families", "models", "versions", "evaluations", "promotions"):
        assert client.get(f"/api/v1/{listing}/").json()["count"] == 0, listing
    assert proposed(client, candidate).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"versions": []},
        {"versions": ["x"]},
        {"versions": [10**30]},
        {"versions": [999_999_999]},
        {"versions": list(range(1, 1_002))},
        {"family": "no such"},
        {"family": "a\0b"},
        {"reason": ""},
        {"reason": "x" * 2_001},
        {"reason": "nul \0 inside"},
        {"alias": "latest"},
        {"key": "k" * 101},
    ],
    ids=lambda body: next(iter(body)),
)
def test_a_wrong_body_is_a_clear_refusal_and_makes_nothing(
    candidate: ModelVersion, colleague: User, body: dict[str, Any]
) -> None:
    before = Wave.objects.count()
    answer = proposed(api(colleague), candidate, **body)
    assert answer.status_code in (400, 404), answer.json()
    assert answer.json()["message"]
    assert Wave.objects.count() == before


@pytest.mark.parametrize(
    "address",
    [
        "models/eta-trip.atlanta%00/",
        "models/nowhere.atlanta/",
        "versions/99999999999999999999999/",
        "versions/999999999999999999/",
        "versions/999999999999999999999/files/",
        "promotions/999999999999999999/",
        "evaluations/0/",
        "families/%00/",
        "versions/?model=%00",
        "versions/?run=x%00",
        "evaluations/?candidate=1e99",
        "evaluations/?status=odd",
        "promotions/?family=%00&status=odd",
    ],
)
def test_a_senseless_address_is_no_error_of_ours(owner: User, family: ModelFamily, address: str) -> None:
    assert api(owner).get(f"/api/v1/{address}").status_code in (200, 400, 404)


def test_families_are_made_and_changed_over_the_api(admin: User, approver: User, family: ModelFamily) -> None:
    body = {"slug": "demand", "name": "Demand", "team": "rides-eta", "dimension": "city", "metric": "wape"}
    made = api(admin).post("/api/v1/families/", body, format="json")
    assert (made.status_code, made.json()["gates"][0]["kind"]) == (201, "significance")
    assert api(admin).post("/api/v1/families/", body, format="json").status_code == 409
    lead = api(approver)
    assert lead.patch("/api/v1/families/demand/", {"tier": 2}, format="json").json()["approvals"] == 1
    contract = {"inputs": {"distance_mi": "double"}, "output": "double"}
    people = {"on_call": [approver.username], "approvers": [admin.username], "serving_contract": contract}
    told = lead.patch("/api/v1/families/demand/", people, format="json").json()
    assert {name: told[name] for name in people} == people
    assert lead.patch("/api/v1/families/demand/", {"on_call": ["nobody"]}, format="json").status_code == 404
    odd = {"serving_contract": {"inputs": {"x": "decimal"}, "output": "double"}}
    assert lead.patch("/api/v1/families/demand/", odd, format="json").status_code == 400
    assert lead.patch("/api/v1/families/demand/", {"evaluator": "odd"}, format="json").status_code == 400
    gates = {"gates": [{"kind": "enough_data", "settings": {"rows": 50}}]}
    assert lead.put("/api/v1/families/demand/gates/", gates, format="json").json()["gates"] == [
        {"kind": "enough_data", "alias": "", "settings": {"rows": 50}}
    ]
    day = {"day": str(date(2013, 6, 30))}
    assert (
        lead.put("/api/v1/families/demand/labelled-until/", day, format="json").json()["labelled_until"] == day["day"]
    )
    city = {"segments": [{"slug": "paris", "name": "Paris"}]}
    assert lead.post("/api/v1/families/demand/segments/", city, format="json").status_code == 201
    assert lead.get("/api/v1/families/demand/segments/").json()["count"] == 3
