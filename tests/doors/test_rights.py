"""Who may do what: docs/rights.md is made from the rules themselves, and every verb is tried through every door.

`make rights` writes the page anew, where a change of the rules is meant. What each door offers stands in `offers/`;
a verb or an address that is missing there fails. A verb was done if anything was written, and only then.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import getsource, isfunction, unwrap
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.actions import create_token
from apps.accounts.models import Team, User
from apps.core.context import Credential, Door, present, through
from apps.core.permissions import _grants, allowed, scopes
from apps.mlflow_protocol.table import ENDPOINTS
from apps.registry.models import Segment
from tests.catalog.conftest import MakeDecision, MakeTool
from tests.conftest import signed_in
from tests.doors.cast import COLUMNS, Cast, cast_of, verbs
from tests.doors.conftest import Everything
from tests.doors.offers import Offer, api, mlflow, pages
from tests.doors.scene import Hands, Scene, scene_of
from tests.doors.test_every_door import real
from tests.factories import UserFactory, put_into
from tests.registry.conftest import Evaluate, MakeVersion

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
PARTS = 3
"""So many tests share the offers of a door: both cores have something to do."""
PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
DOORS = ("API", "page", "MLflow")
LEAD_IN = """# Who may do what

Made by `make rights` from the rules themselves (`apps/*/rules.py`); a test compares, and tries every verb as each of
these people through every door that offers it. Nobody may do everything: there is no superuser. What somebody may not
see does not exist for them (404), else a refusal says whom to ask (403).

| column | who |
|---|---|
| author | who made the very thing: proposed the wave, sent the request, wrote the decision, owns the tool |
| member, lead | of the team that owns the thing; everything else about them is ordinary |
| approver, on call | named in the family's settings, and of another team |
| service account | of the owner team; a foreign one is of another |
| operator | member of a team of kind platform |
| catalog editor, board, platform admin | hold that portal-wide role, and nothing else |
| anybody | is signed in, in a team that owns none of it |
| foreign lead | leads a team that owns none of it |
| through | where it is offered: the API, pages, MLflow's protocol. A service account has no pages |

