"""Versions beside each other: on which ground, what differs, over months; the list of all; who may see it."""

import gzip
import re
from collections.abc import Callable
from datetime import date

import pytest

from apps.accounts.models import User
from apps.registry.actions import Claim, claim_evaluations, create_family, finish_evaluations, request_evaluations
from apps.registry.models import Evaluation, ModelFamily, ModelVersion, Segment
from apps.registry.queries import persistence
from tests.conftest import api, signed_in
from tests.dashboard.conftest import numbers
from tests.dashboard.test_families import shown, words

Cities = Callable[[int], list[str]]
Make = Callable[..., dict[str, ModelVersion]]
COMPARE, VERSIONS = "/models/eta-trip/compare/", "/models/eta-trip/versions/"
HTMX = {"HX-Request": "true"}
JUNE, JULY = (date(2013, 6, 1), date(2013, 6, 30)), (date(2013, 7, 1), date(2013, 7, 31))


def on(month: tuple[date, date], owner: User, family: ModelFamily, scores: dict[ModelVersion, float]) -> None:
    """Evaluates these versions on the month; what is their champion has 9 minutes there."""
    asked = request_evaluations(
        actor=owner, family=family, candidates=list(scores), window_first=month[0], window_last=month[1]
    )
    by_id = {row.pk: row for row in asked}
    results = [
        (Claim(row.pk, row.attempt), numbers(scores[by_id[row.pk].candidate], 9.0 if row.champion_id else None))
        for row in claim_evaluations(limit=100, lease_seconds=15)
    ]
    finish_evaluations(results=results)


def between(*versions: ModelVersion, more: str = "") -> str:
    return f"{COMPARE}?versions={','.join(str(version.pk) for version in versions)}{more}"


@pytest.fixture
def trio(cities: Cities, champions: Make, candidates: Make, register: Make) -> list[ModelVersion]:
    """City 0 with its champion v1, and v2 and v3 that were evaluated against it on July."""
    first = champions(cities(2))["city-0"]
    second = candidates(["city-0"])["city-0"]
    third = candidates(["city-0"], mae=5.0, rows=90)["city-0"]
    return [first, second, third]


def test_the_stored_interval_of_both_is_shown_whichever_is_the_reference(owner: User, trio: list[ModelVersion]) -> None:
    told = words(shown(owner, between(trio[0], trio[1])))
    assert "MAE min 9.00 6.00" in told
    assert "▼ 3.00 better 90 %: 2.50 to 3.50, on the same 90 rows of 20 days" in told
    turned = words(shown(owner, between(trio[1], trio[0])))
    assert "▲ 3.00 worse 90 %: -3.50 to -2.50, on the same 90 rows of 20 days" in turned


def test_two_candidates_are_paired_by_the_rows_that_both_were_scored_on(owner: User, trio: list[ModelVersion]) -> None:
    told = words(shown(owner, between(trio[1], trio[2])))
    assert "▼ 1.00 better 90 %: 1.00 to 1.00, on the same 6 rows of 3 days" in told


def test_cities_have_other_rows_so_each_has_an_interval_of_its_own(
    owner: User, family: ModelFamily, trio: list[ModelVersion]
) -> None:
    other = ModelVersion.objects.get(model__name="eta-trip.city-1")
    told = words(shown(owner, between(trio[1], other)))
    assert "▲ 3.00 worse On other rows: no interval of a difference; look at each one’s own." in told
    assert "Its own 90 % interval 6.00 to 6.00 9.00 to 9.00" in told


def test_another_metric_is_shown_beside_and_never_subtracted(
    owner: User, admin: User, family: ModelFamily, trio: list[ModelVersion], register: Make
) -> None:
    other = create_family(
        actor=admin, slug="late", name="Late", team=family.team, dimension="city", metric="auc", direction="higher",
        tier=3, evaluator="late",
    )  # fmt: skip
    trio[1].model.family = other
    ModelVersion.objects.get(pk=trio[1].pk)
    type(trio[1].model).objects.filter(pk=ModelVersion.objects.get(model__name="eta-trip.city-1").model_id).update(
        family=other
    )
    stranger = ModelVersion.objects.get(model__name="eta-trip.city-1")
    told = words(shown(owner, between(trio[0], stranger)))
    assert "9.00 AUC , another metric" in told
    assert "Its family measures something else." in told


def test_what_differs_is_marked_and_what_does_not_can_be_left_out(
    owner: User, family: ModelFamily, trio: list[ModelVersion], register: Make
) -> None:
    made = register(["city-0"], parameters={"alpha": 10.0, "features": ["hour", "origin"]}, pipeline="eta-boosting")
    address = between(trio[0], made["city-0"])
    everything = words(shown(owner, address))
    assert "Kind Trained Trained Pipeline eta-ridge eta-boosting" in everything
    assert "alpha 1.0 10.0 features – hour, origin" in everything
    only = words(shown(owner, f"{address}&only=1"))
    assert "Kind Trained" not in only
    assert "Pipeline eta-ridge eta-boosting" in only
    assert re.search(r"the same is said of all: \d+ lines", only)


