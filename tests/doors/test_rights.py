"""Who may do what: docs/rights.md is made from the rules themselves, and every door is held against it.

`make rights` writes the page anew, where a change of the rules is meant. The registry's verbs are walked through all
their doors, with what each has changed, in tests/registry/test_who_may.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from apps.accounts.actions import create_service_account, create_token
from apps.accounts.models import Membership, PortalRole, Team, User
from apps.approvals.actions import open_approval
from apps.catalog.models import FeatureGap, ToolRequest
from apps.core.context import Credential, Door, present, through
from apps.core.permissions import _grants, allowed, scopes
from apps.notifications.models import Webhook
from apps.retraining.rules import Use
from apps.tracking.models import LoggedModel
from tests.doors.conftest import Everything
from tests.factories import UserFactory, give, put_into

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
COLUMNS = (
    *("author", "member", "lead", "approver", "on call", "service account", "operator", "catalog editor", "board"),
    *("platform admin", "anybody", "foreign lead", "foreign service account"),
)
OF_WHOM = ("requester", "proposer", "author", "reporter", "by", "created_by", "user")
"""Where a thing says whose it is, the first that it has."""
LEAD_IN = """# Who may do what

Made by `make rights` from the rules themselves (`apps/*/rules.py`); a test compares, and tries every verb as each of
these people through the doors. Nobody may do everything: there is no superuser. What somebody may not see does not
exist for them (404), else a refusal says whom to ask (403).

| column | who |
|---|---|
| author | who made the very thing: proposed the wave, sent the request, wrote the decision, ran the run |
| member, lead | of the team that owns the thing; everything else about them is ordinary |
| approver, on call | named in the family's settings, and of another team |
| service account | of the owner team; a foreign one is of another |
| operator | member of a team of kind platform |
| catalog editor, board, platform admin | hold that portal-wide role, and nothing else |
| anybody | is signed in, in a team that owns none of it |
| foreign lead | leads a team that owns none of it |

