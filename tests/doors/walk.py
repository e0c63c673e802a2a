"""Everybody tries every verb through every door, and it is undone before the next one tries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from uuid import uuid4

from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.actions import create_token
from apps.core.permissions import scopes
from tests.conftest import signed_in
from tests.doors.cast import COLUMNS, Cast
from tests.doors.offers import Offer, api, mlflow, pages
from tests.doors.test_every_door import real

if TYPE_CHECKING:
    from apps.accounts.models import User
    from tests.doors.scene import Scene

DOORS = ("API", "page", "MLflow")
WITHOUT_PAGES = frozenset({"service account", "foreign service account"})
WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)", re.IGNORECASE)
INCIDENTAL = {"django_session", "audit_auditevent"}
"""Tables that a refused request may write to as well: whoever tries a way round a gate is noted."""


def offers_by_door(scene: Scene) -> dict[str, list[Offer]]:
    return {"API": api.offers(scene), "page": pages.offers(scene), "MLflow": mlflow.offers(scene)}


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


Ask = Callable[["User", Offer], Any]


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
        address, headers = urljoin("/api/2.0/", filled(offered, {})), {"authorization": f"Bearer {keys.token(user)}"}
        return Client().generic(
            offered.method, address, json.dumps(offered.body), content_type="application/json", headers=headers
        )

    asked = {"API": at_the_api, "page": on_a_page, "MLflow": over_mlflow}
    return {door: (offered, asked[door]) for door, offered in offers_by_door(scene).items()}


def who_tries(door: str) -> list[str]:
    return [kind for kind in COLUMNS if door != "page" or kind not in WITHOUT_PAGES]


def wrongs(kind: str, one: Offer, cast: Cast, ask: Ask, keys: Keys) -> Iterator[str]:
    """What is not as docs/rights.md says when one of the people tries this."""
    done, answer, tables = tried(cast.who(kind, one.may[0]), one, ask, keys)
    what = f"{one.at} as {kind} ({' '.join(one.may)}): {answer.status_code} {tables} {_told(answer)}"
    if done != cast.may_take(kind, one):
        yield f"{'done' if done else 'not done'}: {what}"
    elif not done and not _refuses(answer) and not (one.seen and answer.status_code < 300):  # kept as something else
        yield f"refused without a sentence: {what}"


def tried(user: User, offered: Offer, ask: Ask, keys: Keys) -> tuple[bool, Any, list[str]]:
    """Whether anything was written, the answer, and the tables written to; it is undone before the next one tries."""
    keys.token(user), keys.browser(user)
    with undone():
        if offered.first:
            offered.first()
        with undone() as written:
            answer = asked(user, offered, ask)
            done = offered.seen() if offered.seen else bool(written.tables)
    assert answer.status_code < 500, (offered, answer.content)
    return done, answer, sorted(set(written.tables))


def asked(user: User, offered: Offer, ask: Ask) -> Any:
    """The answer; of what takes several calls the last one's, or that of the first which is refused."""
    answer = ask(user, offered)
    following = offered.then(answer) if offered.then and answer.status_code < 400 else None
    return asked(user, following, ask) if following else answer


def _refuses(answer: Any) -> bool:
    """Says no, and why: 403 or 404 with a sentence, or a page with it beside the form or on top."""
    if answer.headers["Content-Type"].startswith("application/json"):
        return answer.status_code in (403, 404) and bool(answer.json()["message"])
    return bool(answer.status_code in (403, 404) or _complaints(answer) or "messages" in answer.cookies)


def _complaints(answer: Any) -> str:
    return "".join(re.findall(r'class="errorlist[^>]*>(.*?)</ul>', answer.content.decode(errors="replace")))


def _told(answer: Any) -> str:
    """What stands on the answer for people, for whoever mends an offer."""
    said = answer.cookies.get("messages")
    text = _complaints(answer) or answer.content.decode(errors="replace")
    return text[:300] + (str(said.value)[:200] if said else "")
