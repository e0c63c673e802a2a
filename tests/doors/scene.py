"""What every verb of every app is done to: `Everything`, and what is in another state than there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.utils import timezone

from apps.accounts.actions import create_service_account, create_token
from apps.accounts.models import ApiToken, Team, User
from apps.audit.models import AuditEvent
from apps.catalog.actions import propose_decision
from apps.catalog.models import Decision, Position, Tool
from apps.notifications.models import Channel, Delivery, Webhook
from apps.registry.actions import (
    Origin,
    SegmentSpec,
    add_segments,
    approve,
    create_model,
    create_version,
    move_alias,
    propose,
    withdraw,
)
from apps.registry.models import ModelVersion, RegisteredModel, Wave
from apps.retraining.actions import submit_request
from apps.retraining.models import Pipeline, RetrainingRequest
from apps.tracking.actions import create_experiment, create_logged_model, create_run, put_upload_file
from apps.tracking.models import Experiment, LoggedModel, Run, Upload

if TYPE_CHECKING:
    from tests.catalog.conftest import MakeDecision, MakeTool
    from tests.doors.conftest import Everything
    from tests.registry.conftest import Evaluate, MakeVersion


@dataclass(frozen=True)
class Scene:
    """Boston's champion `served` replaced `before`; `next` is evaluated, `spare` has the free alias `shadow`."""

    it: Everything
    before: ModelVersion
    served: ModelVersion
    next: ModelVersion
    spare: ModelVersion
    idle: ModelVersion  # Boston's of two months ago, which nobody has ever used
    alone: RegisteredModel
    running: Wave  # of two cities, one of which has moved
    asked: RetrainingRequest  # waits for approval
    token: ApiToken  # of whom the run belongs to
    service_token: ApiToken
    webhook: Webhook
    delivery: Delivery
    decided: Decision  # accepted, and `newer` after it
    newer: Decision
    placed: Tool
    unplaced: Tool
    experiment: Experiment
    run: Run
    logged: LoggedModel
    upload: Upload


@dataclass(frozen=True)
class Hands:
    """Who and what makes a scene."""

    owner: User
    colleague: User
    approver: User
    admin: User
    writer: User
    boston: Any
    make_version: MakeVersion
    make_champion: MakeVersion
    evaluate: Evaluate
    make_decision: MakeDecision
    make_tool: MakeTool


def scene_of(it: Everything, by: Hands) -> Scene:
    cities = [SegmentSpec("dallas", "Dallas"), SegmentSpec("denver", "Denver")]
    two = add_segments(actor=by.admin, family=it.family, segments=cities)
    before, served, *_ = [by.make_champion(city) for city in (by.boston, by.boston, *two)]
    spare, following, *moving = [by.make_version(city) for city in (by.boston, by.boston, *two)]
    idle = by.make_version(by.boston, at=timezone.now() - timedelta(days=60))
    by.evaluate(following, *moving)
    move_alias(actor=by.owner, version=spare, alias="shadow")
    running = propose(actor=by.colleague, family=it.family, versions=moving, reason="July winds", stages=[1])
    approve(actor=by.approver, wave=running, digest=running.digest)
    alone = create_model(actor=by.owner, name="alone")
    create_version(actor=by.owner, model=alone, origin=Origin("s3://bucket/x"))
    service = create_service_account(actor=by.approver, team=it.family.team, username="nightly")
    webhook, delivery = _webhook(it.family.team, by.approver)
    _write_anew(it.decision, by.writer)
    decided, newer = by.make_decision("accepted", number=8), by.make_decision("accepted", number=9)
    rewritten(decided, author=by.writer, proposer=by.writer, owner=by.writer)
    decided.refresh_from_db()
    experiment = create_experiment(actor=by.owner, name="by-hand", tags={})
    run = create_run(actor=by.owner, experiment=experiment, name="by-hand", tags={})
    return Scene(
        it=it,
        before=before,
        served=served,
        next=following,
        spare=spare,
        idle=idle,
        alone=alone,
        running=running,
        asked=_asked(it, by.owner),
        token=create_token(actor=it.tracked.user, name="laptop").row,
        service_token=create_token(actor=by.approver, account=service, name="nightly").row,
        webhook=webhook,
        delivery=delivery,
        decided=decided,
        newer=newer,
        placed=_placed(by.make_tool("luigi", licence="Apache-2.0"), by.writer),
        unplaced=by.make_tool("prefect"),
        experiment=experiment,
        run=run,
        logged=create_logged_model(actor=by.owner, experiment=experiment, run=run, name="trees"),
        upload=_upload(by.owner),
    )


def _asked(it: Everything, owner: User) -> RetrainingRequest:
    Pipeline.objects.update(approval_above=1)
    it.pipeline.refresh_from_db()
    made = submit_request(
        actor=owner, pipeline=it.pipeline, family=it.family, parameters={}, segments=["dallas", "denver"]
    )
    Pipeline.objects.update(approval_above=None)
    it.pipeline.refresh_from_db()
    return made


def _webhook(team: Team, lead: User) -> tuple[Webhook, Delivery]:
    known: dict[str, Any] = {"url": "https://127.0.0.1:1/hook", "events": ["model_version.created"]}
    webhook = Webhook.objects.create(name="told", team=team, created_by=lead, **known)
    Channel.objects.create(team=team, sealed_address="https://127.0.0.1:1/chat", host="127.0.0.1")
    event = AuditEvent.objects.latest("pk")
    delivery = Delivery.objects.create(
        event=event,
        destination=f"webhook:{webhook.pk}",
        webhook=webhook,
        status="failed",
        tries_left=0,
        problem="Gone.",
    )
    return webhook, delivery


def _write_anew(decision: Decision, writer: User) -> None:
    """Written and proposed by somebody who has no other right to it."""
    Decision.objects.filter(pk=decision.pk).update(status="draft")
    Decision.objects.filter(pk=decision.pk).update(author=writer, owner=writer, proposer=None, approval=None)
    decision.refresh_from_db()
    propose_decision(actor=writer, decision=decision)


def unverified(tool: Tool) -> None:
    """As if its licence came out of a file that nobody has checked."""
    Tool.objects.filter(pk=tool.pk).update(unverified=["licence"])


def nothing_is_open(scene: Scene) -> None:
    """Whoever proposed has taken it back."""
    for wave in (scene.it.wave, scene.running):
        withdraw(actor=wave.proposer, wave=Wave.objects.get(pk=wave.pk))


def rewritten(decision: Decision, **words: Any) -> None:
    """As if it had said so from the start: only a draft can be edited."""
    row = Decision.objects.filter(pk=decision.pk)
    status = row.get().status
    row.update(status="draft")
    row.update(**words)
    row.update(status=status)


def _placed(tool: Tool, owner: User) -> Tool:
    Position.objects.create(tool=tool, ring="trial", owner=owner)
    tool.refresh_from_db()
    return tool


def _upload(owner: User) -> Upload:
    """Files on their way to a version that is not registered yet."""
    pk = uuid4()
    put_upload_file(actor=owner, pk=pk, path="model.json", source=BytesIO(b"{}"))
    return Upload.objects.get(pk=pk)