**A token** does what its owner may, within its scopes, and within its teams or families where it names some: a token
with `read` alone changes nothing, a token of another family finds nothing of this one. Nobody without a credential
does or sees anything, but for the sign-in, `/healthz` and `/readyz`. Everybody who is signed in reads what is not
restricted; a restricted family, pipeline, experiment or decision is read by its team, by the family's approvers and
who is on call, and, of decisions, by the board and whoever wrote, proposed or owns it.
"""


@dataclass(frozen=True)
class Cast:
    """One of each kind of people, and what each verb is tried on."""

    people: Mapping[str, User]
    targets: Mapping[str, Any]

    def who(self, kind: str, permission: str) -> User:
        target = self.targets[permission]
        author = next((getattr(target, name) for name in OF_WHOM if getattr(target, name, None)), None)
        return author if kind == "author" and author else self.people["member" if kind == "author" else kind]

    def may(self, kind: str, permission: str) -> bool:
        with through(Door.COMMAND):
            return allowed(self.who(kind, permission), permission, self.targets[permission])


def verbs() -> list[str]:
    """Those with a door of their own; approvals are voted on through the verbs of what they are about."""
    return sorted(name for name, grant in _grants.items() if grant.scope)


@pytest.fixture
def cast(everything: Everything, approver: User, stranger: User, operator: User, board: User, team: Team) -> Cast:
    foreign = put_into(Team.objects.get(slug="delivery"), UserFactory.create(username="boss"), Membership.Role.LEAD)
    named, on_call = UserFactory.create(username="named"), UserFactory.create(username="on-call")
    everything.family.approvers.add(named)
    everything.family.on_call.add(on_call)
    assert everything.wave.approval
    everything.wave.approval.approvers.add(named)
    roles = {role: give(UserFactory.create(username=f"only-{role}"), role) for role in PortalRole.Role}
    people = {
        "member": put_into(team, UserFactory.create(username="member")),
        "lead": approver,
        "approver": named,
        "on call": on_call,
        "service account": create_service_account(actor=approver, team=team, username="ci-rides"),
        "operator": operator,
        "catalog editor": roles[PortalRole.Role.CATALOG_EDITOR],
        "board": board,
        "platform admin": roles[PortalRole.Role.PLATFORM_ADMIN],
        "anybody": stranger,
        "foreign lead": foreign,
        "foreign service account": create_service_account(
            actor=foreign, team=foreign.memberships.get().team, username="ci-food"
        ),
    }
    return Cast(people, {permission: target_of(permission, everything, approver) for permission in verbs()})


def target_of(permission: str, it: Everything, approver: User) -> Any:
    """What the verb is asked about, as its action asks."""
    wish, gap = ToolRequest.objects.get(), FeatureGap.objects.get()
    asked = copy(it.request)  # as if its pipeline wanted an approval
    asked.approval = open_approval(
        actor=it.request.requester,
        title="Retrain",
        digest="0" * 64,
        team=it.family.team,
        needed=1,
        excluded=[it.request.requester],
        approvers=list(it.family.approvers.all()),
        days=7,
    )
    exact: dict[str, Any] = {
        "retraining.approve": asked,
        "accounts.revoke_token": create_token(actor=it.tracked.user, name=str(uuid4())).row,
        "accounts.keep_service": it.family.team,
        "catalog.edit": it.tool,
        "catalog.propose_move": it.tool,
        "catalog.decide_move": it.move,
        "catalog.withdraw_move": it.move,
        "catalog.ask_exception": it.family.team,
        "catalog.edit_gap": gap,
        "catalog.request_tool": it.family.team,
        "catalog.declare_usage": it.family.team,
        "catalog.answer_request": wish,
        "catalog.withdraw_request": wish,
        "registry.approve": it.wave,
        "registry.withdraw": it.wave,
        "registry.advance": it.wave,
        "registry.review_rollback": it.rollback,
        "registry.report_serving": it.champion,
        "registry.set_alias": it.champion.model,
        "retraining.submit": it.family,
        "retraining.use": Use(it.pipeline, it.family),
        "retraining.log_run": it.run,
        "retraining.signal": it.family,
        "retraining.set_policy": it.family,
        "retraining.close_incident": it.incident,
        "lineage.tell": it.tracked,
        "tracking.create_experiment": it.family.team,
        "tracking.open_run": it.tracked.experiment,
        "tracking.edit_experiment": it.tracked.experiment,
        "tracking.delete_experiment": it.tracked.experiment,
        "tracking.write_run": it.tracked,
        "tracking.delete_run": it.tracked,
        "tracking.write_logged_model": LoggedModel(user=it.tracked.user),
        "tracking.upload": LoggedModel(user=it.tracked.user),
        "notifications.set_channel": it.family.team,
        "notifications.create_webhook": it.family.team,
        "notifications.edit_webhook": Webhook(team=it.family.team),
    }
    of_nothing = (
        "create_",
        "define_",
        "record_gap",
        "publish",
        "write_decision",
        "operate",
        "administer",
        "choose_mail",
    )
    alone = permission == "registry.freeze_all" or permission.split(".")[1].startswith(of_nothing)
    usual = {"retention": it.family, "registry": it.family, "retraining": it.request, "catalog": it.decision}
    return exact.get(permission, None if alone else usual.get(permission.split(".")[0]))


def page_of(cast: Cast) -> str:
    parts = [LEAD_IN]
    for app in sorted({permission.split(".")[0] for permission in verbs()}):
        rows = [row_of(permission, cast) for permission in verbs() if permission.startswith(f"{app}.")]
        head = "| verb | " + " | ".join(COLUMNS) + " | a token needs |"
        parts.append("\n".join([f"## {app.capitalize()}", "", head, "|---" * (len(COLUMNS) + 2) + "|", *rows, ""]))
    parts.append("## What a refusal says\n")
    parts += [f"- `{permission}`: {_grants[permission].refusal}" for permission in verbs()]
    return "\n".join(parts) + "\n"


def row_of(permission: str, cast: Cast) -> str:
    marks = ["●" if cast.may(kind, permission) else "" for kind in COLUMNS]
    verb = permission.split(".")[1].replace("_", " ")
    return f"| {verb} | {' | '.join(marks)} | `{_grants[permission].scope}` |"


def test_the_page_says_what_the_rules_say(cast: Cast) -> None:
    said = page_of(cast)
    if os.environ.get("WRITE_RIGHTS"):
        PAGE.write_text(said)
    assert PAGE.read_text() == said, "the rules have changed; where that is meant: make rights"


def test_every_verb_is_for_somebody_and_none_for_everybody_of_a_foreign_team(cast: Cast) -> None:
    for permission in verbs():
        assert any(cast.may(kind, permission) for kind in COLUMNS), f"nobody may {permission}"
    open_to_all = {permission for permission in verbs() if cast.may("foreign service account", permission)}
    assert open_to_all == {
        "accounts.create_token",
        "catalog.propose_move",
        "catalog.record_gap",
        "notifications.choose_mail",
        "registry.create_model",
        "registry.report_serving",
    }


def test_a_token_does_no_more_than_its_scopes_and_its_families(cast: Cast) -> None:
    read = Credential("reads", frozenset({"read"}))
    elsewhere = Credential("elsewhere", frozenset(scopes()), families=frozenset({"late-risk"}))
    for permission in verbs():
        for kind in COLUMNS:
            with through(Door.API):
                present(read)
                done = allowed(cast.who(kind, permission), permission, cast.targets[permission])
                assert not done or _grants[permission].scope == "read", f"{kind} with read: {permission}"
            with through(Door.API):
                present(elsewhere)
                assert not allowed(cast.who(kind, permission), permission, cast.targets[permission]), permission


Call = tuple[str, str, dict[str, Any]]


def calls(it: Everything) -> dict[str, Call]:
    """Each verb as the API knows it, with a body that says enough to be asked about the right."""
    day, family, wave = "2099-01-01", it.family.slug, it.wave.pk
    number, request, wish, gap = (
        it.decision.label,
        it.request.pk,
        ToolRequest.objects.get().pk,
        FeatureGap.objects.get().pk,
    )
    one = {"family": family, "versions": [it.candidate.pk], "reason": "x"}
    why = {"reason": "x"}
    return {
        "accounts.create_token": ("POST", "tokens/", {"name": "other"}),
        "accounts.administer": ("POST", "teams/", {"slug": "new", "name": "New"}),
        "accounts.keep_service": ("POST", "teams/rides-eta/service-accounts/", {"username": "ci-other"}),
        "catalog.edit": ("PATCH", "tools/airflow/", {"summary": "x"}),
        "catalog.propose_move": ("POST", "tools/airflow/moves/", {"ring": "assess", "reason": "x"}),
        "catalog.decide_move": ("POST", f"ring-moves/{it.move.pk}/approve/", {}),
        "catalog.withdraw_move": ("POST", f"ring-moves/{it.move.pk}/withdraw/", {}),
        "catalog.publish": ("POST", "radar-editions/", {"name": "2026-09"}),
        "catalog.write_decision": (
            "POST",
            "decisions/",
            {"capability": "orchestration", "sourcing": "build", "title": "Ours"},
        ),
        "catalog.edit_decision": ("POST", f"decisions/{number}/propose/", {}),
        "catalog.withdraw_decision": ("POST", f"decisions/{number}/withdraw/", {}),
        "catalog.decide": ("POST", f"decisions/{number}/accept/", {}),
        "catalog.conclude": ("POST", f"decisions/{number}/send-back/", why),
        "catalog.look_again": ("POST", f"decisions/{number}/postpone/", {"until": day} | why),
        "catalog.look_back": ("POST", f"decisions/{number}/look-back/", {"verdict": "right"}),
        "catalog.record_gap": ("POST", "feature-gaps/", {"title": "x", "tool": "airflow"}),
        "catalog.edit_gap": ("PATCH", f"feature-gaps/{gap}/", {"title": "y"}),
        "catalog.request_tool": (
            "POST",
            "tool-requests/",
            {
                **{"capability": "orchestration", "name": "x", "need": "x", "people": 1, "team": "rides-eta"},
                "why_not_existing": "x",
            },
        ),
        "catalog.answer_request": ("POST", f"tool-requests/{wish}/answer/", {"outcome": "gap", "gap": gap}),
        "catalog.withdraw_request": ("POST", f"tool-requests/{wish}/withdraw/", {}),
        "catalog.declare_usage": (
            "POST",
            "tool-uses/",
            {"kind": "team", "name": "rides-eta", "team": "rides-eta", "tool": "airflow"},
        ),
        "registry.propose": ("POST", "promotions/", one),
        "registry.withdraw": ("POST", f"promotions/{wave}/withdraw/", {}),
        "registry.approve": ("POST", f"promotions/{wave}/approve/", {"digest": it.wave.digest}),
        "registry.advance": ("POST", f"promotions/{wave}/advance/", {"stage": 1}),
        "registry.roll_back": ("POST", "models/eta-trip.atlanta/rollback/", why),
        "registry.freeze": ("POST", "freezes/", {"family": family, "until": f"{day}T08:00Z"} | why),
        "registry.freeze_all": ("POST", "freezes/", {"until": f"{day}T08:00Z"} | why),
        "retention.set_rule": ("PUT", f"families/{family}/retention/", {"logs_days": None}),
        "retraining.submit": ("POST", "requests/", {"family": family, "pipeline": "toy", "segments": ["boston"]}),
        "retraining.cancel": ("POST", f"requests/{request}/cancel/", {}),
        "retraining.retry": ("POST", f"requests/{request}/retry-failed/", {}),
        "retraining.hold": ("POST", f"requests/{request}/hold/", why),
        "retraining.operate": ("POST", "workers/work@a/drain/", {}),
        "retraining.close_incident": ("POST", f"incidents/{it.incident.pk}/close/", {"note": "x"}),
        "retraining.signal": (
            "POST",
            "signals/",
            {"family": family, "source": "api", "report": {"kind": "schema", "verdict": "alarm"}},
        ),
        "retraining.set_policy": (
            "POST",
            "policies/",
            {"family": family, "pipeline": "toy", "name": "Again", "trigger": "signal"},
        ),
        "notifications.choose_mail": ("PUT", "notices/", {"unwanted": []}),
        "notifications.set_channel": ("DELETE", "channels/rides-eta/", {}),
        "platforms.administer": ("POST", "connections/tracking/test/", {}),
    }


def test_the_api_does_what_the_page_says_for_everybody(cast: Cast, everything: Everything) -> None:
    wrong = []
    for permission, call in calls(everything).items():
        for kind in COLUMNS:
            done = tries(cast.who(kind, permission), call)
            if done != cast.may(kind, permission):
                wrong.append(f"{permission} as {kind}: the API {'does it' if done else 'refuses'}")
    assert not wrong, "\n".join(wrong)


def tries(user: User, call: Call) -> bool:
    """Whether the right was there: a refusal is 403, or 404 for what may not be seen. It is undone afterwards."""
    method, address, body = call
    before = transaction.savepoint()  # no block: some actions insist on committing for themselves
    secret = create_token(actor=user, name=str(uuid4()), scopes=scopes()).secret
    client = APIClient(headers={"authorization": f"Bearer {secret}"})
    answer = client.generic(method, f"/api/v1/{address}", json.dumps(body), content_type="application/json")
    transaction.savepoint_rollback(before)
    assert answer.status_code < 500, (call, answer.content)
    return answer.status_code not in (401, 403, 404)


def test_nobody_without_a_credential_does_any_of_it(everything: Everything) -> None:
    for method, address, body in calls(everything).values():
        answer = APIClient().generic(method, f"/api/v1/{address}", json.dumps(body), content_type="application/json")
        assert answer.status_code == 401, address