def test_the_default_is_champion_against_newest_from_every_way_in(owner: User, trio: list[ModelVersion]) -> None:
    browser, wanted = signed_in(owner), f"{COMPARE}?versions={trio[0].pk},{trio[2].pk}"
    assert f'href="{COMPARE}"' in shown(owner, "/m/eta-trip/")
    pairs = shown(owner, COMPARE)
    assert f'href="{wanted}"' in pairs
    assert "v1 and v3 9.00 5.00 4.00 3.50 to 4.50 Jul 2013, 90 rows" in words(pairs)
    assert f'href="{COMPARE}?segment=city-0"' in shown(owner, "/m/eta-trip/city-0/")
    assert browser.get(f"{COMPARE}?segment=city-0").headers["Location"] == wanted
    assert browser.get(f"{COMPARE}?versions={trio[2].pk}").headers["Location"] == wanted
    added = browser.get(f"{COMPARE}?versions={trio[0].pk}&add=city-0/3&only=1")
    assert added.headers["Location"] == f"{wanted}&only=1"
    ticked = browser.get(f"{COMPARE}?versions={trio[0].pk}&versions={trio[1].pk}")
    assert ticked.status_code == 200


def test_a_version_is_named_in_the_words_of_people(owner: User, trio: list[ModelVersion]) -> None:
    page = shown(owner, f"{COMPARE}?versions=city-0@champion,eta-trip.city-0/3,city-0/v2")
    assert "<title>City 0 v1 against City 0 v3 against City 0 v2" in page
    browser = signed_in(owner)
    for names, status in (("nonsense", 400), ("city-9/1", 404), ("1" * 40, 400), ("1,2,3,4,5,6,7", 400)):
        assert browser.get(f"{COMPARE}?versions={names}").status_code == status, names
    assert browser.get(between(*trio, more="&month=2010-01-31")).status_code == 400


def test_months_say_who_won_and_whether_the_winner_stays(
    owner: User, family: ModelFamily, trio: list[ModelVersion]
) -> None:
    on(JUNE, owner, family, {trio[1]: 8.0, trio[2]: 8.5})
    told = words(shown(owner, between(*trio)))
    assert "City 0 v2 won June 2013 and did not win July." in told
    assert "Jun 2013 9.00 best, 8.00 8.50 Jul 2013 9.00 6.00 best, 5.00" in told
    assert "Version City 0 Plain baseline v1 9.00 7.00 v2 6.00 7.00 v3 5.00 7.00" in told
    june = words(shown(owner, between(*trio, more="&month=2013-06-30")))
    assert "8.00 Trained on it" in june
    assert [(step.segments, step.stayed) for step in persistence(family)] == [(1, 0)]
    course = f"{VERSIONS}course/"
    assert f'hx-get="{course}" hx-trigger="revealed"' in shown(owner, VERSIONS)
    assert f'hx-get="{course}?segment=city-0"' in shown(owner, f"{VERSIONS}?segment=city-0")
    for told in (words(shown(owner, course)), words(shown(owner, course, **HTMX))):
        assert "Jun 2013 Jul 2013 1 0 0.33" in told
        assert "Trained through on Jun 2013 on Jul 2013 31 Mar 2013 – 9.00 30 Jun 2013 8.25 5.50" in told
    assert "<html" not in shown(owner, course, **HTMX)
    assert "is no line to draw" in words(shown(owner, f"{course}?segment=city-1", **HTMX))


def test_the_api_tells_the_course_of_all_segments_or_of_one(
    owner: User, stranger: User, family: ModelFamily, trio: list[ModelVersion]
) -> None:
    on(JUNE, owner, family, {trio[1]: 8.0, trio[2]: 8.5})
    course = "/api/v1/families/eta-trip/course/"
    told = api(owner).get(course).json()
    assert told["steps"] == [
        {"month": "2013-06-30", "following": "2013-07-31", "segments": 1, "stayed": 0, "by_chance": 0.3333333333333333}
    ]
    assert [(one["trained_through"], one["window_last"], one["metric"]) for one in told["vintages"]] == [
        ("2013-03-31", "2013-07-31", 9.0),
        ("2013-06-30", "2013-06-30", 8.25),
        ("2013-06-30", "2013-07-31", 5.5),
    ]
    (only,) = api(owner).get(f"{course}?segment=city-1").json()["vintages"]
    assert only == {
        "trained_through": "2013-03-31", "window_last": "2013-07-31", "versions": 1, "metric": 9.0, "baseline": 7.0,
    }  # fmt: skip
    assert api(owner).get(f"{course}?segment=nowhere").status_code == 404
    assert api(owner).get(f"{course}?segment=no%00where").status_code == 400
    assert api(stranger).get(course).status_code == 200


def test_where_nothing_was_measured_there_is_no_course_yet(owner: User, family: ModelFamily) -> None:
    assert "Nothing to compare yet" in words(shown(owner, f"{VERSIONS}course/"))
    alone = words(shown(owner, f"{VERSIONS}course/?segment=city-0"))
    assert "The chart is of city-0 alone. Of all segments" in alone


