"""Every public action is keyword-only, takes an actor, asks `require` and writes `record`: or says here why not."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest
from django.apps import apps

EVIDENCE: dict[str, str] = {}
"""Public functions of actions that write evidence or carry work on, with the reason why they are not audited."""

Action = tuple[str, Callable[..., object]]


def modules() -> Iterator[ModuleType]:
    for config in apps.get_app_configs():
        if not config.name.startswith("apps."):
            continue
        try:
            root = import_module(f"{config.name}.actions")
        except ModuleNotFoundError:
            continue
        yield root
        for info in pkgutil.iter_modules(getattr(root, "__path__", [])):
            yield import_module(f"{root.__name__}.{info.name}")


def actions() -> list[Action]:
    found = {}
    for module in modules():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{module.__name__.removeprefix('apps.')}.{name}"] = inspect.unwrap(function)
    return sorted(found.items())


def audited() -> list[Action]:
    return [(name, function) for name, function in actions() if name not in EVIDENCE and not name.startswith("audit.")]


def names(found: list[Action]) -> list[str]:
    return [name for name, _ in found]


@pytest.mark.parametrize(("name", "function"), actions(), ids=names(actions()))
def test_an_action_takes_keywords_only(name: str, function: Callable[..., object]) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, f"{name} takes positional arguments"


@pytest.mark.parametrize(("name", "function"), audited(), ids=names(audited()))
def test_an_action_has_an_actor_asks_and_records(name: str, function: Callable[..., object]) -> None:
    source = inspect.getsource(inspect.getmodule(function))  # type: ignore[arg-type]
    body = _with_helpers(inspect.getsource(function), source)
    assert "actor" in inspect.signature(function).parameters, f"{name} has no actor"
    assert "require(" in body, f"{name} asks nobody's permission"
    assert "record(" in body or "record_many(" in body, f"{name} leaves no trace"


def test_every_exception_still_exists() -> None:
    assert set(EVIDENCE) <= set(names(actions()))


def _with_helpers(body: str, module: str) -> str:
    """The function's own lines and those of the private helpers of its module that it names, all the way down."""
    helpers = {line.split("def ")[1].split("(")[0]: line for line in module.splitlines() if line.startswith("def ")}
    seen: set[str] = set()
    queue = [body]
    while queue:
        text = queue.pop()
        body += text
        for name in helpers:
            if f"{name}(" in text and name not in seen:
                seen.add(name)
                queue.append(_source_of(name, module))
    return body


def _source_of(name: str, module: str) -> str:
    after = module.split(f"\ndef {name}(", 1)
    return after[1].split("\ndef ", 1)[0] if len(after) == 2 else ""
