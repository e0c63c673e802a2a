"""A family of three cities and a pipeline whose script does what its parameters say."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet
from django.db.models.functions import Now
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.core import doorbell
from apps.platforms.base import End, Outcome
from apps.registry.actions import SegmentSpec, add_segments, create_family
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.definitions import Definition
from apps.retraining.models import Pipeline, RetrainingRequest, SegmentRun

CITIES = ("atlanta", "boston", "chicago")
SCRIPT = '''
"""Does what it is told: succeeds with a score, finds no data, raises, or works for a while."""
import json, os, sys, time
from pathlib import Path

params = json.loads(Path(os.environ["PORTAL_PARAMS"]).read_text())
out = Path(os.environ["PORTAL_OUT"])
print("training", os.environ["PORTAL_SEGMENT"], "as", os.environ["MLFLOW_RUN_ID"])
if params["mode"] == "no-data":
    (out / "reason.txt").write_text("Only 2 of the 60 rows needed.")
    sys.exit(3)
if params["mode"] == "raise":
    raise ValueError("the matrix is singular")
if params["mode"] == "work":
    for tick in range(600):
        print(f"PORTAL_PROGRESS {tick / 600} tick {tick}", flush=True)
        time.sleep(0.05)
if params["mode"] == "no-metrics":
    sys.exit(0)
(out / "model.json").write_text(json.dumps({"segment": os.environ["PORTAL_SEGMENT"], "alpha": params["alpha"]}))
(out / "metrics.json").write_text(json.dumps({"mae": 6.5}))
'''
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "mode": {"enum": ["succeed", "no-data", "raise", "work", "no-metrics"], "default": "succeed"},
        "alpha": {"type": "number", "minimum": 0, "default": 1.0},
        "as_of": {"type": "string", "format": "date", "default": "2013-07-01"},
        "window_months": {"type": "integer", "minimum": 1, "maximum": 6, "default": 3},
    },
}
DEFINITION = Definition(
    name="Toy",
    script="toy.py",
    schema=SCHEMA,
    presets={"Strong": {"alpha": 10}},
    window={"as_of": "as_of", "months": "window_months"},
    after_success="nothing",
)
Submit = Callable[..., RetrainingRequest]


@pytest.fixture(autouse=True)
def pipelines_folder(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipelines")
    (folder / "toy.py").write_text(SCRIPT)
    settings.PIPELINES_DIR = folder
    settings.PIPELINES_DATA = tmp_path_factory.mktemp("data")
    return folder


@pytest.fixture
def rings() -> Iterator[list[tuple[Any, ...]]]:
    """What was sent to the broker, as (task, arguments …)."""
    sent: list[tuple[Any, ...]] = []
    before = doorbell._bell
    doorbell.install(lambda name, *args: sent.append((name, *args)))
    yield sent
    doorbell._bell = before


@pytest.fixture
def family(admin: User, approver: User, team: Team) -> ModelFamily:
    made = create_family(
        actor=admin, slug="eta-trip", name="Trip ETA", team=team, dimension="city", metric="mae", unit="min"
    )
    cities = [SegmentSpec(slug, slug.title()) for slug in CITIES]
    add_segments(actor=admin, family=made, segments=cities)
    return made


@pytest.fixture
def pipeline(admin: User, team: Team, family: ModelFamily) -> Pipeline:
    return actions.define_pipeline(actor=admin, slug="toy", team=team, families=[family], definition=DEFINITION)


@pytest.fixture
def submit(owner: User, pipeline: Pipeline, family: ModelFamily) -> Submit:
    """Sends a request of the owner's; the toy's parameters are keywords."""

    def send(*segments: str, key: str | None = None, reason: str = "", **parameters: Any) -> RetrainingRequest:
        return actions.submit_request(
            actor=owner,
            pipeline=pipeline,
            family=family,
            parameters=parameters,
            segments=segments or None,
            reason=reason,
            key=key,
        )

    return send


def claim_of(request: RetrainingRequest, segment: str = "atlanta", worker: str = "work@a") -> actions.Claim:
    """Drives the request until the segment is sent, and takes it."""
    actions.drive(request_id=request.pk)
    claim = actions.claim(run_id=run_of(request, segment).pk, worker=worker)
    assert claim is not None
    return claim


def run_of(request: RetrainingRequest, segment: str = "atlanta") -> SegmentRun:
    return SegmentRun.objects.get(request=request, segment__slug=segment)


def success(folder: Path, **files: str) -> Outcome:
    """What the runner hands back for a script that wrote a model and its metrics."""
    contents = {"model.json": "{}", "metrics.json": '{"mae": 6.5}'} | files
    for name, text in contents.items():
        (folder / name).write_text(text)
    return Outcome(End.SUCCEEDED, "", "", 1.0, {name: folder / name for name in contents}, "trained\n")


def failure(cause: str, reason: str = "It broke.") -> Outcome:
    return Outcome(End.FAILED, cause, reason, 1.0, {}, "Traceback\n")


@pytest.fixture
def evaluating(
    submit: Submit, pipeline: Pipeline, family: ModelFamily, settings: Settings, tmp_path: Path
) -> RetrainingRequest:
    """A request that is over, with one version whose evaluation waits for a worker."""
    (tmp_path / "evaluator.py").write_text("")
    settings.EVALUATORS = {"toy": {"script": tmp_path / "evaluator.py", "data": None, "preload": []}}
    ModelFamily.objects.update(labelled_until=date(2013, 7, 31), evaluator="toy")
    Pipeline.objects.update(after_success="evaluate")
    for row in (pipeline, family):
        row.refresh_from_db()
    request = submit("atlanta")
    actions.finish(claim=claim_of(request), outcome=success(tmp_path))
    actions.drive(request_id=request.pk)
    actions.follow_up(request_id=request.pk)
    request.refresh_from_db()
    return request


def lose_lease(runs: QuerySet[SegmentRun] | None = None) -> None:
    """As if the worker had been silent for longer than its lease."""
    running = (runs or SegmentRun.objects).filter(status="running")
    running.update(lease_until=Now() - timedelta(seconds=1))


def end_pauses() -> None:
    """As if the time before the next try had passed."""
    SegmentRun.objects.filter(status="waiting").update(not_before=None)
