"""A segment run of Atlanta that trains, and what real senders say of it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from apps.accounts.models import Team, User
from apps.retraining.models import SegmentRun
from tests.factories import UserFactory
from tests.retraining import conftest as retraining
from tests.retraining.conftest import Submit, claim_of, run_of

family, pipeline, submit = retraining.family, retraining.pipeline, retraining.submit
pipelines_folder = retraining.pipelines_folder
Event = Callable[..., dict[str, Any]]


@pytest.fixture
def training(submit: Submit) -> SegmentRun:
    request = submit("atlanta")
    claim_of(request)
    return run_of(request)


@pytest.fixture
def airflow_account(db: None) -> User:
    """The service account of a platform team, by which an Airflow tells of everybody's runs."""
    platform = Team.objects.create(slug="data-platform", name="Data platform", kind=Team.Kind.PLATFORM)
    return UserFactory.create(username="airflow-lineage", service_of=platform)


@pytest.fixture
def event() -> Event:
    """A COMPLETE event of a run of its own, with what is given in the places of what is usual."""

    def make(run_id: str = "", *, inputs: Any = (), outputs: Any = (), facets: Any = None, **more: Any) -> Any:
        return {
            "eventType": "COMPLETE",
            "eventTime": "2026-11-22T06:00:00.000Z",
            "producer": "https://example.org/sender",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id or str(uuid4()), "facets": facets or {}},
            "job": {"namespace": "spark", "name": "features.daily", "facets": {}},
            "inputs": list(inputs),
            "outputs": list(outputs),
            **more,
        }

    return make
