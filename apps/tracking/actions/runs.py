"""Verbs of runs. What a run is, is evidence; that somebody hides one or brings it back is a decision and recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from apps.artifacts.actions import create_tree
from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move
from apps.tracking.checking import check_active, check_experiment_active, check_key, check_pairs
from apps.tracking.events import Event
from apps.tracking.models import LONGEST_KEY, LONGEST_TAG, Experiment, Run, Tag, new_run_id
from apps.tracking.names import check_length, check_tags, check_text
from apps.tracking.writing import write_tags

if TYPE_CHECKING:
    from apps.accounts.models import User

RUN_ID = re.compile(r"[0-9a-f]{32}")


@transaction.atomic
def open_run(
    *, actor: User, experiment: Experiment, name: str, tags: Mapping[str, str], run_id: str | None = None
) -> Run:
    """A running run with an empty tree. With the `run_id` of an open run of the actor's, that one.

    Raises Invalid for an id that is not 32 hex digits, Conflict for one that another run has.
    """
    require(actor, "tracking.open_run", experiment)
    check_key("name", name)
    check_pairs("tags", tags)
    _check_run_id(run_id)
    fresh = {"experiment": experiment, "name": name, "user": actor, "tree": create_tree}
    known = Run.objects.select_related("experiment__team", "tree")
    run, new = known.get_or_create(id=run_id or new_run_id(), defaults=fresh)
    if new:
        Tag.objects.bulk_create(Tag(run=run, key=key, value=value) for key, value in tags.items())
    elif run.experiment_id != experiment.pk or run.user_id != actor.pk or not run.is_open:
        raise Conflict("This run id is taken; open a run with a new one.")
    return run


@transaction.atomic
def create_run(
    *,
    actor: User,
    experiment: Experiment,
    name: str,
    tags: Mapping[str, str],
    at: datetime | None = None,
    run_id: str | None = None,
) -> Run:
    """A running run of the actor's that began at that time, now if nobody says; under an id that nobody has."""
    require(actor, "tracking.open_run", experiment)
    check_experiment_active(experiment)
    _check_run_id(run_id)
    run = Run(id=run_id or new_run_id(), experiment=experiment, name=_run_name(name), user=actor, tree=create_tree())
    if at is not None:
        run.started_at = at
    run.save(force_insert=True)
    write_tags(run, check_tags(tags, LONGEST_TAG))
    return run


@transaction.atomic
def import_run(
    *, actor: User, experiment: Experiment, run_id: str, name: str, tags: Mapping[str, str], at: datetime
) -> Run:
    """A run of another server under its own id, running until `update_run` says how it ended; known is what it was.

    Raises Conflict for an id that a run of another experiment has.
    """
    known = Run.objects.select_related("experiment__team", "tree").filter(pk=run_id).first()
    if known is None:
        return create_run(actor=actor, experiment=experiment, name=name, tags=tags, at=at, run_id=run_id)
    require(actor, "tracking.open_run", experiment)
    if known.experiment_id != experiment.pk:
        raise Conflict(f"The run {run_id} is here already, in another experiment than {experiment}.")
    return known


@transaction.atomic
def update_run(
    *, actor: User, run: Run, status: str | None = None, ended_at: datetime | None = None, name: str = ""
) -> Run:
    """How it ended (or that it runs again), and its name; what is not given stays."""
    require(actor, "tracking.write_run", run)
    check_active(run)
    if name:
        run.name = _run_name(name)
        Run.objects.filter(pk=run.pk).update(name=run.name)
    run.refresh_from_db(fields=["status", "ended_at"])
    wanted = status or run.status
    end: Any = None if wanted in Run.OPEN else ended_at or run.ended_at or Now()
    if wanted != run.status:
        return move(run, wanted, ended_at=end)
    if ended_at and not run.is_open:
        Run.objects.filter(pk=run.pk).update(ended_at=ended_at)
        run.refresh_from_db(fields=["ended_at"])
    return run


@transaction.atomic
def delete_run(*, actor: User, run: Run) -> None:
    """Hidden and restorable; a version that stands on it keeps it."""
    require(actor, "tracking.delete_run", run)
    if Run.objects.filter(pk=run.pk, deleted_at=None).update(deleted_at=Now()):
        record(actor=actor, action=Event.RUN_DELETED, target=run)


@transaction.atomic
def restore_run(*, actor: User, run: Run) -> None:
    require(actor, "tracking.delete_run", run)
    if Run.objects.filter(pk=run.pk, deleted_at__isnull=False).update(deleted_at=None):
        record(actor=actor, action=Event.RUN_RESTORED, target=run)


@transaction.atomic
def close_run(*, actor: User, run: Run, status: str) -> Run:
    """The run ends; closing it again with the same status changes nothing. Raises Conflict for what is no end."""
    require(actor, "tracking.write_run", run)
    run.refresh_from_db(fields=["status", "ended_at"])
    if run.status == status and not run.is_open:
        return run
    if status in Run.OPEN:
        raise Conflict(f"A run can not become {status} by being closed.")
    return move(run, status, ended_at=Now())


def _run_name(name: str) -> str:
    return check_length(check_text(name, path="run_name"), LONGEST_KEY, called="run_name")


def _check_run_id(run_id: str | None) -> None:
    if run_id is not None and not RUN_ID.fullmatch(run_id):
        raise Invalid("A run's id is 32 hex digits.", field="run_id")
