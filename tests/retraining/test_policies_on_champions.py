"""Policies that look at champions: how old they are, and how they do on the newest month."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.artifacts.actions import add_files, create_tree
from apps.registry import actions as registry
from apps.registry.models import Evaluation, ModelFamily, ModelVersion
from apps.retraining import actions
from apps.retraining.models import Pipeline, Policy
from apps.retraining.queries import watching

pytestmark = pytest.mark.django_db
Serve = Callable[..., ModelVersion]


@pytest.fixture
def serve(family: ModelFamily, owner: User, approver: User, tmp_path: Path) -> Serve:
    """Makes a champion of a segment by the usual way, while June is the newest month; its error there is 6 minutes."""
    registry.set_gates(actor=approver, family=family, gates=[])
    registry.set_labelled_until(actor=approver, family=family, day=date(2013, 6, 30))

    def made(slug: str, trained_through: date | None = None) -> ModelVersion:
        (tmp_path / "model.json").write_text("{}")
        tree = create_tree()
        add_files(tree=tree, files={"model.json": tmp_path / "model.json"})
        version = registry.register_version(
            actor=owner,
            family=family,
            segment=family.dimension.segments.get(slug=slug),
            run=None,
            tree=tree,
            kind="trained",
            trained_from=None,
            trained_through=trained_through,
            parameters={},
            pipeline="toy v1",
            origin=None,
        )
        evaluate(version, month=6, error=6.0, baseline=7.0)
        assert registry.propose(actor=owner, family=family, versions=[version], reason="First.").status == "applied"
        return version

    return made


def evaluate(version: ModelVersion, *, month: int, error: float, baseline: float) -> None:
    Evaluation.objects.create(
        model=version.model,
        candidate=version,
        window_first=date(2013, month, 1),
        window_last=date(2013, month, monthrange(2013, month)[1]),
        status="done",
        rows=90,
        days=30,
        candidate_metric=error,
        baseline_metric=baseline,
        requested_by=version.created_by,
        finished_at=timezone.now(),
    )


@pytest.fixture
def july(family: ModelFamily, approver: User) -> Callable[[], object]:
    """July's labels are in."""
    return lambda: registry.set_labelled_until(actor=approver, family=family, day=date(2013, 7, 31))


@pytest.fixture
def make_policy(owner: User, family: ModelFamily, pipeline: Pipeline) -> Callable[..., Policy]:
    def made(**terms: Any) -> Policy:
        said = replace(actions.PolicyTerms(name="Fresh", trigger="age", starts=True), **terms)
        return actions.set_policy(actor=owner, family=family, pipeline=pipeline, terms=said)

    return made


def test_age_counts_from_the_newest_labels_and_fires_once_for_them(
    make_policy: Callable[..., Policy], serve: Serve, july: Callable[[], object]
) -> None:
    policy = make_policy(trigger="age")
    actions.watch_policies()
    assert not policy.firings.exists()  # no champion, so none that is old
    serve("atlanta", trained_through=date(2013, 4, 30))
    serve("boston", trained_through=date(2013, 5, 31))
    actions.watch_policies()
    assert not policy.firings.exists()
    july()
    for _ in range(2):
        actions.watch_policies()
    firing = policy.firings.get()
    assert (firing.outcome, firing.segments) == ("started", ["atlanta"])
    assert firing.reason == "1 champion is older than 90 days on 2013-07-31."


def test_a_policy_that_suggested_starts_once_somebody_switches_that_on(
    make_policy: Callable[..., Policy], serve: Serve, july: Callable[[], object], owner: User
) -> None:
    serve("atlanta", trained_through=date(2013, 3, 31))
    july()
    policy = make_policy(trigger="age", starts=False)
    actions.watch_policies()
    assert policy.firings.get().outcome == "suggested"
    for _ in range(2):
        terms = actions.PolicyTerms(name="Fresh", trigger="age", starts=True, cool_down_hours=0)
        actions.set_policy(actor=owner, family=policy.family, pipeline=policy.pipeline, terms=terms, policy=policy)
        actions.watch_policies()
    assert list(policy.firings.order_by("id").values_list("outcome", flat=True)) == ["superseded", "started"]


@pytest.mark.parametrize(("yardstick", "old"), [("promoted", ["atlanta", "boston"]), ("baseline", ["atlanta"])])
def test_a_metric_counts_once_every_champion_has_been_evaluated_on_the_newest_month(
    make_policy: Callable[..., Policy], serve: Serve, july: Callable[[], object], yardstick: str, old: list[str]
) -> None:
    policy = make_policy(trigger="metric", worse_by=20, yardstick=yardstick)
    atlanta, boston, chicago = (serve(city) for city in ("atlanta", "boston", "chicago"))
    july()
    evaluate(atlanta, month=7, error=9.0, baseline=7.0)
    evaluate(boston, month=7, error=8.0, baseline=7.0)
    actions.watch_policies()
    assert not policy.firings.exists()
    assert not watching.rehearse(Policy.objects.get(), days=31)
    evaluate(chicago, month=7, error=6.5, baseline=7.0)
    assert [list(one.segments) for one in watching.rehearse(Policy.objects.get(), days=31)] == [old]
    for _ in range(2):
        actions.watch_policies()
    firing = policy.firings.get()
    assert (firing.outcome, firing.segments) == ("started", old)
    assert "more than 20 % worse on July 2013 than " in firing.reason


def test_champions_that_are_as_good_as_ever_are_a_recorded_no(
    make_policy: Callable[..., Policy], serve: Serve, july: Callable[[], object]
) -> None:
    policy = make_policy(trigger="metric", worse_by=10)
    atlanta = serve("atlanta")
    july()
    evaluate(atlanta, month=7, error=6.5, baseline=7.0)
    actions.watch_policies()
    said = policy.firings.get()
    assert said.outcome == "did_not_fire"
    assert said.reason.startswith("No champions are more than 10 % worse on July 2013 than when they were promoted.")