**A token** does what its owner may, within its scopes, and within its teams or families where it names some: a token
with `read` alone changes nothing, a token of another family finds nothing of this one. Nobody without a credential
does or sees anything, but for the sign-in, `/healthz` and `/readyz`. Everybody who is signed in reads what is not
restricted; a restricted family, pipeline, experiment or decision is read by its team, by the family's approvers and
who is on call, and, of decisions, by the board and whoever wrote, proposed or owns it.
"""
NOT_OFFERED = {"registry.import_alias": "`manage.py import_mlflow`"}
"""Verbs that no door offers, and what does them."""
WITHOUT_PAGES = frozenset({"service account", "foreign service account"})


@pytest.fixture(autouse=True)
def nearby_is_allowed(settings: Settings) -> None:
    """The addresses of webhooks and channels here are of this machine."""
    settings.WEBHOOK_PRIVATE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def scene(
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
    make_decision: MakeDecision,
    make_tool: MakeTool,
) -> Scene:
    writer = put_into(team, UserFactory.create(username="writer"))
    people = (owner, colleague, approver, admin, writer)
    return scene_of(everything, Hands(*people, boston, make_version, make_champion, evaluate, make_decision, make_tool))


@pytest.fixture
def cast(scene: Scene, approver: User, stranger: User, operator: User, board: User, team: Team) -> Cast:
    return cast_of(scene, approver, stranger, operator, board, team)


def offers_by_door(scene: Scene) -> dict[str, list[Offer]]:
    return {"API": api.offers(scene), "page": pages.offers(scene), "MLflow": mlflow.offers(scene)}


def page_of(cast: Cast, scene: Scene) -> str:
    through = {door: {name for one in offered for name in one.may} for door, offered in offers_by_door(scene).items()}
    parts = [LEAD_IN]
    for app in sorted({permission.split(".")[0] for permission in verbs()}):
        rows = [row_of(permission, cast, through) for permission in verbs() if permission.startswith(f"{app}.")]
        head = "| verb | " + " | ".join(COLUMNS) + " | through | a token needs |"
        parts.append("\n".join([f"## {app.capitalize()}", "", head, "|---" * (len(COLUMNS) + 3) + "|", *rows, ""]))
    parts.append("## What a refusal says\n")
    parts += [f"- `{permission}`: {_grants[permission].refusal}" for permission in verbs()]
    return "\n".join(parts) + "\n"


def row_of(permission: str, cast: Cast, through: Mapping[str, set[str]]) -> str:
    marks = ["●" if cast.may(kind, permission) else "" for kind in COLUMNS]
    where = NOT_OFFERED.get(permission) or ", ".join(door for door in DOORS if permission in through[door])
    verb = permission.split(".")[1].replace("_", " ")
    return f"| {verb} | {' | '.join(marks)} | {where} | `{_grants[permission].scope}` |"


def test_the_page_says_what_the_rules_say(cast: Cast, scene: Scene) -> None:
    said = page_of(cast, scene)
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


WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)", re.IGNORECASE)
INCIDENTAL = {"django_session", "audit_auditevent"}
"""Tables that a refused request may write to as well: whoever tries a way round a gate is noted."""


@dataclass
class Written:
    """The tables that anything was written to."""

    tables: list[str] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        found = WRITES.match(sql)
        last_use = found and found[1].upper() == "UPDATE" and found[2] == "accounts_apitoken"
        if found and found[2] not in INCIDENTAL and not last_use and context["cursor"].rowcount:
            self.tables.append(found[2])
        return done


@contextmanager
def undone() -> Iterator[Written]:
    """What is done here is told, and taken back afterwards."""
    written, before = Written(), transaction.savepoint()  # no block: some actions insist on committing themselves
    try:
        with connection.execute_wrapper(written):
            yield written
    finally:
        transaction.savepoint_rollback(before)


class Keys:
    """What each of the people shows at a door: a token of every scope, or the cookie of a browser."""

    def __init__(self) -> None:
        self.tokens, self.browsers = dict[int, str](), dict[int, Client]()

    def token(self, user: User) -> str:
        if user.pk not in self.tokens:
            self.tokens[user.pk] = create_token(actor=user, name=str(uuid4()), scopes=scopes()).secret
        return self.tokens[user.pk]

    def browser(self, user: User) -> Client:
        if user.pk not in self.browsers:
            self.browsers[user.pk] = signed_in(user)
        return self.browsers[user.pk]


def filled(offered: Offer, usual: Mapping[str, object]) -> str:
    """The address with what is there in its places."""
    known = {**usual, **offered.places}
    address = re.sub(r"[<{](?:\w+:)?(\w+)\*?[>}]", lambda place: str(known[place[1]]), offered.path)
    return f"{address}?{offered.query}" if offered.query else address


Ask = Callable[[User, Offer], Any]


def doors(scene: Scene, keys: Keys) -> dict[str, tuple[list[Offer], Ask]]:
    """Each door with what it offers, and how somebody asks there."""
    known = real(scene.it)

    def at_the_api(user: User, offered: Offer) -> Any:
        client = APIClient(headers={"authorization": f"Bearer {keys.token(user)}"})
        address = f"/api/v1/{filled(offered, known.get(offered.path.split('/')[0], {}))}"
        return client.generic(offered.method, address, json.dumps(offered.body), content_type="application/json")

    def on_a_page(user: User, offered: Offer) -> Any:
        return keys.browser(user).post(f"/{filled(offered, pages.usual(scene, offered.path))}", offered.body)

    def over_mlflow(user: User, offered: Offer) -> Any:
        address, headers = f"/api/2.0/{filled(offered, {})}", {"authorization": f"Bearer {keys.token(user)}"}
        return Client().generic(
            offered.method, address, json.dumps(offered.body), content_type="application/json", headers=headers
        )

    asked = {"API": at_the_api, "page": on_a_page, "MLflow": over_mlflow}
    return {door: (offered, asked[door]) for door, offered in offers_by_door(scene).items()}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("door", DOORS)
def test_everybody_does_what_the_page_says_and_nothing_else(door: str, part: int, cast: Cast, scene: Scene) -> None:
    keys, wrong = Keys(), []
    offered, ask = doors(scene, keys)[door]
    for one in offered[part::PARTS]:
        for kind in COLUMNS:
            if door == "page" and kind in WITHOUT_PAGES:
                continue
            done, said = tried(cast.who(kind, one.may[0]), one, ask, keys)
            if done != cast.may_take(kind, one):
                wrong.append(f"{one.at} as {kind} ({' '.join(one.may)}): {'done' if done else 'not done'}: {said}")
    assert not wrong, "\n".join(wrong)


def tried(user: User, offered: Offer, ask: Ask, keys: Keys) -> tuple[bool, str]:
    """Whether anything was written, and what was answered; it is undone before the next one tries."""
    keys.token(user), keys.browser(user)
    with undone():
        if offered.first:
            offered.first()
        with undone() as written:
            answer = ask(user, offered)
            done = offered.seen() if offered.seen else bool(written.tables)
    assert answer.status_code < 500, (offered, answer.content)
    return done, f"{answer.status_code} {sorted(set(written.tables))} {_told(answer)}"


def _told(answer: Any) -> str:
    """What stands on the answer for people, for whoever mends an offer."""
    errors = "".join(re.findall(r'class="errorlist[^>]*>(.*?)</ul>', answer.content.decode(errors="replace")))
    said = answer.cookies.get("messages")
    return (errors or answer.content.decode(errors="replace"))[:300] + (str(said.value)[:200] if said else "")


def test_nobody_without_a_credential_does_any_of_it(scene: Scene) -> None:
    known = real(scene.it)
    for one in api.offers(scene):
        address = f"/api/v1/{filled(one, known.get(one.path.split('/')[0], {}))}"
        answer = APIClient().generic(one.method, address, json.dumps(one.body), content_type="application/json")
        assert answer.status_code == 401, address


CHANGING = ("post", "put", "patch", "delete")


def changing_operations() -> set[str]:
    """Of the API's own description."""
    described = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}"
        for path, operations in described.items()
        for method in CHANGING
        if method in operations
    }


