"""No action without a walk: what a door can do is done there by somebody, or says here why nobody is tried at it.

Which actions a walk reaches is seen, not told: the interpreter says which functions it calls.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps

from tests.architecture.test_actions import NOT_AUDITED, actions
from tests.doors.cast import Cast
from tests.doors.offers import Offer
from tests.doors.scene import Scene
from tests.doors.walk import DOORS, Ask, Keys, doors, tried, who_tries

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
NAMES: dict[CodeType, str] = {function.__code__: name for name, function in actions()}
NOT_WALKED = {
    "accounts.actions.people.change_password": "one's own, on a page that asks for the current one first, and no token",
    "accounts.actions.single_sign_on.break_glass": "the link was made by who has the server",
    "registry.actions.consumption.count_download": "a counter of what is read",
    "registry.actions.consumption.count_resolved": "a counter of what is read",
    "platforms.actions.set_connection": "`manage.py connect_mlflow`, as the admin that it names",
    "registry.actions.imports.import_alias": "`manage.py import_mlflow`, as the person that it names",
    "registry.actions.imports.import_model": "`manage.py import_mlflow`, as the person that it names",
    "registry.actions.imports.import_version": "`manage.py import_mlflow`, as the person that it names",
    "registry.actions.versions.fail_registration": "a worker, as who registered the version, whose files do not come",
    "registry.actions.versions.finish_registration": "a worker, as who registered the version, whose files came",
    "retraining.actions.pipelines.refresh_form": "a worker, as who defined the pipeline, whose workflow has changed",
    "transfers.actions.note_export": "`manage.py export_mlflow`, as the admin that it names",
}
"""Actions that a door names, or that ask for a right, and why the walk does not come to them."""


@dataclass
class Reached:
    """The actions that were called: by the door itself, and all of them."""

    directly: set[str] = field(default_factory=set)
    at_all: set[str] = field(default_factory=set)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in NAMES:
            under_way = [NAMES[code] for code in _stack(frame) if code in NAMES]
            self.directly.update(under_way[-1:])
            self.at_all.update(under_way)


def _stack(frame: FrameType | None) -> Iterator[CodeType]:
    while frame:
        yield frame.f_code
        frame = frame.f_back


def walked(door: str, offered: list[Offer], ask: Ask, cast: Cast, keys: Keys) -> Reached:
    """Each offer is taken by the first of the people who may."""
    reached = Reached()

    def watched(user: User, one: Offer) -> Any:
        sys.setprofile(reached)
        try:
            return ask(user, one)
        finally:
            sys.setprofile(None)

    for one in offered:
        kind = next(kind for kind in who_tries(door) if cast.may_take(kind, one))
        tried(cast.who(kind, one.may[0]), one, watched, keys)
    return reached


def rooms(door: str) -> Iterator[ModuleType]:
    """The modules of a door, of all apps."""
    room = {"API": "api", "page": "web"}.get(door, "")
    for config in apps.get_app_configs():
        if config.name.startswith("apps.") and (config.label == "mlflow_protocol") == (room == ""):
            yield from below(f"{config.name}.{room}".rstrip("."))


def below(name: str) -> Iterator[ModuleType]:
    if find_spec(name) is None:
        return
    room = import_module(name)
    yield room
    for info in pkgutil.walk_packages(getattr(room, "__path__", []), f"{name}."):
        yield import_module(info.name)


def named_in(module: ModuleType) -> Iterator[str]:
    """The actions that it names, by themselves or as a part of a module it imports."""
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
        found = None
        if isinstance(node, ast.Name):
            found = getattr(module, node.id, None)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = getattr(getattr(module, node.value.id, None), node.attr, None)
        code = getattr(inspect.unwrap(found), "__code__", None) if callable(found) else None
        if code in NAMES:
            yield NAMES[code]


def test_whatever_a_door_can_do_is_walked_there(cast: Cast, scene: Scene) -> None:
    """A new action is reached by an offer in `offers/`, or says in NOT_WALKED why it is not."""
    keys = Keys()
    reached = {door: walked(door, *doors(scene, keys)[door], cast, keys) for door in DOORS}
    named = {door: {name for module in rooms(door) for name in named_in(module)} for door in DOORS}
    assert all(len(names) > 40 for names in named.values()), "the rooms of a door are not found"
    unwalked = {door: names for door in DOORS if (names := named[door] - reached[door].directly - set(NOT_WALKED))}
    assert not unwalked, "these doors name actions that no offer of theirs comes to"
    at_all, asking = set[str]().union(*(one.at_all for one in reached.values())), set(NAMES.values()) - set(NOT_AUDITED)
    untried = asking - at_all - set(NOT_WALKED)
    assert not untried, "these ask for a right, and nobody is tried at them"
    idle = set(NOT_WALKED) - (asking.union(*named.values()) - at_all)
    assert not idle, "these need no reason, or are gone"
