"""What pages read: the fleet at one glance, and everything an approver looks at."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from apps.accounts.models import User
from apps.registry import queries
from apps.registry.actions import SegmentSpec, add_segments, propose, reject
from apps.registry.models import ModelFamily, ModelVersion, Segment
from tests.registry.conftest import Evaluate, MakeVersion

Counter = Callable[..., Any]


def row_of(family: ModelFamily, slug: str) -> queries.FleetRow:
    return next(row for row in queries.fleet(family) if row.segment == slug)


def test_a_city_without_a_model_is_honestly_empty(family: ModelFamily) -> None:
    row = row_of(family, "boston")
    assert (row.model, row.champion, row.candidate, row.age_days, row.newest) == ("", None, None, None, None)
    assert not row.is_eligible


def test_a_city_shows_its_champion_the_newest_month_and_its_candidate(
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    atlanta: Segment,
) -> None:
    champion = make_champion(atlanta, trained_through=date(2013, 3, 31), trained_from=date(2013, 1, 1))
    row = row_of(family, "atlanta")
    assert row.champion is not None
    assert (row.champion.id, row.age_days, row.is_fresh) == (champion.pk, 122, False)
    assert row.evaluated is not None
    assert row.evaluated.candidate == 6.0
    candidate = make_version(atlanta)
    row = row_of(family, "atlanta")
    assert row.candidate is not None
    assert (row.candidate.id, row.comparison, row.refusal) == (candidate.pk, None, "It has not been evaluated yet.")
    evaluate(candidate, champion, mae=5.0)
    row = row_of(family, "atlanta")
    assert row.comparison is not None
    assert row.newest is not None
    assert (row.comparison.difference, row.newest.baseline, row.is_eligible) == (4.0, 9.0, True)
    assert [verdict.outcome for verdict in row.verdicts] == ["pass"] * 3


def test_the_summary_counts_and_takes_means(
    make_champion: MakeVersion, make_version: MakeVersion, family: ModelFamily, atlanta: Segment
) -> None:
    make_champion(atlanta)
    make_version(atlanta)
    found = queries.summary(queries.fleet(family))
    assert (found.segments, found.champions, found.candidates, found.eligible) == (2, 1, 1, 0)
    assert (found.evaluated_mean, found.newest_baseline_mean) == (6.0, 9.0)
    assert queries.summary([]).newest_mean is None


def cities(admin: User, family: ModelFamily, number: int) -> list[Segment]:
    specs = [SegmentSpec(f"city-{n}", f"City {n}") for n in range(number)]
    return add_segments(actor=admin, family=family, segments=specs)


@pytest.fixture
def many(
    admin: User,
    family: ModelFamily,
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
) -> list[ModelVersion]:
    """Six cities with a champion and an evaluated candidate each, City 0 with the smallest gain."""
    candidates = []
    for place, city in enumerate(cities(admin, family, 6)):
        make_champion(city, parameters={"alpha": 1.0, "window_months": 3})
        candidates.append(make_version(city, parameters={"alpha": 2.0, "window_months": 3}))
        evaluate(candidates[-1], mae=8.0 - place)
    return candidates


def test_the_fleet_takes_the_same_few_queries_for_any_number_of_cities(
    many: list[ModelVersion], family: ModelFamily, django_assert_num_queries: Counter, admin: User
) -> None:
    with django_assert_num_queries(8):
        assert len(queries.fleet(family)) == 8
    cities(admin, family, 40)
    with django_assert_num_queries(8):
        assert len(queries.fleet(family)) == 42


def test_an_approver_sees_the_worst_gain_first_with_all_numbers(
    many: list[ModelVersion], family: ModelFamily, colleague: User, approver: User, owner: User
) -> None:
    wave = propose(actor=colleague, family=family, versions=many[::-1], reason="July winds")
    view = queries.wave_view(actor=approver, wave_id=wave.pk)
    assert [row.name for row in view.rows] == [f"City {n}" for n in range(6)]
    first = view.rows[0]
    assert first.parameter_changes == (queries.ParameterChange("alpha", 1.0, 2.0),)
    assert first.evaluation is not None
    assert (first.evaluation.difference, len(first.verdicts)) == (1.0, 3)
    assert view.totals is not None
    assert (view.totals.segments, view.totals.candidate, view.totals.champion) == (6, 5.5, 9.0)
    assert (view.may_decide, view.may_withdraw) == (True, True)
    theirs = queries.wave_view(actor=owner, wave_id=wave.pk)
    assert (theirs.may_decide, theirs.may_withdraw) == (False, False)


def test_a_wave_takes_the_same_few_queries_for_any_number_of_cities(
    many: list[ModelVersion],
    family: ModelFamily,
    colleague: User,
    approver: User,
    django_assert_max_num_queries: Counter,
) -> None:
    wave = propose(actor=colleague, family=family, versions=many, reason="July winds")
    with django_assert_max_num_queries(20) as of_six:
        queries.wave_view(actor=approver, wave_id=wave.pk)
    reject(actor=approver, wave=wave, digest=wave.digest, reason="one first")
    single = propose(actor=colleague, family=family, versions=many[:1], reason="one first")
    with django_assert_max_num_queries(len(of_six)):
        queries.wave_view(actor=approver, wave_id=single.pk)


def test_a_dry_run_says_what_a_proposal_would_be_and_writes_nothing(
    many: list[ModelVersion], make_version: MakeVersion, family: ModelFamily, boston: Segment, owner: User
) -> None:
    rows = queries.dry_run(family, [*many, make_version(boston)])
    assert [row.refusal for row in rows] == [""] * 6 + ["It has not been evaluated yet."]
    assert not queries.waves(owner).filter(status="proposed").exists()


def test_a_wave_waits_for_those_who_may_decide_and_for_nobody_else(
    many: list[ModelVersion], family: ModelFamily, colleague: User, approver: User, owner: User, stranger: User
) -> None:
    wave = propose(actor=colleague, family=family, versions=many, reason="July winds")
    assert [list(queries.waiting_for(person)) for person in (approver, colleague, owner, stranger)] == [
        [wave],
        [],
        [],
        [],
    ]
    reject(actor=approver, wave=wave, digest=wave.digest, reason="wait")
    assert not queries.waiting_for(approver).exists()
