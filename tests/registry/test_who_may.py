"""Who may do what: every verb of the registry, tried by twelve kinds of people through every door."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.actions import create_token
from apps.accounts.models import Membership, Team, User
from apps.audit.models import AuditEvent
from apps.core.context import Credential, Door, present, through
from apps.core.errors import Denied
from apps.core.permissions import scopes
from apps.registry import actions
from apps.registry.actions import Origin, SegmentSpec
from apps.registry.gates import GateSpec
from apps.registry.models import (
    Alias,
    Freeze,
    ModelFamily,
    ModelVersion,
    Rollback,
    Segment,
    Wave,
)
from tests.conftest import signed_in
from tests.factories import UserFactory, put_into
from tests.mlflow_protocol.conftest import Mlflow
from tests.registry.conftest import Evaluate, MakeVersion
from tests.registry.test_evaluations import JULY

MEMBERS = {"owner", "colleague", "author", "approver", "service account"}
LEADS = {"author", "approver"}
DECIDERS = {"approver", "named approver"}
"""Without the author, who leads the team as well: nobody approves their own."""
LET_PROMOTE = LEADS | {"named approver"}
GO_BACK = LET_PROMOTE | {"on call"}
NOBODY: set[str] = set()


@dataclass(frozen=True)
class Scene:
    """One of everything that a verb needs; what a verb changes is undone before the next person comes."""

    family: ModelFamily
    team: Team
    served: ModelVersion  # Boston's champion, which replaced `before`
    before: ModelVersion
    next: ModelVersion  # Boston's candidate, evaluated and not proposed
    spare: ModelVersion  # Boston's, never proposed, with the free alias `shadow`
    alone: ModelVersion  # of a model without a family
    waiting: Wave  # of one city, proposed by the author
    running: Wave  # of two cities, one of which has moved
    rollback: Rollback  # by who is on call

    def frozen(self, family: ModelFamily | None) -> Freeze:
        until = timezone.now() + timedelta(days=1)
        return Freeze.objects.create(family=family, reason="Fair.", by=self.rollback.by, expires_at=until)


@pytest.fixture
def people(
    team: Team, owner: User, colleague: User, approver: User, stranger: User, operator: User, admin: User
) -> dict[str, User]:
    foreign = Team.objects.get(slug="delivery")
    return {
        "owner": owner,
        "colleague": colleague,
        "author": put_into(team, UserFactory.create(username="author"), Membership.Role.LEAD),
        "approver": approver,
        "service account": User.objects.create_user("nightly", service_of=team),
        "named approver": UserFactory.create(username="named"),
        "on call": UserFactory.create(username="on-call"),
        "stranger": stranger,
        "lead of a foreign team": put_into(foreign, UserFactory.create(username="foreign"), Membership.Role.LEAD),
        "operator": operator,
        "admin": admin,
    }


@pytest.fixture
def scene(
    people: dict[str, User],
    family: ModelFamily,
    team: Team,
    make_version: MakeVersion,
    make_champion: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    boston: Segment,
    admin: User,
    approver: User,
) -> Scene:
    author = people["author"]
    settings: dict[str, Any] = {"approvers": [people["named approver"]], "on_call": [people["on call"]]}
    family = actions.update_family(actor=approver, family=family, **settings)
    two = actions.add_segments(
        actor=admin, family=family, segments=[SegmentSpec("dallas", "Dallas"), SegmentSpec("denver", "Denver")]
    )
    before, served, *_ = [make_champion(city) for city in (boston, boston, atlanta, *two)]
    spare = make_version(boston)
    actions.move_alias(actor=author, version=spare, alias="shadow")
    moving = [make_version(city, actor=author) for city in two]
    candidates = [make_version(city, actor=author) for city in (atlanta, boston)]
    evaluate(*moving, *candidates)
    running = propose(author, moving, stages=[1])
    actions.approve(actor=approver, wave=running, digest=running.digest)
    alone = actions.create_model(actor=author, name="alone")
    return Scene(
        family=family,
        team=team,
        served=served,
        before=before,
        next=candidates[1],
        spare=spare,
        alone=actions.create_version(actor=author, model=alone, origin=Origin("s3://bucket/x")),
        waiting=propose(author, candidates[:1]),
        running=running,
        rollback=Rollback.objects.create(family=family, reason="Slow.", segments=1, by=people["on call"]),
    )


def propose(actor: User, versions: list[ModelVersion], **chosen: Any) -> Wave:
    family = versions[0].model.its_family
    return actions.propose(actor=actor, family=family, versions=versions, reason="July winds", **chosen)


A_DAY = "2013-08-01"
Act = Callable[[Scene, User], object]
Call = Callable[[Scene], tuple[str, str, dict[str, Any]]]
Speak = Callable[[Scene, Mlflow], Any]
Post = Callable[[Scene], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Verb:
    """Who may, and how it is said at each door that knows it."""

    may: set[str]
    act: Act
    call: Call | None = None
    speak: Speak | None = None
    post: Post | None = None


def in_a_day() -> str:
    return (timezone.now() + timedelta(days=1)).isoformat()


def named(version: ModelVersion) -> dict[str, str]:
    return {"name": version.model.name, "version": str(version.number)}


VERBS = {
    "propose": Verb(
        MEMBERS,
        lambda it, who: propose(who, [it.next]),
        lambda it: ("POST", "/api/v1/promotions/", {"family": "eta-trip", "versions": [it.next.pk], "reason": "x"}),
        lambda it, mlflow: mlflow.post("registered-models/alias", **named(it.next), alias="champion"),
        lambda it: (f"/promotions/new/?family=eta-trip&version={it.next.pk}", {"reason": "x"}),
    ),
    "approve": Verb(
        DECIDERS,
        lambda it, who: actions.approve(actor=who, wave=it.waiting, digest=it.waiting.digest),
        lambda it: ("POST", f"/api/v1/promotions/{it.waiting.pk}/approve/", {"digest": it.waiting.digest}),
        None,
        lambda it: (f"/promotions/{it.waiting.pk}/approve/", {"digest": it.waiting.digest}),
    ),
    "reject": Verb(
        DECIDERS,
        lambda it, who: actions.reject(actor=who, wave=it.waiting, digest=it.waiting.digest, reason="x"),
        lambda it: (
            "POST",
            f"/api/v1/promotions/{it.waiting.pk}/reject/",
            {"digest": it.waiting.digest, "reason": "x"},
        ),
        None,
        lambda it: (f"/promotions/{it.waiting.pk}/reject/", {"digest": it.waiting.digest, "reason": "x"}),
    ),
    "withdraw": Verb(
        LEADS,
        lambda it, who: actions.withdraw(actor=who, wave=it.waiting),
        lambda it: ("POST", f"/api/v1/promotions/{it.waiting.pk}/withdraw/", {}),
        None,
        lambda it: (f"/promotions/{it.waiting.pk}/withdraw/", {}),
    ),
    "advance": Verb(
        MEMBERS | {"named approver"},
        lambda it, who: actions.advance(actor=who, wave=it.running, stage=2),
        lambda it: ("POST", f"/api/v1/promotions/{it.running.pk}/advance/", {"stage": 2}),
        None,
        lambda it: (f"/promotions/{it.running.pk}/advance/", {"stage": 2}),
    ),
    "post a live value": Verb(
        MEMBERS | {"named approver"},
        lambda it, who: actions.post_live_value(actor=who, wave=it.running, value=6.0, through=JULY["window_last"]),
        lambda it: ("POST", f"/api/v1/promotions/{it.running.pk}/live-values/", {"value": 6, "through": "2013-07-31"}),
        None,
        lambda it: (f"/promotions/{it.running.pk}/live/", {"value": "6", "through": "2013-07-31"}),
    ),
    "undo": Verb(
        GO_BACK,
        lambda it, who: actions.undo_wave(actor=who, wave=it.running, reason="x"),
        lambda it: ("POST", f"/api/v1/promotions/{it.running.pk}/undo/", {"reason": "x"}),
        None,
        lambda it: (f"/promotions/{it.running.pk}/undo/", {"reason": "x"}),
    ),
    "roll back": Verb(
        GO_BACK,
        lambda it, who: actions.rollback(actor=who, family=it.family, versions=[it.served], reason="x"),
        lambda it: ("POST", "/api/v1/models/eta-trip.boston/rollback/", {"version": 2, "reason": "x"}),
        None,
        lambda it: ("/promotions/roll-back/?family=eta-trip&segment=boston", {"reason": "x"}),
    ),
    "restore": Verb(
        GO_BACK,
        lambda it, who: actions.restore(actor=who, family=it.family, versions=[it.before], reason="x"),
        lambda it: ("POST", "/api/v1/models/eta-trip.boston/restore/", {"version": 1, "reason": "x"}),
        None,
        lambda it: (f"/promotions/roll-back/?family=eta-trip&to={it.before.pk}", {"reason": "x"}),
    ),
    "review a rollback": Verb(
        (MEMBERS | {"named approver"}) - {"service account"},
        lambda it, who: actions.review_rollback(actor=who, rollback=it.rollback),
        lambda it: ("POST", f"/api/v1/rollbacks/{it.rollback.pk}/review/", {}),
        None,
        lambda it: (f"/promotions/rollbacks/{it.rollback.pk}/", {}),
    ),
    "freeze": Verb(
        GO_BACK,
        lambda it, who: actions.freeze(
            actor=who, family=it.family, reason="x", until=timezone.now() + timedelta(days=1)
        ),
        lambda it: ("POST", "/api/v1/freezes/", {"family": "eta-trip", "reason": "x", "until": in_a_day()}),
        None,
        lambda it: ("/models/eta-trip/freeze/", {"reason": "x", "until": in_a_day()[:16]}),
    ),
    "lift a freeze": Verb(
        GO_BACK,
        lambda it, who: actions.lift_freeze(actor=who, freeze=it.frozen(it.family)),
        lambda it: ("POST", f"/api/v1/freezes/{it.frozen(it.family).pk}/lift/", {}),
        None,
        lambda it: (f"/freezes/{it.frozen(it.family).pk}/lift/", {}),
    ),
    "freeze all": Verb(
        {"operator", "admin"},
        lambda it, who: actions.freeze(actor=who, family=None, reason="x", until=timezone.now() + timedelta(days=1)),
        lambda it: ("POST", "/api/v1/freezes/", {"reason": "x", "until": in_a_day()}),
        None,
        lambda it: ("/freezes/", {"reason": "x", "until": in_a_day()[:16]}),
    ),
    "lift a freeze of all": Verb(
        {"operator", "admin"},
        lambda it, who: actions.lift_freeze(actor=who, freeze=it.frozen(None)),
        lambda it: ("POST", f"/api/v1/freezes/{it.frozen(None).pk}/lift/", {}),
        None,
        lambda it: (f"/freezes/{it.frozen(None).pk}/lift/", {}),
    ),
    "edit gates": Verb(
        LEADS,
        lambda it, who: actions.set_gates(actor=who, family=it.family, gates=[GateSpec("no_leakage")]),
        lambda it: ("PUT", "/api/v1/families/eta-trip/gates/", {"gates": [{"kind": "no_leakage"}]}),
    ),
    "edit the family": Verb(
        LEADS,
        lambda it, who: actions.update_family(actor=who, family=it.family, description="x"),
        lambda it: ("PATCH", "/api/v1/families/eta-trip/", {"description": "x"}),
    ),
    "say until when labels are known": Verb(
        LEADS,
        lambda it, who: actions.set_labelled_until(actor=who, family=it.family, day=timezone.now().date()),
        lambda it: ("PUT", "/api/v1/families/eta-trip/labelled-until/", {"day": A_DAY}),
    ),
    "add segments": Verb(
        LEADS | {"admin"},
        lambda it, who: actions.add_segments(actor=who, family=it.family, segments=[SegmentSpec("reno", "Reno")]),
        lambda it: ("POST", "/api/v1/families/eta-trip/segments/", {"segments": [{"slug": "reno", "name": "Reno"}]}),
    ),
    "create a family": Verb(
        {"admin"},
        lambda it, who: actions.create_family(
            actor=who, slug="new", name="New", team=it.team, dimension="city", metric="mae"
        ),
        lambda it: (
            "POST",
            "/api/v1/families/",
            {"slug": "new", "name": "New", "team": "rides-eta", "dimension": "city", "metric": "mae"},
        ),
    ),
    "evaluate": Verb(
        MEMBERS,
        lambda it, who: actions.request_evaluations(actor=who, family=it.family, candidates=[it.spare], **JULY),
        lambda it: ("POST", "/api/v1/evaluations/", {"family": "eta-trip", "versions": [it.spare.pk]}),
    ),
    "set an alias": Verb(
        MEMBERS,
        lambda it, who: actions.move_alias(actor=who, version=it.next, alias="canary"),
        lambda it: ("PUT", "/api/v1/models/eta-trip.boston/aliases/canary/", {"version": it.next.number}),
        lambda it, mlflow: mlflow.post("registered-models/alias", **named(it.next), alias="canary"),
    ),
    "delete an alias": Verb(
        MEMBERS,
        lambda it, who: actions.delete_alias(actor=who, model=it.spare.model, alias="shadow"),
        lambda it: ("DELETE", "/api/v1/models/eta-trip.boston/aliases/shadow/", {}),
        lambda it, mlflow: mlflow.delete("registered-models/alias", name="eta-trip.boston", alias="shadow"),
    ),
    "delete a version": Verb(
        MEMBERS,
        lambda it, who: actions.delete_version(actor=who, version=it.before),
        None,
        lambda it, mlflow: mlflow.delete("model-versions/delete", **named(it.before)),
    ),
    "rename a model": Verb(
        MEMBERS,
        lambda it, who: actions.rename_model(actor=who, model=it.alone.model, name="renamed"),
        None,
        lambda it, mlflow: mlflow.post("registered-models/rename", name="alone", new_name="renamed"),
    ),
    "describe a version": Verb(
        MEMBERS,
        lambda it, who: actions.describe_version(actor=who, version=it.served, description="x"),
        lambda it: ("PATCH", f"/api/v1/versions/{it.served.pk}/", {"description": "x"}),
        lambda it, mlflow: mlflow.patch("model-versions/update", **named(it.served), description="x"),
    ),
    "register a version": Verb(
        MEMBERS,
        lambda it, who: actions.create_version(actor=who, model=it.served.model, origin=Origin("s3://bucket/x")),
        None,
        lambda it, mlflow: mlflow.post("model-versions/create", name="eta-trip.boston", source="s3://bucket/x"),
    ),
}
WAYS_ROUND = {
    "promote past the approval": Verb(
        NOBODY,
        lambda it, who: actions.move_alias(actor=who, version=it.spare, alias="champion"),
        lambda it: ("PUT", "/api/v1/models/eta-trip.boston/aliases/champion/", {"version": it.spare.number}),
        lambda it, mlflow: mlflow.post("registered-models/alias", **named(it.spare), alias="champion"),
    ),
    "delete the champion's alias": Verb(
        NOBODY,
        lambda it, who: actions.delete_alias(actor=who, model=it.served.model, alias="champion"),
        lambda it: ("DELETE", "/api/v1/models/eta-trip.boston/aliases/champion/", {}),
        lambda it, mlflow: mlflow.delete("registered-models/alias", name="eta-trip.boston", alias="champion"),
    ),
    "move a version to Production": Verb(
        NOBODY,
        lambda it, who: actions.move_stage(actor=who, version=it.spare, stage="Production", archive_others=True),
        None,
        lambda it, mlflow: mlflow.post(
            "model-versions/transition-stage", **named(it.spare), stage="Production", archive_existing_versions=True
        ),
    ),
    "archive the champion": Verb(
        NOBODY,
        lambda it, who: actions.move_stage(actor=who, version=it.served, stage="Archived", archive_others=False),
        None,
        lambda it, mlflow: mlflow.post(
            "model-versions/transition-stage", **named(it.served), stage="Archived", archive_existing_versions=False
        ),
    ),
    "delete the champion": Verb(
        NOBODY,
        lambda it, who: actions.delete_version(actor=who, version=it.served),
        None,
        lambda it, mlflow: mlflow.delete("model-versions/delete", **named(it.served)),
    ),
    "delete the model": Verb(
        NOBODY,
        lambda it, who: actions.delete_model(actor=who, model=it.served.model),
        None,
        lambda it, mlflow: mlflow.delete("registered-models/delete", name="eta-trip.boston"),
    ),
    "rename the model": Verb(
        NOBODY,
        lambda it, who: actions.rename_model(actor=who, model=it.served.model, name="mine"),
        None,
        lambda it, mlflow: mlflow.post("registered-models/rename", name="eta-trip.boston", new_name="mine"),
    ),
}


@dataclass(frozen=True)
class Person:
    """Somebody with a token at every door. Each answers whether the verb was done."""

    user: User
    credential: Credential
    secret: str
    browser: Client

    def by_action(self, verb: Verb, it: Scene) -> bool:
        with through(Door.COMMAND):
            present(self.credential)
            try:
                verb.act(it, self.user)
            except Denied:
                return False
        return True

    def over_the_api(self, verb: Verb, it: Scene) -> bool:
        assert verb.call
        method, address, body = verb.call(it)
        client = APIClient(headers={"authorization": f"Bearer {self.secret}"})
        answer = client.generic(method, address, json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 201, 202, 204, *self.refusals), answer.content
        return bool(answer.status_code < 400)

    def over_mlflow(self, verb: Verb, it: Scene) -> bool:
        """A promotion that waits for an approval is opened, and still answered with 403."""
        assert verb.speak
        status, body = verb.speak(it, Mlflow(f"Bearer {self.secret}"))
        assert status in (200, *self.refusals), body
        return status == 200 or "waits for the approval" in body["message"]

    def on_its_page(self, verb: Verb, it: Scene) -> bool:
        """Forbidden, or led to where it is said how it went."""
        assert verb.post
        before = told().count()
        assert self.browser.post(*verb.post(it)).status_code in (302, 403)
        return told().count() > before

    @property
    def refusals(self) -> tuple[int, ...]:
        """Where a token is for another family, what is in this one does not exist."""
        return (403, 404) if self.credential.families else (403,)


def with_token(user: User, *scope: str, family: str = "") -> Person:
    """Of every scope, and for every family, unless said."""
    granted, families = scope or tuple(scopes()), [family] if family else []
    made = create_token(actor=user, name=f"{scope} {family}", scopes=granted, families=families)
    credential = Credential("a token", frozenset(granted), families=frozenset(families))
    return Person(user, credential, made.secret, signed_in(user))


@pytest.fixture
def everybody(people: dict[str, User]) -> dict[str, Person]:
    return {
        **{kind: with_token(user) for kind, user in people.items()},
        "a token that reads": with_token(people["approver"], "read"),
        "a token for another family": with_token(people["approver"], family="late-risk"),
    }


WITHOUT_A_PAGE = {"service account", "a token that reads", "a token for another family"}


@dataclass(frozen=True)
class At:
    """A door: what a verb is called there, and how somebody tries it."""

    knows: str
    tries: Callable[[Person, Verb, Scene], bool]


DOORS = {
    "action": At("act", Person.by_action),
    "api": At("call", Person.over_the_api),
    "mlflow": At("speak", Person.over_mlflow),
    "page": At("post", Person.on_its_page),
}


@pytest.mark.parametrize("door", DOORS)
def test_everybody_does_what_they_may_and_nothing_else(door: str, scene: Scene, everybody: dict[str, Person]) -> None:
    at = DOORS[door]
    kinds = set(everybody) - (WITHOUT_A_PAGE if door == "page" else set())
    for name, verb in (VERBS | WAYS_ROUND).items():
        if getattr(verb, at.knows):
            done = {kind for kind in kinds if tried(at, everybody[kind], verb, scene)}
            assert done == verb.may & kinds, f"{name} through {door}"


def tried(at: At, person: Person, verb: Verb, scene: Scene) -> bool:
    """Whether it was done; it is undone before the next one tries. What was refused has changed nothing."""
    before = told().count(), serving()
    undo = transaction.savepoint()  # no block: some actions insist on committing for themselves
    done = at.tries(person, verb, deepcopy(scene))
    after = told().count(), serving()
    noted = AuditEvent.objects.filter(action="registry.way_round_refused", actor_id=person.user.pk).count()
    transaction.savepoint_rollback(undo)
    assert after == before or done
    assert noted or verb not in WAYS_ROUND.values() or person.credential.families
    return done


def told() -> QuerySet[AuditEvent]:
    """What somebody really did."""
    return AuditEvent.objects.filter(action__startswith="registry.").exclude(action="registry.way_round_refused")


def serving() -> dict[int, int]:
    """Champion by model."""
    return dict(Alias.objects.filter(name="champion").values_list("model", "version"))
