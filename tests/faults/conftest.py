"""The demo's 81 cities, to be retrained by real processes on its real trips."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from apps.accounts.models import Team, User
from apps.demo import lake
from apps.registry.actions import SegmentSpec, add_segments, create_family
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.definitions import Definition
from apps.retraining.models import Pipeline, RetrainingRequest
from tests.faults.portal import ROOT, Portal

PIPELINES = ROOT / "apps" / "demo" / "pipelines"
RIDGE = Definition(
    name="ETA ridge",
    script="eta_ridge.py",
    data="lake",
    preload=("pandas", "sklearn.compose", "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing"),
    schema={
        "type": "object",
        "properties": {
            "as_of": {"type": "string", "format": "date", "default": "2013-07-01"},
            "window_months": {"type": "integer", "default": 3},
        },
    },
    window={"as_of": "as_of", "months": "window_months"},
    after_success="nothing",
)
SLOW_SECONDS = 12  # longer than it takes until somebody else has taken a lost run over
SLOW = Definition(
    name="A while of work, and then success",
    script="fail_on_purpose.py",
    schema={
        "type": "object",
        "properties": {
            "mode": {"const": "zero-mae", "default": "zero-mae"},
            "seconds": {"type": "number", "default": SLOW_SECONDS},
        },
    },
    after_success="nothing",
)
FIFTY = 50  # cities: enough to do harm in the middle twice
SEGMENTS = 300  # so many that several deaths of a worker fall among them
SHORT = replace(SLOW, name="A moment of work, and then success")
Submit = Callable[..., RetrainingRequest]


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """The demo's trips until the end of July, where also another operating-system user can read them."""
    folder = Path(tempfile.mkdtemp(prefix="portal-data-"))
    folder.chmod(0o755)
    lake.reveal(folder / "lake", date(2013, 7, 31))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def portal(transactional_db: None, data: Path) -> Iterator[Portal]:
    folder = Path(tempfile.mkdtemp(prefix="portal-var-"))
    folder.chmod(0o711)
    portal = Portal(folder, PIPELINES, data)
    yield portal
    portal.stop()
    shutil.rmtree(folder)


@pytest.fixture
def family(transactional_db: None, admin: User, approver: User, team: Team) -> ModelFamily:
    made = create_family(
        actor=admin, slug="eta-trip", name="Trip ETA", team=team, dimension="city", metric="mae", unit="min"
    )
    cities = [SegmentSpec(place.slug, place.city) for place in lake.destinations()]
    add_segments(actor=approver, family=made, segments=cities)
    return made


@pytest.fixture
def pipeline(admin: User, team: Team, family: ModelFamily, settings: object, data: Path) -> Pipeline:
    settings.PIPELINES_DIR, settings.PIPELINES_DATA = PIPELINES, data  # type: ignore[attr-defined]
    return actions.define_pipeline(actor=admin, slug="eta-ridge", team=team, families=[family], definition=RIDGE)


@pytest.fixture
def submit_two_slow_ones(owner: User, admin: User, team: Team, family: ModelFamily, pipeline: Pipeline) -> Submit:
    def send() -> RetrainingRequest:
        slow = actions.define_pipeline(actor=admin, slug="slow", team=team, families=[family], definition=SLOW)
        two = [place.slug for place in lake.destinations()[:2]]
        return actions.submit_request(actor=owner, pipeline=slow, family=family, parameters={}, segments=two)

    return send


@pytest.fixture
def submit_three_hundred(
    owner: User, admin: User, approver: User, team: Team, family: ModelFamily, pipeline: Pipeline
) -> Submit:
    def send() -> RetrainingRequest:
        more = [
            SegmentSpec(f"city-{number}", f"City {number}") for number in range(SEGMENTS - len(lake.destinations()))
        ]
        add_segments(actor=approver, family=family, segments=more)
        short = actions.define_pipeline(actor=admin, slug="short", team=team, families=[family], definition=SHORT)
        return actions.submit_request(actor=owner, pipeline=short, family=family, parameters={"seconds": 0.05})

    return send


@pytest.fixture
def submit(owner: User, family: ModelFamily, pipeline: Pipeline) -> Submit:
    def send(segments: Sequence[str] | None = None) -> RetrainingRequest:
        """Fifty cities, unless said; no message is sent, so that the coordinator has to find it."""
        chosen = segments or [place.slug for place in lake.destinations()[:FIFTY]]
        return actions.submit_request(actor=owner, pipeline=pipeline, family=family, parameters={}, segments=chosen)

    return send