def forms() -> set[str]:
    """Routes of pages whose view looks at what was posted."""
    found = views()
    return {
        f"POST {route}" for route, view in found if hasattr(view, "post") or "POST" in "".join(sources(view, set()))
    }


def views(resolver: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every page's route and view; the API and MLflow's door have lists of their own."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern, route)
        elif not route.startswith(("api/", "ajax-api/", "artifact-parts/")):
            yield route, getattr(pattern.callback, "view_class", pattern.callback)


def sources(thing: Any, seen: set[str]) -> Iterator[str]:
    """The view's own lines, and those of what it names in its own app's pages, all the way down."""
    thing = unwrap(thing)
    home = ".".join(thing.__module__.split(".")[:3])
    yield getsource(thing)
    for name in getattr(getattr(thing, "__code__", None), "co_names", ()):
        named = getattr(sys.modules[thing.__module__], name, None)
        if isfunction(named) and named.__module__.startswith(home) and name not in seen:
            seen.add(name)
            yield from sources(named, seen)


def test_whatever_a_door_offers_is_tried(scene: Scene) -> None:
    """A new address that changes something stands in `offers/`, or says there why it is nobody's right."""
    endpoints = {f"{one.method} {one.path}" for one in ENDPOINTS if not one.reads}
    for offered, there, reasons in (
        (api.offers(scene), changing_operations(), api.NO_VERBS),
        (pages.offers(scene), forms(), {f"POST {route}": why for route, why in pages.NO_VERBS.items()}),
        (mlflow.offers(scene), endpoints, mlflow.NO_VERBS),
    ):
        assert {one.at for one in offered} | set(reasons) == there
        assert not {one.at for one in offered} & set(reasons)


def test_every_row_of_the_page_is_offered_somewhere(scene: Scene) -> None:
    everywhere = {name for offered in offers_by_door(scene).values() for one in offered for name in one.may}
    assert set(verbs()) == everywhere | set(NOT_OFFERED)
