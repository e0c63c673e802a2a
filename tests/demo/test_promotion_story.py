"""The demo's stories through the portal's own actions: real training and real evaluators, three cities each."""

from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.demo.lake import reveal, reveal_demand
from apps.demo.seeding import company, demand, eta, families, late, pipelines, policies, workers
from apps.demo.seeding.company import People
from apps.registry import actions as registry
from apps.registry import queries as registry_queries
from apps.registry.actions import Refused
from apps.registry.evaluating import default_runner
from apps.registry.models import Evaluation, ModelFamily, ModelVersion
from apps.registry.worth import Winner
from apps.retraining import actions as retraining
from apps.retraining import queries as retraining_queries
from apps.retraining.models import RetrainingRequest
from apps.retraining.queries import watching
from apps.tracking.actions import log_metrics
from tests.demo.worth import by_hand

pytestmark = pytest.mark.django_db
CITIES = ["atlanta", "boston", "chicago-ohare"]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the company knows on the last day of July."""
    folder = tmp_path_factory.mktemp("data")
    reveal(folder / "lake", date(2013, 7, 31))
    reveal_demand(folder / "demand", date(2013, 7, 31))
    return folder


@pytest.fixture(autouse=True)
def known(settings: Settings, data: Path) -> Iterator[None]:
    settings.PIPELINES_DATA = data
    settings.EVALUATORS = {
        name: tool | {"data": data / Path(tool["data"]).name} for name, tool in settings.EVALUATORS.items()
    }
    yield
    default_runner().close()
    default_runner.cache_clear()


@pytest.fixture
def people() -> People:
    return company.seed("velo-demo-of-a-test")


@pytest.fixture
def owned(people: People) -> dict[str, ModelFamily]:
    found = {story.FAMILY: story.found(people) for story in (eta, late, demand)}
    pipelines.define(people)
    return found


def train(people: People, family: ModelFamily, pipeline: str, **parameters: Any) -> list[ModelVersion]:
    """Three cities, really trained, evaluated on the newest month."""
    scientist = people.forecaster if family.slug == demand.FAMILY else people.scientist
    request = retraining.submit_request(
        actor=scientist,
        pipeline=retraining_queries.pipeline(actor=scientist, slug=pipeline),
        family=family,
        parameters=parameters,
        segments=CITIES,
        reason="A story.",
    )
    return finished(request)


def finished(request: RetrainingRequest) -> list[ModelVersion]:
    workers.train(request)
    workers.evaluate()
    versions = families.made_by(request)
    assert len(versions) == len(CITIES)
    return versions


@pytest.fixture
def winter(people: People, owned: dict[str, ModelFamily]) -> ModelFamily:
    """Trip ETA with champions of January to March, on the last day of July."""
    family = label(people, owned[eta.FAMILY], families.FIRST_LABELS)
    versions = train(people, family, "eta-ridge", as_of="2013-04-01")
    wave = families.propose(people.scientist, family, versions, reason="First.", key="first")
    families.approve(people.lead, wave, "Nothing serves yet.")
    return label(people, family, families.LABELS)


def label(people: People, family: ModelFamily, until: date) -> ModelFamily:
    lead = people.pricing_lead if family.slug == demand.FAMILY else people.lead
    return registry.set_labelled_until(actor=lead, family=family, day=until)


def refusals(people: People, family: ModelFamily, versions: list[ModelVersion]) -> dict[str, str]:
    """Why each is not promoted; nothing serves another model than before."""
    before = [registry_queries.champion_of(version.model) for version in versions]
    with pytest.raises(Refused) as refused:
        families.propose(people.scientist, family, versions, reason="They say they are perfect.", key="")
    assert [registry_queries.champion_of(version.model) for version in versions] == before
    return refused.value.errors


def test_a_script_that_reports_no_error_at_all_is_not_promoted(people: People, winter: ModelFamily) -> None:
    forged = train(people, winter, "fail-on-purpose", mode="zero-mae")
    errors = refusals(people, winter, forged)
    assert sorted(errors) == [f"eta-trip.{city}" for city in CITIES]
    for version, sentence in zip(forged, errors.values(), strict=True):
        assert version.run is not None
        assert {point.value for point in version.run.metrics.filter(key="mae")} == {0.0}
        assert "min worse than v1, not better" in sentence
        assert f"Nobody knows what {version.label} was trained on" in sentence


def test_a_training_window_that_contains_the_evaluation_month_is_not_promoted(
    people: People, winter: ModelFamily
) -> None:
    """They saw July's answers, so in July they look better; where that is proven, nothing else holds them back."""
    leaked = train(people, winter, "eta-ridge", as_of="2013-08-01")
    errors = refusals(people, winter, leaked)
    done = Evaluation.objects.filter(candidate__in=leaked, champion__isnull=False).select_related("candidate__model")
    proven = [row for row in done if row.lower is not None and row.lower > eta.MARGIN]
    assert len(done) == len(CITIES)
    assert all(row.difference is not None and row.difference > eta.MARGIN for row in done)
    leak = "v2 was trained through 31 Jul 2013; evaluated from 1 Jul 2013, it may go to 30 Jun 2013."
    assert all(sentence.endswith(leak) for sentence in errors.values())
    assert {errors[row.candidate.model.name] for row in proven} == {leak}