def test_the_api_says_the_same(owner: User, stranger: User, trio: list[ModelVersion]) -> None:
    ids = ",".join(str(version.pk) for version in trio)
    body = api(owner).get(f"/api/v1/families/eta-trip/compare/?versions={ids}").json()
    assert [one["score"]["metric"] for one in body["versions"]] == [9.0, 6.0, 5.0]
    assert body["versions"][2]["against_reference"] == {
        "how": "same rows", "difference": 4.0, "lower": 3.5, "upper": 4.5,
    }  # fmt: skip
    assert body["versions"][0]["aliases"] == ["champion"]
    parameters = next(group for group in body["groups"] if group["title"] == "Parameters")
    assert parameters["lines"] == [{"name": "alpha", "values": ["1.0"] * 3, "differs": False}]
    assert api(owner).get("/api/v1/families/eta-trip/compare/?segment=city-0").json()["versions"][1]["number"] == 3
    assert api(owner).get("/api/v1/families/eta-trip/compare/").status_code == 400


def test_versions_of_all_cities_are_listed_narrowed_and_ticked(owner: User, trio: list[ModelVersion]) -> None:
    page = shown(owner, VERSIONS)
    assert re.findall(r'aria-label="(City \d v\d)"', page) == ["City 0 v3", "City 0 v2", "City 1 v1", "City 0 v1"]
    assert "Compare selected" in page
    assert len(re.findall(r'name="versions"', shown(owner, f"{VERSIONS}?q=city-1"))) == 1
    assert len(re.findall(r'name="versions"', shown(owner, f"{VERSIONS}?alias=champion"))) == 2
    assert len(re.findall(r'name="versions"', shown(owner, f"{VERSIONS}?pipeline=eta-ridge&kind=trained"))) == 4
    assert "No version matches" in words(shown(owner, f"{VERSIONS}?pipeline=none"))
    for query in ("?kind=odd", "?sort=odd"):
        assert signed_in(owner).get(VERSIONS + query).status_code == 400


def test_versions_of_cities_of_one_name_stay_together_and_are_told_apart(owner: User, trio: list[ModelVersion]) -> None:
    Segment.objects.update(name="Washington")
    page = shown(owner, f"{VERSIONS}?sort=-segment")
    assert re.findall(r'href="/m/eta-trip/city-(\d/v\d)/"', page) == ["1/v1", "0/v3", "0/v2", "0/v1"]
    assert "Washington v1 city-1 Champion" in words(page)
    assert 'aria-label="Washington v3 (city-0)"' in page


def test_cities_of_one_name_are_told_apart_where_they_stand_beside_each_other(
    owner: User, trio: list[ModelVersion]
) -> None:
    Segment.objects.update(name="Washington")
    assert "<title>Washington (city-0) v1 against Washington (city-1) v1 ·" in shown(
        owner, f"{COMPARE}?versions=city-0/1,city-1/1"
    )
    assert "<title>Washington v1 against Washington v2 ·" in shown(owner, between(*trio[:2]))


def test_what_people_wrote_is_no_markup_in_the_list(owner: User, trio: list[ModelVersion], register: Make) -> None:
    register(["city-1"], pipeline="<u>pipe")
    Segment.objects.update(name="<b>Bonn")
    User.objects.filter(pk=trio[0].created_by_id).update(name="<i>Ida")
    page = shown(owner, VERSIONS)
    assert "<b>Bonn" not in page
    assert "<i>Ida" not in page
    assert '<span class="muted small">&lt;u&gt;pipe</span>' in page
    assert page.count("&lt;b&gt;Bonn v1</a>") == 2
    assert "&lt;b&gt;Bonn v2</a>" in page
    assert page.count('<span class="truncate">&lt;i&gt;Ida</span></span></td>') == 5


def test_what_a_restricted_family_has_is_compared_by_nobody_else(
    stranger: User, trio: list[ModelVersion], restricted: ModelFamily
) -> None:
    for address in (between(*trio), COMPARE, VERSIONS):
        assert signed_in(stranger).get(address).status_code == 404, address


def test_an_empty_family_is_honest(owner: User, family: ModelFamily) -> None:
    assert "Every champion is the newest version" in words(shown(owner, COMPARE))
    assert "No versions yet" in words(shown(owner, VERSIONS))
    assert signed_in(owner).get(f"{COMPARE}?segment=city-0").status_code == 404


def test_queries_and_bytes_stay_few_however_much_there_is(
    owner: User,
    family: ModelFamily,
    cities: Cities,
    champions: Make,
    candidates: Make,
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    slugs = cities(40)
    champions(slugs)
    made = [candidates(slugs)["city-0"] for _ in range(3)]
    on(JUNE, owner, family, dict.fromkeys(made, 8.0))
    other = ModelVersion.objects.get(model__name="eta-trip.city-1", number=1)
    browser = signed_in(owner)
    for address in (between(*made, other), COMPARE, VERSIONS):
        browser.get(address)
        with django_assert_max_num_queries(25, info=address):  # type: ignore[call-arg, attr-defined]
            page = browser.get(address)
        assert page.status_code == 200
        assert len(gzip.compress(page.content)) < 60_000, address
    assert Evaluation.objects.filter(status="done").count() > 100
