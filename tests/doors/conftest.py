"""One family with everything in it that an address or a body can name."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import PortalRole, Team, User
from apps.catalog.actions import Opinion, propose_move
from apps.catalog.models import Decision, FeatureGap, RadarEdition, RingMove, Tool, ToolRequest, Usage
from apps.platforms.models import Connection, OutsideLink
from apps.registry.actions import propose, publish_snapshots
from apps.registry.models import Freeze, ModelFamily, ModelVersion, Rollback, Segment, Wave
from apps.retraining.actions import PolicyTerms, WorkerReport, note_worker, receive_signal, set_policy
from apps.retraining.models import Firing, Incident, Pipeline, Policy, RetrainingRequest, SegmentRun, Signal, Worker
from apps.tracking.models import Run
from tests.catalog import conftest as catalog
from tests.doors.cast import Cast, cast_of
from tests.doors.scene import Hands, Scene, scene_of
from tests.factories import UserFactory, give, put_into
from tests.registry import conftest as registry
from tests.registry.conftest import Evaluate, MakeVersion
from tests.retraining import conftest as retraining
from tests.retraining.conftest import Submit, claim_of, run_of

# The apps' own fixtures, side by side.
airflow, make_tool, orchestration = catalog.airflow, catalog.make_tool, catalog.orchestration
board, editor, make_decision, text = catalog.board, catalog.editor, catalog.make_decision, catalog.text
atlanta, boston, evaluate, family = registry.atlanta, registry.boston, registry.evaluate, registry.family
make_champion, make_version = registry.make_champion, registry.make_version
pipeline, pipelines_folder, submit = retraining.pipeline, retraining.pipelines_folder, retraining.submit


DAY = timedelta(days=1)


@dataclass(frozen=True)
class Everything:
    """One of each thing that an address or a body can name."""

    family: ModelFamily
    champion: ModelVersion
    candidate: ModelVersion
    wave: Wave
    pipeline: Pipeline
    request: RetrainingRequest
    run: SegmentRun
    tracked: Run
    tool: Tool
    decision: Decision
    move: RingMove
    freeze: Freeze
    rollback: Rollback
    signal: Signal
    incident: Incident
    policy: Policy
    firing: Firing
    worker: Worker
    link: OutsideLink


@pytest.fixture
def candidate(
    make_champion: MakeVersion, make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment
) -> ModelVersion:
    """Better than the champion, evaluated, and not proposed yet."""
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version)
    return version


@pytest.fixture
def everything(
    candidate: ModelVersion,
    family: ModelFamily,
    colleague: User,
    owner: User,
    pipeline: Pipeline,
    submit: Submit,
    airflow: Tool,
    make_decision: catalog.MakeDecision,
) -> Everything:
    """An open wave of the colleague's, a request of the owner's with one run under way, a proposed decision."""
    champion = candidate.model.aliases.get().version
    publish_snapshots()
    wave = propose(actor=colleague, family=family, versions=[candidate], reason="July winds")
    request = submit("atlanta")
    claim_of(request)
    run = run_of(request)
    decision = make_decision("proposed", number=7)
    tracked = Run.objects.get(pk=run.run_id)
    move = propose_move(actor=colleague, tool=airflow, opinion=Opinion(ring="assess"), reason="Others use it.")
    _lack_and_use(colleague, airflow, family.team)
    freeze = Freeze.objects.create(family=family, reason="Over.", by=colleague, expires_at=timezone.now() + DAY)
    Freeze.objects.update(lifted_by=colleague, lifted_at=timezone.now())
    back = Rollback.objects.create(family=family, reason="It was slow.", segments=1, by=colleague)
    terms = PolicyTerms(name="On drift", trigger="signal")
    policy = set_policy(actor=owner, family=family, pipeline=pipeline, terms=terms)
    firing = Firing.objects.create(policy=policy, occasion="once", outcome="suggested", reason="It drifted.")
    incident = Incident.objects.create(family=family, kind="drift")
    report = {"kind": "schema", "verdict": "alarm"}
    signal, _ = receive_signal(actor=owner, family=family, source="api", report=report)
    Connection.objects.create(name="tracking", kind="mlflow", address="http://127.0.0.1:1", created_by=colleague)
    address = "https://grafana.example.org/d/eta?var-city={segment}&commit={commit}"
    link = OutsideLink.objects.create(name="Grafana", template=address, created_by=colleague)
    note_worker(report=WorkerReport("work@a", 1, "a", ["work"], 2), starting=True)
    known = (family, champion, candidate, wave, pipeline, request, run, tracked, airflow, decision, move)
    return Everything(*known, freeze, back, signal, incident, policy, firing, Worker.objects.get(), link)


def _lack_and_use(person: User, tool: Tool, team: Team) -> None:
    """A gap, a request, a use and an edition of the radar: the only ones of their kind."""
    FeatureGap.objects.create(tool=tool, title="It has no form.", reporter=person)
    words = {"name": "Dagster", "need": "See tables.", "why_not_existing": "It shows tasks."}
    ToolRequest.objects.create(capability=tool.capability, team=team, people=5, requester=person, **words)
    Usage.objects.create(tool=tool, kind="team", name=team.slug, team=team)
    RadarEdition.objects.create(name="2026-08", publisher=person, blips=[])


@pytest.fixture
def mighty(approver: User) -> User:
    """Has every right there is, so that nothing is refused before it is read."""
    for role in PortalRole.Role:
        give(approver, role)
    return approver


@pytest.fixture
def nearby_is_allowed(settings: Settings) -> None:
    """The addresses of webhooks and channels here are of this machine."""
    settings.WEBHOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def scene(
    nearby_is_allowed: None,
    everything: Everything,
    owner: User,
    colleague: User,
    approver: User,
    admin: User,
    team: Team,
    boston: Segment,
    make_version: MakeVersion,
    make_champion: MakeVersion,
    evaluate: Evaluate,
    make_decision: catalog.MakeDecision,
    make_tool: catalog.MakeTool,
) -> Scene:
    writer = put_into(team, UserFactory.create(username="writer"))
    people = (owner, colleague, approver, admin, writer)
    return scene_of(everything, Hands(*people, boston, make_version, make_champion, evaluate, make_decision, make_tool))


@pytest.fixture
def cast(scene: Scene, approver: User, stranger: User, operator: User, board: User, team: Team) -> Cast:
    return cast_of(scene, approver, stranger, operator, board, team)
