"""A pipeline that proposes what its versions have shown, once all of them are evaluated."""

from datetime import date
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.registry.actions import set_gates
from apps.registry.models import Alias, Evaluation, ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline, RetrainingRequest
from tests.retraining.conftest import Submit, claim_of, success

pytestmark = pytest.mark.django_db


@pytest.fixture
def trained(
    submit: Submit, pipeline: Pipeline, family: ModelFamily, approver: User, settings: Settings, tmp_path: Path
) -> RetrainingRequest:
    """A request that is over, with one version, in a family without gates: what passes is not the question here."""
    set_gates(actor=approver, family=family, gates=[])
    (tmp_path / "evaluator.py").write_text("")
    settings.EVALUATORS = {"toy": {"script": tmp_path / "evaluator.py", "data": None, "preload": []}}
    ModelFamily.objects.update(labelled_until=date(2013, 7, 31), evaluator="toy")
    Pipeline.objects.update(after_success="promote")
    for row in (pipeline, family):
        row.refresh_from_db()
    request = submit("atlanta", reason="July is here.")
    actions.finish(claim=claim_of(request), outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    return request


def follow_up(request: RetrainingRequest) -> RetrainingRequest:
    actions.follow_up(request_id=request.pk)
    request.refresh_from_db()
    return request


def test_nothing_is_proposed_before_every_evaluation_is_over(trained: RetrainingRequest) -> None:
    for _ in range(2):
        assert follow_up(trained).followed_up_at is None
    assert Evaluation.objects.get().status == "waiting"
    assert trained.wave is None


def test_what_passes_is_promoted_once_in_the_requesters_name(trained: RetrainingRequest) -> None:
    follow_up(trained)
    numbers = {"rows": 90, "days": 30, "candidate_metric": 6.0, "finished_at": timezone.now()}
    Evaluation.objects.update(status="running", lease_until=timezone.now(), attempt=1)
    Evaluation.objects.update(status="done", lease_until=None, **numbers)
    wave = follow_up(trained).wave
    assert wave is not None, trained.follow_up_note
    assert (wave.proposer, wave.status) == (trained.requester, "applied")  # tier 3 needs nobody's word
    assert wave.reason == f"Retrained by request #{trained.pk}. July is here."
    assert Alias.objects.get().version == trained.runs.get().version
    assert follow_up(trained).wave == wave


def test_a_family_that_asks_nobody_leaves_a_proposal_to_people(trained: RetrainingRequest) -> None:
    follow_up(trained)
    RetrainingRequest.objects.update(plan=trained.plan | {"after_success": "propose"})
    Evaluation.objects.update(status="failed", reason="Never mind.", finished_at=timezone.now())
    assert "needs no approval, so a proposal would promote at once" in follow_up(trained).follow_up_note
    assert (trained.wave, Alias.objects.count()) == (None, 0)


def test_a_family_with_approvals_is_promoted_only_after_them(trained: RetrainingRequest) -> None:
    ModelFamily.objects.update(tier=1)
    follow_up(trained)
    numbers = {"rows": 90, "days": 30, "candidate_metric": 6.0, "finished_at": timezone.now()}
    Evaluation.objects.update(status="running", lease_until=timezone.now(), attempt=1)
    Evaluation.objects.update(status="done", lease_until=None, **numbers)
    wave = follow_up(trained).wave
    assert wave is not None, trained.follow_up_note
    assert (wave.status, Alias.objects.count()) == ("proposed", 0)


def test_what_does_not_pass_is_told_on_the_request(trained: RetrainingRequest) -> None:
    follow_up(trained)
    Evaluation.objects.update(status="failed", reason="The evaluator broke.", finished_at=timezone.now())
    assert "The evaluator broke." in follow_up(trained).follow_up_note
    assert trained.wave is None
