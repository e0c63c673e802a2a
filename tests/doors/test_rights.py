"""Who may do what: docs/rights.md is made from the rules themselves, and every verb is tried through every door.

`make rights` writes the page anew, where a change of the rules is meant. What each door offers stands in `offers/`;
a verb or an address that is missing there fails. A verb was done if anything was written, and only then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from inspect import getsource, isfunction, unwrap
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from apps.core.context import Credential, Door, present, through
from apps.core.permissions import _grants, allowed, scopes
from apps.mlflow_protocol.table import ENDPOINTS
from tests.doors.cast import COLUMNS, Cast, verbs
from tests.doors.offers import api, mlflow, pages
from tests.doors.scene import Scene
from tests.doors.test_every_door import real
from tests.doors.walk import DOORS, Keys, doors, filled, offers_by_door, who_tries, wrongs

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
PARTS = 3
"""So many tests share the offers of a door: both cores have something to do."""
PAGE = Path(__file__).parents[2] / "docs" / "rights.md"
LEAD_IN = """# Who may do what

Made by `make rights` from the rules themselves (`apps/*/rules.py`); a test compares, and tries every verb as each of
these people through every door that offers it; an action that asks for a right and is reached by no such trial fails.
Nobody may do everything: there is no superuser. What somebody may not see does not exist for them (404), else a refusal
says whom to ask (403).

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
with `read` alone changes nothing, a token of another family finds nothing of this one, and no token changes a password:
its owner does, signed in, by showing the current one. Nobody without a credential does or sees anything, but for the
sign-in, `/healthz` and `/readyz`. Everybody who is signed in reads what is not
restricted; a restricted family, pipeline, experiment or decision is read by its team, by the family's approvers and
who is on call, and, of decisions, by the board and whoever wrote, proposed or owns it.
"""
NOT_OFFERED = {"registry.import_alias": "`manage.py import_mlflow`"}
"""Verbs that no door offers, and what does them."""


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


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("door", DOORS)
def test_everybody_does_what_the_page_says_and_nothing_else(door: str, part: int, cast: Cast, scene: Scene) -> None:
    keys = Keys()
    offered, ask = doors(scene, keys)[door]
    people = who_tries(door)
    wrong = [said for one in offered[part::PARTS] for kind in people for said in wrongs(kind, one, cast, ask, keys)]
    assert not wrong, "\n".join(wrong)


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
