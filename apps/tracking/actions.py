"""Verbs of tracking. An experiment is a definition and audited; what runs report is evidence and is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.artifacts.actions import create_tree
from apps.audit.actions import record
from apps.core.errors import Conflict, Invalid
from apps.core.permissions import require
from apps.core.transitions import move
from apps.tracking.events import Event
from apps.tracking.models import LONGEST_KEY, LONGEST_VALUE, Experiment, Metric, Param, Run, Tag, Visibility, new_run_id

if TYPE_CHECKING:
    from apps.accounts.models import Team, User

MOST_KEYS = 1_000
RUN_ID = re.compile(r"[0-9a-f]{32}")
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""NUL and lone surrogates: PostgreSQL can not store them."""
STEPS = range(-(2**63), 2**63)


@transaction.atomic
def ensure_experiment(*, actor: User, name: str, team: Team, visibility: str = Visibility.EVERYONE) -> Experiment:
    """The experiment of that name, made if it is not there; `visibility` is who sees a new one.

    One that is there is never opened wider, only restricted. Raises Conflict if another team has the name.
    """
    require(actor, "tracking.create_experiment", team)
    _check_key("name", name)
    fresh = {"team": team, "created_by": actor, "visibility": visibility}
    experiment, new = Experiment.objects.get_or_create(name=name, defaults=fresh)
    if experiment.team_id != team.pk:
        raise Conflict(f"Another team has an experiment {name!r}; choose another name.")
    if new:
        record(actor=actor, action=Event.EXPERIMENT_CREATED, target=experiment, after={"visibility": visibility})
    elif visibility == Visibility.TEAMS:
        _restrict(actor, experiment)
    return experiment


@transaction.atomic
def restrict_experiment(*, actor: User, name: str) -> None:
    """From now on only its team sees its runs; nothing happens where there is no experiment of that name."""
    for experiment in Experiment.objects.filter(name=name):
        _restrict(actor, experiment)


def _restrict(actor: User, experiment: Experiment) -> None:
    """What it was made for is restricted now, so its runs are."""
    changed = Experiment.objects.filter(pk=experiment.pk).exclude(visibility=Visibility.TEAMS)
    if changed.update(visibility=Visibility.TEAMS):
        experiment.visibility = Visibility.TEAMS
        record(actor=actor, action=Event.EXPERIMENT_RESTRICTED, target=experiment)


@transaction.atomic
def open_run(
    *, actor: User, experiment: Experiment, name: str, tags: Mapping[str, str], run_id: str | None = None
) -> Run:
    """A running run with an empty tree. With the `run_id` of an open run of the actor's, that one.

    Raises Invalid for an id that is not 32 hex digits, Conflict for one that another run has.
    """
    require(actor, "tracking.open_run", experiment)
    _check_key("name", name)
    _check_pairs("tags", tags)
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
def log_params(*, actor: User, run: Run, params: Mapping[str, str]) -> None:
    """Writes what is not there yet. Raises Conflict if one has another value already: parameters don't change."""
    require(actor, "tracking.write_run", run)
    _check_pairs("params", params)
    # In one order everywhere, so that two writers of the same keys can not wait for each other.
    rows = [Param(run=run, key=key, value=params[key]) for key in sorted(params)]
    Param.objects.bulk_create(rows, ignore_conflicts=True)
    stored = dict(Param.objects.filter(run=run, key__in=params).values_list("key", "value"))
    if changed := sorted(key for key in params if stored[key] != params[key]):
        raise Conflict(f"The parameter {changed[0]!r} is {stored[changed[0]]!r} already and does not change.")


@transaction.atomic
def log_metrics(
    *, actor: User, run: Run, metrics: Mapping[str, float], step: int = 0, at: datetime | None = None
) -> None:
    """One point per key; NaN and infinite values are kept. The same point twice is stored once."""
    require(actor, "tracking.write_run", run)
    _check_keys("metrics", metrics)
    if step not in STEPS:
        raise Invalid("A step is a 64-bit integer.", field="step")
    when = {"timestamp": at} if at else {}
    rows = [Metric(run=run, key=key, value=_number(key, metrics[key]), step=step, **when) for key in sorted(metrics)]
    Metric.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def close_run(*, actor: User, run: Run, status: str) -> Run:
    """The run ends; closing it again with the same status changes nothing. Raises Conflict for another status."""
    require(actor, "tracking.write_run", run)
    run.refresh_from_db(fields=["status", "ended_at"])
    if run.status == status and not run.is_open:
        return run
    return move(run, status, ended_at=Now())


def _check_run_id(run_id: str | None) -> None:
    if run_id is not None and not RUN_ID.fullmatch(run_id):
        raise Invalid("A run's id is 32 hex digits.", field="run_id")


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"The metric {key[:60]!r} is not a number.", field=f"metrics.{key}")
    try:
        return float(value)
    except OverflowError as error:
        raise Invalid(f"The metric {key[:60]!r} is too large for a number.", field=f"metrics.{key}") from error


def _check_pairs(field: str, pairs: Mapping[str, str]) -> None:
    _check_keys(field, pairs)
    for key, value in pairs.items():
        if len(value) > LONGEST_VALUE:
            raise Invalid(
                f"The value of {key!r} has {len(value)} characters; up to {LONGEST_VALUE} fit.",
                field=f"{field}.{key}",
            )
        if NO_TEXT.search(value):
            raise Invalid(f"The value of {key!r} is not text; store it as a file instead.", field=f"{field}.{key}")


def _check_keys(field: str, keys: Iterable[str]) -> None:
    keys = list(keys)
    if len(keys) > MOST_KEYS:
        raise Invalid(f"{len(keys)} {field} at once are too many; send up to {MOST_KEYS}.", field=field)
    for key in keys:
        _check_key(field, key)


def _check_key(field: str, key: str) -> None:
    if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        raise Invalid(f"A name here has 1 to {LONGEST_KEY} printable characters: {key[:60]!a}.", field=field)
