"""All cities of the demo are retrained and evaluated by real processes, with nobody harming them."""

import time
from datetime import date

import pytest

from apps.accounts.models import User
from apps.demo import lake
from apps.registry.actions import set_labelled_until, update_family
from apps.registry.models import Evaluation, ModelFamily
from apps.retraining.models import Attempt, Pipeline, SegmentRun
from tests.faults.conftest import Submit
from tests.faults.counting import assert_every_run_ended_once, is_over
from tests.faults.portal import Portal

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]


def test_every_city_is_retrained_once_and_each_new_version_evaluated(
    portal: Portal, submit: Submit, approver: User, family: ModelFamily, pipeline: Pipeline
) -> None:
    update_family(actor=approver, family=family, evaluator="eta")
    set_labelled_until(actor=approver, family=family, day=date(2013, 7, 31))
    Pipeline.objects.update(after_success="evaluate")
    pipeline.refresh_from_db()
    portal.start()
    began = time.monotonic()
    request = submit([place.slug for place in lake.destinations()])
    portal.wait_for(lambda: is_over(request))
    trained = time.monotonic() - began
    portal.wait_for(lambda: not Evaluation.objects.filter(status__in=("waiting", "running")).exists())
    print(f"81 cities: trained after {trained:.1f} s, evaluated after {time.monotonic() - began:.1f} s")
    assert_every_run_ended_once(request)
    assert Attempt.objects.count() == SegmentRun.objects.count()
    assert request.follow_up_note == ""
    versions = set(request.runs.filter(status="succeeded").values_list("version", flat=True))
    assert len(versions) > 70
    done = Evaluation.objects.filter(status="done")
    assert set(done.values_list("candidate", flat=True)) == versions
