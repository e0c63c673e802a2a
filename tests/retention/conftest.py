"""A family that has trained Atlanta three times, and the day on which its rule takes what is 60 days old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.models import User
from apps.registry.models import ModelFamily, ModelVersion
from apps.retention.actions import cut_more, set_rule
from apps.retention.models import Rule
from apps.retention.queries import preview
from apps.retention.terms import Terms
from apps.retraining import actions
from apps.retraining.models import SegmentRun
from apps.tracking.actions import log_metrics
from tests.retraining import conftest as retraining
from tests.retraining.conftest import Submit, claim_of, failure, run_of, success

family, pipeline, submit = retraining.family, retraining.pipeline, retraining.submit
pipelines_folder, rings = retraining.pipelines_folder, retraining.rings
ALL = Terms(logs_days=30, attempts_days=30, metrics_days=30, files_days=30)


@dataclass(frozen=True)
class Trained:
    """A segment run that failed at its first attempt, and the version of its second."""

    run: SegmentRun
    version: ModelVersion


@pytest.fixture
def trained(submit: Submit, owner: User, tmp_path: Path) -> list[Trained]:
    """Each run left `model.json` of its own, `notes.txt` that is the same everywhere, and five points of `loss`."""
    return [_trained(submit, owner, tmp_path, number) for number in range(3)]


def _trained(submit: Submit, owner: User, folder: Path, number: int) -> Trained:
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=failure("store"))
    retraining.end_pauses()
    claim = claim_of(request)
    for step in range(5):
        log_metrics(actor=owner, run=run_of(request).run, metrics={"loss": 5.0 - step}, step=step)  # type: ignore[arg-type]
    actions.finish(claim=claim, outcome=success(folder, **{"model.json": f"{number}" * 100, "notes.txt": "the same"}))
    run = run_of(request)
    assert run.version is not None
    return Trained(run, run.version)


@pytest.fixture
def later(trained: list[Trained]) -> Iterator[None]:
    """Two months on."""
    with time_machine.travel(timezone.now() + timedelta(days=60), tick=False):
        yield


def make_rule(actor: User, family: ModelFamily, terms: Terms = ALL) -> Rule:
    """Whose pause is over."""
    rule = set_rule(actor=actor, family=family, terms=terms, plan=preview(family, terms).plan)
    Rule.objects.filter(pk=rule.pk).update(set_at=timezone.now() - timedelta(days=2))
    return rule


def cut_all(rule: Rule) -> int:
    """In how many pieces."""
    pieces = 0
    while cut_more(rule_id=rule.pk):
        pieces += 1
    return pieces
