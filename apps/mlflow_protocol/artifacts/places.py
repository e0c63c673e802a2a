"""Which tree an artifact's address means: nothing else can be reached, so no path leads to the server's disk.

`<experiment>/<run>/artifacts/…`, `<experiment>/models/<model>/artifacts/…`, `uploads/<uuid>/…`, `versions/<id>/…`
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from apps.artifacts.paths import check_path
from apps.core.errors import Conflict, Missing
from apps.mlflow_protocol.endpoints import Call
from apps.registry import queries as registry
from apps.tracking import actions, queries

if TYPE_CHECKING:
    from apps.artifacts.models import Tree

LARGEST_ID = 2**63


@dataclass(frozen=True)
class Place:
    """A path of a tree (empty: all of it), whether and how it is written there, and the version whose tree it is."""

    tree: Tree | None
    path: str
    check: Callable[[], None]
    put: Callable[[str, BinaryIO], None]
    remove: Callable[[str], None]
    version: int | None = None


def place_of(call: Call, address: str) -> Place:
    """Raises Invalid for an address that climbs, Missing for one that names nothing the caller sees."""
    parts = check_path(address.strip("/")).split("/")
    if parts[0] == "uploads" and len(parts) > 1:
        return _upload(call, parts[1], "/".join(parts[2:]))
    if parts[0] == "versions" and len(parts) > 1:
        return _version(call, parts[1], "/".join(parts[2:]))
    if len(parts) > 3 and parts[1] == "models" and parts[3] == "artifacts":
        return _logged_model(call, parts[2], "/".join(parts[4:]))
    if len(parts) > 2 and parts[2] == "artifacts":
        return _run(call, parts[1], "/".join(parts[3:]))
    raise no_such(address)


def no_such(address: str) -> Missing:
    return Missing(f"No such artifact: '{address[:250]}'")


def _run(call: Call, run_id: str, path: str) -> Place:
    run = queries.run(actor=call.actor, run_id=run_id)
    put = partial(_put, actions.put_run_file, actor=call.actor, run=run)
    check = partial(actions.check_run_file, actor=call.actor, run=run)
    remove = partial(_remove, actions.remove_run_files, actor=call.actor, run=run)
    return Place(run.tree, path, check, put, remove)


def _logged_model(call: Call, model_id: str, path: str) -> Place:
    model = queries.logged_model(actor=call.actor, pk=model_id)
    put = partial(_put, actions.put_model_file, actor=call.actor, model=model)
    check = partial(actions.check_model_file, actor=call.actor, model=model)
    remove = partial(_remove, actions.remove_model_files, actor=call.actor, model=model)
    return Place(model.tree, path, check, put, remove)


def _upload(call: Call, name: str, path: str) -> Place:
    """An upload begins with its first file."""
    try:
        pk = uuid.UUID(name)
    except ValueError as error:
        raise no_such(f"uploads/{name}") from error
    upload = queries.upload(actor=call.actor, pk=pk)
    put = partial(_put, actions.put_upload_file, actor=call.actor, pk=pk)
    check = partial(actions.check_upload_file, actor=call.actor, pk=pk)
    remove = partial(_remove, actions.remove_upload_files, actor=call.actor, pk=pk)
    return Place(upload.tree if upload else None, path, check, put, remove)


def _version(call: Call, number: str, path: str) -> Place:
    if not (number.isascii() and number.isdigit() and int(number) < LARGEST_ID):
        raise no_such(f"versions/{number}")
    tree = registry.versions_by_id(actor=call.actor, ids=[int(number)])[0].tree
    return Place(tree, path, _sealed, _sealed, _sealed, int(number))


def _put(action: Callable[..., None], path: str, source: BinaryIO, **whose: object) -> None:
    action(path=path, source=source, **whose)


def _remove(action: Callable[..., None], path: str, **whose: object) -> None:
    action(path=path, **whose)


def _sealed(*what: object) -> None:
    raise Conflict("The files of a version are sealed and do not change. Log them again, and register a new version.")
