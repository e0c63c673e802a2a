"""Is a model of its own worth it: asked for, compared by the registry's own evaluations, read by page, file and API."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.registry.actions import (
    Claim,
    SegmentSpec,
    add_segments,
    claim_evaluations,
    compare_with_shared,
    finish_evaluations,
    set_labelled_until,
    update_family,
)
from apps.registry.models import Evaluation, ModelFamily, ModelVersion
from apps.registry.queries import fleet, resolution, worth
from tests.conftest import api, signed_in
from tests.dashboard.conftest import numbers
from tests.dashboard.test_families import words

PAGE, API = "/models/eta-trip/worth-it/", "/api/v1/families/eta-trip/worth-it/"
BASELINE = "median-of-3-months"
Make = Callable[..., dict[str, ModelVersion]]


@pytest.fixture
def shared(family: ModelFamily, admin: User, approver: User, champions: Make) -> ModelVersion:
    """The model that serves cities without one of their own."""
    everywhere = SegmentSpec("global", "Everywhere", is_fallback=True)
    add_segments(actor=admin, family=family, segments=[everywhere])
    update_family(actor=approver, family=family, fallback_order=["global"], baselines=[BASELINE])
    return champions(["global"])["global"]


def compare(
    owner: User, family: ModelFamily, own: dict[str, float], *, shared: float = 8.0, median: float = 7.0
) -> None:
    """Does what a worker does: each city's own metric beside the shared model's and the baseline's, each ±0.5."""
    compare_with_shared(actor=owner, family=ModelFamily.objects.get(pk=family.pk))
    results = []
    for row in claim_evaluations(limit=100, lease_seconds=15):
        mae = own[row.model.its_segment.slug]
        gain = median - mae
        against: dict[str, float | None] = {
            "metric": median,
            "difference": gain,
            "lower": gain - 0.5,
            "upper": gain + 0.5,
        }
        results.append((Claim(row.pk, row.attempt), replace(numbers(mae, shared), baselines={BASELINE: against})))
    finish_evaluations(results=results)


def test_each_city_is_won_by_its_own_model_the_shared_one_or_the_baseline(
    family: ModelFamily,
    owner: User,
    stranger: User,
    cities: Callable[[int], list[str]],
    champions: Make,
    shared: ModelVersion,
) -> None:
    champions(cities(5)[:4])
    page = words(signed_in(owner).get(PAGE).content.decode())
    assert "Nothing was compared yet" in page
    assert signed_in(stranger).post(f"{PAGE}compare/").status_code == 403
    assert signed_in(owner).post(f"{PAGE}compare/").status_code == 302
    assert Evaluation.objects.filter(shared=shared).count() == 4
    compare(owner, family, {"city-0": 6.0, "city-1": 6.8, "city-2": 7.2, "city-3": 8.2})
    found = {one.segment: (one.winner, one.is_sure) for one in worth(family_again(family)).rows}
    assert found == {
        "city-0": ("own", True),
        "city-1": ("own", False),
        "city-2": ("baseline", False),
        "city-3": ("baseline", True),
    }
    page = words(signed_in(stranger).get(PAGE).content.decode())
    told = (
        "In July 2013 a model of its own is worth it in 2 of 4 segments, surely in 1; in 2 the plain baseline would do."
    )
    assert told in page
    assert "Compare on the newest month" not in page
    rows = list(
        csv.DictReader(io.StringIO(signed_in(owner).get("/models/eta-trip/worth-it.csv?winner=own").content.decode()))
    )
    assert [(row["segment"], row["over_shared"], row["winner"]) for row in rows] == [
        ("city-0", "2.0", "own"),
        ("city-1", "1.2000000000000002", "own"),
    ]
    body = api(stranger).get(API).json()
    assert (body["month"], body["total"]["own"], body["total"]["beats_shared"]) == ("2013-07", 2, 3)
    assert body["rows"][3]["shared"] == {
        "metric": 8.0,
        "difference": pytest.approx(-0.2),
        "lower": pytest.approx(-0.7),
        "upper": pytest.approx(0.3),
    }
    assert api(stranger).post(API).status_code == 403
    assert len(api(owner).post(API).json()) == Evaluation.objects.filter(shared=shared).count() == 4


def family_again(family: ModelFamily) -> ModelFamily:
    return ModelFamily.objects.get(pk=family.pk)


def test_a_comparison_with_the_shared_model_is_no_evidence_for_promotions_and_its_place_no_row_of_the_fleet(
    family: ModelFamily,
    owner: User,
    cities: Callable[[int], list[str]],
    champions: Make,
    candidates: Make,
    shared: ModelVersion,
) -> None:
    *known, without = cities(3)
    champions(known)
    before = fleet(family_again(family))
    assert [row.segment for row in before] == [*known, without]
    compare(owner, family, dict.fromkeys(known, 1.0))
    assert fleet(family_again(family)) == before
    served = resolution(family=family_again(family), alias="champion")
    assert [row.fallback for row in served.resolved] == [None, None, "global"]
    client = signed_in(owner)
    assert "global v1 serves." in words(client.get("/m/eta-trip/?view=table").content.decode())
    assert "Until it has one, global v1 serves it" in words(client.get("/m/eta-trip/city-2/").content.decode())
    newer = candidates(known[:1])
    assert [row.comparison.candidate for row in fleet(family_again(family)) if row.candidate and row.comparison] == [
        6.0
    ]
    assert newer


def test_months_are_counted_one_by_one_and_together(
    family: ModelFamily,
    owner: User,
    approver: User,
    cities: Callable[[int], list[str]],
    champions: Make,
    shared: ModelVersion,
) -> None:
    champions(cities(2))
    compare(owner, family, {"city-0": 6.0, "city-1": 9.0})
    set_labelled_until(actor=approver, family=family, day=date(2013, 8, 31))
    assert "Compare on the newest month" in words(signed_in(owner).get(PAGE).content.decode())
    compare(owner, family, {"city-0": 6.0, "city-1": 6.5}, median=9.0)
    found = worth(family_again(family))
    assert [(month.key, month.tally.own) for month in found.months] == [("2013-08", 2), ("2013-07", 1)]
    assert (found.total.own, found.total.total, found.total.beats_baseline) == (3, 4, 3)
    july = signed_in(owner).get(f"{PAGE}?month=2013-07")
    assert "In July 2013 a model of its own is worth it in 1 of 2" in words(july.content.decode())
    for address in (f"{PAGE}?month=2013-01", f"{PAGE}?winner=me", f"{PAGE}?sort=me", f"{API}?month=x"):
        assert signed_in(owner).get(address).status_code == 400


def test_without_a_shared_model_the_page_says_how_to_get_one(
    family: ModelFamily, owner: User, cities: Callable[[int], list[str]], champions: Make
) -> None:
    champions(cities(1))
    page = words(signed_in(owner).get(PAGE).content.decode())
    assert "There is no shared model to compare with" in page
    with pytest.raises(Conflict, match="promote one of a place in its fallback order first"):
        compare_with_shared(actor=owner, family=family)


def test_the_page_costs_the_same_for_any_number_of_segments(
    family: ModelFamily,
    owner: User,
    cities: Callable[[int], list[str]],
    champions: Make,
    shared: ModelVersion,
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    known = cities(12)
    champions(known)
    compare(owner, family, dict.fromkeys(known, 6.0))
    client = signed_in(owner)
    with django_assert_max_num_queries(25):  # type: ignore[attr-defined]
        assert client.get(PAGE).status_code == 200
