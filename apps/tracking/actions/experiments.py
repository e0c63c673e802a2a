"""Verbs of experiments. An experiment is a definition and audited; its tags are evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.queries import default_team
from apps.audit.actions import record
from apps.core.errors import Conflict, Denied, Exists, Invalid, Missing
from apps.core.permissions import require
from apps.tracking.checking import check_experiment_active, check_key
from apps.tracking.events import Event
from apps.tracking.models import Experiment, ExperimentTag, Run, Visibility
from apps.tracking.models.limits import LONGEST_EXPERIMENT_TAG
from apps.tracking.names import check_experiment_name, check_length, check_tags

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@transaction.atomic
def ensure_experiment(*, actor: User, name: str, team: Team, visibility: str = Visibility.EVERYONE) -> Experiment:
    """The experiment of that name, made if it is not there; `visibility` is who sees a new one.

    One that is there is never opened wider, only restricted. Raises Conflict if another team has the name.
    """
    require(actor, "tracking.create_experiment", team)
    check_key("name", name)
    fresh = {"team": team, "created_by": actor, "visibility": visibility}
    experiment, new = Experiment.objects.get_or_create(name=name, defaults=fresh)
    if experiment.team_id != team.pk:
        raise Conflict(f"Another team has an experiment {name!r}; choose another name.")
    if new:
        record(actor=actor, action=Event.EXPERIMENT_CREATED, target=experiment, after={"visibility": visibility})
    if experiment.deleted_at:
        _restore(actor, experiment)
    if not new and visibility == Visibility.TEAMS:
        _restrict(actor, experiment)
    return experiment


@transaction.atomic
def restrict_experiment(*, actor: User, name: str) -> None:
    """From now on only its team sees its runs; nothing happens where there is no experiment of that name."""
    for experiment in Experiment.objects.filter(name=name):
        _restrict(actor, experiment)


@transaction.atomic
def move_experiment(*, actor: User, name: str, owner: Team, team: Team) -> None:
    """What belonged to `owner` belongs to `team` from now on; nothing happens where they have none of that name."""
    words = {"team": owner.slug}, {"team": team.slug}
    for experiment in Experiment.objects.filter(name=name, team=owner):
        Experiment.objects.filter(pk=experiment.pk).update(team=team, updated_at=Now())
        record(actor=actor, action=Event.EXPERIMENT_MOVED, target=experiment, before=words[0], after=words[1])


def _restrict(actor: User, experiment: Experiment) -> None:
    """What it was made for is restricted now, so its runs are."""
    changed = Experiment.objects.filter(pk=experiment.pk).exclude(visibility=Visibility.TEAMS)
    if changed.update(visibility=Visibility.TEAMS):
        experiment.visibility = Visibility.TEAMS
        record(actor=actor, action=Event.EXPERIMENT_RESTRICTED, target=experiment)


@transaction.atomic
def create_experiment(*, actor: User, name: str, tags: Mapping[str, str]) -> Experiment:
    """One of the actor's default team. Raises Denied without a team, Exists for a name that is taken."""
    team = default_team(actor)
    if team is None:
        raise Denied("An experiment belongs to a team and you are in none; ask a platform admin.")
    require(actor, "tracking.create_experiment", team)
    check_experiment_name(name)
    fresh = {"team": team, "created_by": actor}
    experiment, new = Experiment.objects.get_or_create(name=name, defaults=fresh)
    if not new:
        raise Exists(f"Experiment(name={name}) already exists.")
    _write_tags(experiment, check_tags(tags, LONGEST_EXPERIMENT_TAG))
    record(actor=actor, action=Event.EXPERIMENT_CREATED, target=experiment, after={"visibility": experiment.visibility})
    return experiment


def default_experiment(*, actor: User) -> Experiment:
    """The experiment of runs that name none: one for each team, made when it is first asked for."""
    team = default_team(actor)
    if team is None:
        raise Denied("An experiment belongs to a team and you are in none; ask a platform admin.")
    return ensure_experiment(actor=actor, name=f"Default of {team.slug}", team=team)


@transaction.atomic
def rename_experiment(*, actor: User, experiment: Experiment, name: str) -> None:
    """Raises Exists for a name that is taken, Invalid for a deleted experiment."""
    require(actor, "tracking.edit_experiment", experiment)
    check_experiment_name(name)
    if experiment.deleted_at:
        raise Invalid("Cannot rename a non-active experiment.")
    if Experiment.objects.filter(name=name).exclude(pk=experiment.pk).exists():
        raise Exists(f"Experiment(name={name}) already exists.")
    before, experiment.name = experiment.name, name
    Experiment.objects.filter(pk=experiment.pk).update(name=name, updated_at=Now())
    words = {"name": before}, {"name": name}
    record(actor=actor, action=Event.EXPERIMENT_RENAMED, target=experiment, before=words[0], after=words[1])


@transaction.atomic
def delete_experiment(*, actor: User, experiment: Experiment) -> None:
    """Hidden with its runs, and restorable; nothing is lost. Raises Missing for a deleted one."""
    require(actor, "tracking.delete_experiment", experiment)
    here = Experiment.objects.filter(pk=experiment.pk, deleted_at=None)
    if not here.update(deleted_at=Now(), updated_at=Now()):
        raise Missing(f"No Experiment with id={experiment.pk} exists")
    Run.objects.filter(experiment=experiment, deleted_at=None).update(deleted_at=Now())
    record(actor=actor, action=Event.EXPERIMENT_DELETED, target=experiment)


@transaction.atomic
def restore_experiment(*, actor: User, experiment: Experiment) -> None:
    """With all its runs. Raises Missing for one that is not deleted."""
    require(actor, "tracking.delete_experiment", experiment)
    if experiment.deleted_at is None:
        raise Missing(f"No Experiment with id={experiment.pk} exists")
    _restore(actor, experiment)


def _restore(actor: User, experiment: Experiment) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(deleted_at=None, updated_at=Now())
    Run.objects.filter(experiment=experiment).update(deleted_at=None)
    experiment.refresh_from_db(fields=["deleted_at", "updated_at"])
    record(actor=actor, action=Event.EXPERIMENT_RESTORED, target=experiment)


@transaction.atomic
def tag_experiment(*, actor: User, experiment: Experiment, key: str, value: str) -> None:
    """Sets the tag, whatever it was before."""
    require(actor, "tracking.edit_experiment", experiment)
    check_experiment_active(experiment)
    check_length(value, LONGEST_EXPERIMENT_TAG, called="value")
    _write_tags(experiment, check_tags({key: value}, LONGEST_EXPERIMENT_TAG))


@transaction.atomic
def untag_experiment(*, actor: User, experiment: Experiment, key: str) -> None:
    """Raises Missing for a tag that is not there."""
    require(actor, "tracking.edit_experiment", experiment)
    check_experiment_active(experiment)
    if not ExperimentTag.objects.filter(experiment=experiment, key=key.replace("\0", "")).delete()[0]:
        raise Missing(f"No tag with name: {key} in experiment with id {experiment.pk}")


def _write_tags(experiment: Experiment, tags: Mapping[str, str]) -> None:
    rows = [ExperimentTag(experiment=experiment, key=key, value=tags[key]) for key in sorted(tags)]
    ExperimentTag.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["experiment", "key"], update_fields=["value"]
    )