def test_a_metric_logged_after_the_version_is_ready_changes_no_verdict(people: People, winter: ModelFamily) -> None:
    forged = train(people, winter, "fail-on-purpose", mode="zero-mae")
    before = registry_queries.candidacies(winter, forged)
    for version in forged:
        assert version.run is not None
        log_metrics(actor=people.scientist, run=version.run, metrics={"mae": 0.01}, step=1)
    after = registry_queries.candidacies(winter, forged)
    assert [(row.binding, row.verdicts, row.refusal) for row in after] == [
        (row.binding, row.verdicts, row.refusal) for row in before
    ]
    refusals(people, winter, forged)


def test_an_honest_retrain_of_july_is_promoted_where_it_is_surely_better(people: People, winter: ModelFamily) -> None:
    summer = train(people, winter, "eta-ridge", as_of="2013-07-01")
    wave = families.propose(people.scientist, winter, summer, reason="July is another season.", key="july")
    families.approve(people.lead, wave, "Seen.")
    applied = {row.candidate for row in wave.promotions.filter(status="applied")}
    assert applied
    for version in summer:
        champion = registry_queries.champion_of(version.model)
        assert champion is not None
        assert (champion == version) == (version in applied)


def test_the_freshness_policy_once_it_starts_leads_to_evaluations_and_a_proposed_wave(
    people: People, winter: ModelFamily
) -> None:
    policies.define(people, winter)
    policy = watching.policies(people.scientist).get()
    retraining.watch_policies()
    assert [one.segments for one in watching.suggestions_for(people.scientist)] == [CITIES]
    switched_on = replace(policies.FRESHNESS, starts=True)
    retraining.set_policy(
        actor=people.scientist, family=winter, pipeline=policy.pipeline, terms=switched_on, policy=policy
    )
    retraining.watch_policies()
    request = RetrainingRequest.objects.get(reason__startswith="Freshness: 3 champions are older than 92 days")
    summer = finished(request)
    retraining.follow_up(request_id=request.pk)
    request.refresh_from_db()
    assert (request.status, request.follow_up_note) == ("finished", "")
    assert {row.status for row in Evaluation.objects.filter(candidate__in=summer)} == {"done"}
    assert request.wave is not None
    assert (request.wave.status, request.wave.proposer) == ("proposed", people.scientist)


def test_late_arrivals_are_promoted_by_a_metric_of_which_more_is_better(
    people: People, owned: dict[str, ModelFamily]
) -> None:
    family = label(people, owned[late.FAMILY], families.LABELS)
    versions = train(people, family, "late-risk-logit", as_of="2013-07-01")
    for row in registry_queries.candidacies(family, versions, late.STAGING):
        assert row.evaluation is not None
        assert row.evaluation.candidate_metric is not None
        assert row.eligible == (row.evaluation.candidate_metric >= late.GOOD_ENOUGH)


def test_the_baseline_is_promoted_and_serves_until_something_is_surely_better(
    people: People, owned: dict[str, ModelFamily]
) -> None:
    family = label(people, owned[demand.FAMILY], families.FIRST_LABELS)
    demand.in_april(people, family)
    serving = {row.segment: row.champion for row in registry_queries.fleet(family)}
    assert len(serving) == 81
    assert {champion and champion.kind for champion in serving.values()} == {"baseline"}
    family = label(people, family, families.LABELS)
    trained = train(people, family, "demand-ridge", as_of="2013-07-01")
    judged = registry_queries.candidacies(family, trained)
    assert {row.champion and row.champion.kind for row in judged} == {"baseline"}
    for row in judged:
        assert row.evaluation is not None
        assert row.evaluation.lower is not None
        assert row.eligible == (row.evaluation.lower > 0)


def test_whether_a_model_per_city_is_worth_it_is_said_beside_the_one_that_serves_all_the_others(
    people: People, owned: dict[str, ModelFamily], data: Path
) -> None:
    family = label(people, owned[eta.FAMILY], families.LABELS)
    for segments, key in ((CITIES, "own"), (["global"], "shared")):
        eta.promoted(people, family, segments, as_of="2013-07-01", reason="A story.", key=key, note="Seen.")
    families.look_again(people.scientist, family)
    found = registry_queries.worth(family)
    assert ([one.segment for one in found.rows], found.month and found.month.key) == (CITIES, "2013-07")
    for one in found.rows:
        seen = by_hand("eta_ridge.py", data / "lake", one.segment, 7)
        assert seen is not None
        assert one.baseline is not None
        assert (one.own, one.shared.metric, one.baseline.metric) == pytest.approx(astuple(seen))
        assert one.shared.difference == pytest.approx(seen.shared - seen.own)
        assert astuple(seen)[list(Winner).index(one.winner)] == min(astuple(seen))
        assert (one.shared_model, one.is_fair) == ("eta-trip.global", True)
    answer = registry_queries.resolution(family=family, alias="champion", slugs=["bangor", "boston"])
    assert [(row.model, row.fallback) for row in answer.resolved] == [
        ("eta-trip.global", "global"),
        ("eta-trip.boston", None),
    ]
    known = registry_queries.family(actor=people.scientist, slug=eta.FAMILY)
    assert (known.segment_count, known.champion_count) == (81, 3)  # type: ignore[attr-defined]
