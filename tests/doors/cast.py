"""One of each kind of people, and what each row of docs/rights.md is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.accounts.actions import create_service_account
from apps.accounts.models import Membership, PortalRole, Team, User
from apps.catalog.models import FeatureGap, ToolRequest
from apps.core.context import Door, through
from apps.core.permissions import _grants, allowed
from apps.retraining.rules import Use
from tests.factories import UserFactory, give, put_into

if TYPE_CHECKING:
    from tests.doors.offers import Offer
    from tests.doors.scene import Scene

COLUMNS = (
    *("author", "member", "lead", "approver", "on call", "service account", "operator", "catalog editor", "board"),
    *("platform admin", "anybody", "foreign lead", "foreign service account"),
)
OF_WHOM = ("requester", "proposer", "author", "reporter", "owner", "by", "created_by", "user")
"""Where a thing says whose it is, the first that it has."""


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
        return self.allows(self.who(kind, permission), permission, self.targets[permission])

    def may_take(self, kind: str, offered: Offer) -> bool:
        """What the page says about whoever stands before this door."""
        user = self.who(kind, offered.may[0])
        if offered.only and kind not in offered.only:
            return False
        about = {name: offered.about(user) if offered.about else self.targets[name] for name in offered.may}
        return all(self.allows(user, name, target) for name, target in about.items())

    def allows(self, user: User, permission: str, target: object) -> bool:
        with through(Door.COMMAND):
            return allowed(user, permission, target)


def verbs() -> list[str]:
    """Those with a door of their own; approvals are voted on through the verbs of what they are about."""
    return sorted(name for name, grant in _grants.items() if grant.scope)


def cast_of(scene: Scene, approver: User, stranger: User, operator: User, board: User, team: Team) -> Cast:
    foreign = put_into(Team.objects.get(slug="delivery"), UserFactory.create(username="boss"), Membership.Role.LEAD)
    named, on_call = UserFactory.create(username="named"), UserFactory.create(username="on-call")
    scene.it.family.approvers.add(named)
    scene.it.family.on_call.add(on_call)
    for approval in (scene.it.wave.approval, scene.asked.approval):
        assert approval
        approval.approvers.add(named)
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
    return Cast(people, {permission: target_of(permission, scene) for permission in verbs()})


OF_NOTHING = (
    *("create_", "define_", "record_gap", "publish", "write_decision", "operate", "administer", "choose_mail"),
    *("freeze_all",),
)
"""How verbs begin that are asked about nothing in particular."""


def target_of(permission: str, scene: Scene) -> Any:
    """What the verb is asked about, as its action asks."""
    it, app, verb = scene.it, *permission.split(".")
    wish, gap = ToolRequest.objects.get(), FeatureGap.objects.get()
    exact: dict[str, Any] = {
        "retraining.approve": scene.asked,
        "accounts.revoke_token": scene.token,
        "accounts.keep_service": it.family.team,
        "catalog.edit": it.tool,
        "catalog.propose_move": it.tool,
        "catalog.decide_move": it.move,
        "catalog.withdraw_move": it.move,
        "catalog.review": scene.placed.position,
        "catalog.look_again": scene.decided,
        "catalog.look_back": scene.decided,
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
        "tracking.open_run": scene.experiment,
        "tracking.edit_experiment": scene.experiment,
        "tracking.delete_experiment": scene.experiment,
        "tracking.write_run": scene.run,
        "tracking.delete_run": scene.run,
        "tracking.write_logged_model": scene.logged,
        "tracking.upload": scene.upload,
        "notifications.set_channel": it.family.team,
        "notifications.create_webhook": it.family.team,
        "notifications.edit_webhook": scene.webhook,
    }
    usual = {"retention": it.family, "registry": it.family, "retraining": it.request, "catalog": it.decision}
    return exact.get(permission, None if verb.startswith(OF_NOTHING) else usual.get(app))
