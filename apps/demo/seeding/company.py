"""The company's people: one demo login per role, named by role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.accounts import actions, queries
from apps.core.errors import Missing

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@dataclass(frozen=True)
class Login:
    """A demo person: what they are called, what they do, and where they belong."""

    username: str
    name: str
    does: str
    team: str = ""
    role: str = "member"
    portal_role: str = ""


@dataclass(frozen=True)
class People:
    scientist: User
    lead: User
    manager: User
    operator: User
    admin: User
    forecaster: User
    pricing_lead: User


TEAMS = (
    ("rides-eta", "Rides ETA and Matching", "product"),
    ("rides-pricing", "Rides Pricing", "product"),
    ("delivery", "Delivery Time", "product"),
    ("micromobility", "Scooters", "product"),
    ("trust-safety", "Trust and Safety", "product"),
    ("ml-platform", "ML Platform", "platform"),
    ("data-platform", "Data Platform", "platform"),
)
ADMIN = Login("admin", "Ines Duarte", "adds teams and people (over the API)")
LOGINS = (
    Login("scientist", "Mara Okafor", "retrains and proposes promotions", "rides-eta"),
    Login("lead", "Jonas Weber", "approves promotions and rolls back", "rides-eta", "lead"),
    Login("manager", "Priya Nair", "browses the tools, accepts decisions", portal_role="board"),
    Login(
        "operator",
        "Tomasz Zielinski",
        "watches workers, cancels and retries, edits the catalog",
        "ml-platform",
        portal_role="catalog_editor",
    ),
)
COLLEAGUES = (
    Login("forecaster", "Elif Demir", "forecasts demand", "rides-pricing"),
    Login("pricing-lead", "Samuel Osei", "approves what prices are made of", "rides-pricing", "lead"),
)


def seed(password: str) -> People:
    """Teams and people that are not there yet."""
    admin = _admin(password)
    for slug, name, kind in TEAMS:
        _team(admin, slug, name, kind)
    everybody = [*LOGINS, *COLLEAGUES]
    people = {login.username.replace("-", "_"): _person(admin, login, password) for login in everybody}
    return People(admin=admin, **people)


def _admin(password: str) -> User:
    try:
        return queries.user(username=ADMIN.username)
    except Missing:
        return actions.found_portal(username=ADMIN.username, name=ADMIN.name, password=password)


def _team(admin: User, slug: str, name: str, kind: str) -> Team:
    try:
        return queries.team(slug=slug)
    except Missing:
        return actions.create_team(actor=admin, slug=slug, name=name, kind=kind)


def _person(admin: User, login: Login, password: str) -> User:
    try:
        return queries.user(username=login.username)
    except Missing:
        return _arrive(admin, login, password)


def _arrive(admin: User, login: Login, password: str) -> User:
    person = actions.create_user(actor=admin, username=login.username, name=login.name, password=password)
    if login.team:
        actions.add_member(actor=admin, team=queries.team(slug=login.team), user=person, role=login.role)
    if login.portal_role:
        actions.give_role(actor=admin, user=person, role=login.portal_role)
    return queries.user(username=login.username)
