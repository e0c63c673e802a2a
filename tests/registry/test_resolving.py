"""Resolve: which version serves a segment, its own or by the fallback order; and how long that may be kept."""

from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.accounts.models import User
from apps.registry.actions import SegmentSpec, add_segments, move_alias, rollback, update_family
from apps.registry.models import ModelFamily, ModelVersion, Segment
from tests.conftest import api
from tests.registry.conftest import MakeVersion

ADDRESS = "/api/v1/families/eta-trip/resolve"


@pytest.fixture
def champion(make_champion: MakeVersion, atlanta: Segment) -> ModelVersion:
    return make_champion(atlanta)


def ask(user: User, query: str = "", **headers: str) -> Any:
    return api(user).get(f"{ADDRESS}?{query}", headers=headers)


def resolved(answer: Any) -> dict[str, Any]:
    return {row["segment"]: (row["model"], row["version"], row["fallback"]) for row in answer.json()["resolved"]}


def test_a_segment_is_served_by_its_own_champion(champion: ModelVersion, stranger: User) -> None:
    row = ask(stranger, "segment=atlanta").json()["resolved"]
    assert row == [
        {
            "segment": "atlanta",
            "model": "eta-trip.atlanta",
            "version": 1,
            "version_id": champion.pk,
            "digest": champion.digest,
            "fallback": None,
        }
    ]
    assert len(champion.digest) == 64


def test_one_without_gets_that_of_the_next_place_in_the_order_which_is_said(
    champion: ModelVersion, make_champion: MakeVersion, family: ModelFamily, admin: User, approver: User, owner: User
) -> None:
    more = [
        SegmentSpec("georgia", "Georgia", ""),
        SegmentSpec("macon", "Macon", "Georgia"),
        SegmentSpec("global", "Everywhere"),
    ]
    add_segments(actor=admin, family=family, segments=more)
    georgia, macon, everywhere = (Segment.objects.get(slug=spec.slug) for spec in more)
    assert ask(owner, "segment=macon").status_code == 404
    make_champion(everywhere)
    update_family(actor=approver, family=family, fallback_order=["region", "global"])
    assert resolved(ask(owner, "segment=macon")) == {"macon": ("eta-trip.global", 1, "global")}
    make_champion(georgia)
    assert resolved(ask(owner, "segment=macon")) == {"macon": ("eta-trip.georgia", 1, "georgia")}
    own = make_champion(macon)
    assert resolved(ask(owner, "segment=macon")) == {"macon": (own.model.name, 1, None)}


def test_all_segments_in_one_call_and_those_without_by_name(champion: ModelVersion, owner: User) -> None:
    answer = ask(owner)
    assert resolved(answer) == {"atlanta": ("eta-trip.atlanta", 1, None)}
    assert answer.json()["without"] == ["boston"]
    assert ask(owner, "segment=atlanta&segment=boston").json() == answer.json()


def test_any_alias_can_be_asked_for(champion: ModelVersion, owner: User) -> None:
    move_alias(actor=owner, version=champion, alias="shadow")
    assert resolved(ask(owner, "alias=shadow"))["atlanta"] == ("eta-trip.atlanta", 1, None)
    answer = ask(owner, "segment=atlanta&alias=canary")
    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "eta-trip has no canary for atlanta, and its fallback order leads to none.",
    )


def test_an_answer_may_be_kept_as_long_as_the_family_says_and_comes_once(
    champion: ModelVersion, family: ModelFamily, owner: User, approver: User
) -> None:
    update_family(actor=approver, family=family, resolve_cache_seconds=300)
    first = ask(owner)
    assert (first["Cache-Control"], first["Vary"]) == ("private, max-age=300", "Authorization, Cookie")
    again = ask(owner, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


def test_after_a_move_the_tag_is_another(make_champion: MakeVersion, atlanta: Segment, approver: User) -> None:
    make_champion(atlanta)
    newest = make_champion(atlanta, content="2")
    before = ask(approver)["ETag"]
    rollback(actor=approver, family=newest.model.its_family, versions=[newest], reason="wrong")
    answer = ask(approver, **{"If-None-Match": before})
    assert (answer.status_code, resolved(answer)["atlanta"][1]) == (200, 1)


def test_an_unknown_segment_is_named(champion: ModelVersion, owner: User) -> None:
    answer = ask(owner, "segment=atlanta&segment=nowhere%00")
    assert (answer.status_code, answer.json()["message"]) == (404, "Trip ETA has no segment nowhere.")


def test_a_thousand_and_one_segments_are_too_many(champion: ModelVersion, owner: User) -> None:
    answer = ask(owner, "&".join(["segment=atlanta"] * 1_001))
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        {"segment": "At most 1,000 segments at once; leave them out for all."},
    )


def test_a_strangers_family_does_not_exist(
    champion: ModelVersion, family: ModelFamily, approver: User, stranger: User
) -> None:
    update_family(actor=approver, family=family, visibility="teams")
    assert ask(stranger).status_code == 404
    assert api(stranger).get("/api/v1/families/eta-trip/snapshot/").status_code == 404


def test_while_the_database_is_away_the_answer_is_try_again(champion: ModelVersion, owner: User) -> None:
    client = api(owner)

    def away(*args: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(away):
        answer = client.get(ADDRESS)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_fleet_costs_no_more_queries_than_a_city(
    champion: ModelVersion, family: ModelFamily, admin: User, owner: User, django_assert_max_num_queries: Any
) -> None:
    cities = [SegmentSpec(f"city-{n}", f"City {n}", "GA") for n in range(200)]
    add_segments(actor=admin, family=family, segments=cities)
    client = api(owner)
    with django_assert_max_num_queries(6):
        assert len(client.get(ADDRESS).json()["without"]) == 201
