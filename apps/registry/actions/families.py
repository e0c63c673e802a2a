"""Verbs of families: what they are, which segments they have, by which gates they promote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.core.errors import Conflict, Exists, Invalid
from apps.core.permissions import require
from apps.registry.actions.protection import AliasSpec, set_protected_aliases
from apps.registry.actions.snapshots import want_snapshot
from apps.registry.events import Event
from apps.registry.family_settings import EDITABLE, check_settings
from apps.registry.gates import GateSpec, check_gates, default_gates
from apps.registry.models import Dimension, Gate, ModelFamily, ProtectedAlias, Segment, Wave
from apps.registry.models.family import CHAMPION, NO_DIMENSION, WHOLE
from apps.tracking.actions import move_experiment, restrict_experiment

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@dataclass(frozen=True)
class SegmentSpec:
    """A segment as it is named when it is added."""

    slug: str
    name: str
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None
    is_fallback: bool = False


@transaction.atomic
def create_family(
    *,
    actor: User,
    slug: str,
    name: str,
    team: Team,
    metric: str,
    dimension: str = "",
    approvers: Sequence[User] = (),
    on_call: Sequence[User] = (),
    aliases: Sequence[AliasSpec] = (AliasSpec(CHAMPION),),
    **settings: Any,
) -> ModelFamily:
    """A family with the default gates of its tier; `settings` are those of `update_family`.

    Without a dimension it is one model for all: its only segment is `all`.

    Raises Exists for the slug, Invalid for a setting.
    """
    require(actor, "registry.create_family")
    _check_slug(slug, "slug")
    if ModelFamily.objects.filter(slug=slug).exists():
        raise Exists(f"There is already a family {slug!r}; choose another slug.", field="slug")
    family = ModelFamily(slug=slug, name=name, team=team, metric=metric, created_by=actor)
    family.dimension = _dimension(dimension)
    _fill(family, settings)
    family.save(force_insert=True)
    family.approvers.set(approvers)
    family.on_call.set(on_call)
    set_protected_aliases(family=family, aliases=aliases)
    _replace_gates(family, default_gates(family.tier, has_contract=bool(family.serving_contract)))
    record(actor=actor, action=Event.FAMILY_CREATED, target=family, after=_settings_of(family))
    return family


@transaction.atomic
def update_family(
    *,
    actor: User,
    family: ModelFamily,
    approvers: Sequence[User] | None = None,
    on_call: Sequence[User] | None = None,
    aliases: Sequence[AliasSpec] | None = None,
    **settings: Any,
) -> ModelFamily:
    """Changes the named settings (those in EDITABLE) and, where given, people and aliases. Raises Invalid."""
    require(actor, "registry.edit_family", family)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    before = _settings_of(family)
    _fill(family, settings)
    family.save(update_fields=list(settings))
    if approvers is not None:
        family.approvers.set(approvers)
    if on_call is not None:
        family.on_call.set(on_call)
    if aliases is not None:
        set_protected_aliases(family=family, aliases=aliases)
    after = _settings_of(family)
    if family.visibility == ModelFamily.Visibility.TEAMS:
        restrict_experiment(actor=actor, name=family.experiment)
    if after != before:
        record(actor=actor, action=Event.FAMILY_UPDATED, target=family, before=before, after=after)
        want_snapshot(family=family)
    return family


@transaction.atomic
def hand_over(*, actor: User, family: ModelFamily, team: Team, reason: str) -> ModelFamily:
    """Another team owns it from now on, and the experiment of its runs. Raises Conflict while a promotion is open.

    What was asked of the old team's leads could not be answered any more.
    """
    require(actor, "registry.hand_over", family)
    if not reason.strip():
        raise Invalid("Say why: both teams read it.", field="reason")
    family = ModelFamily.objects.locked().get(pk=family.pk)
    owner = family.team
    if team == owner:
        raise Invalid(f"{team} owns {family} already; choose another team.", field="team")
    for wave in Wave.objects.filter(family=family, status__in=Wave.OPEN)[:1]:
        raise Conflict(f"{wave} is still open; decide it or withdraw it before {family} goes to another team.")
    family.team = team
    family.save(update_fields=["team"])
    move_experiment(actor=actor, name=family.experiment, owner=owner, team=team)
    words = {"team": owner.slug}, {"team": team.slug}
    note = reason.strip()
    record(actor=actor, action=Event.FAMILY_HANDED_OVER, target=family, before=words[0], after=words[1], note=note)
    return family


@transaction.atomic
def set_labelled_until(*, actor: User, family: ModelFamily, day: date) -> ModelFamily:
    """The newest day with labels: ages and the newest month count from it. Raises Invalid for a day to come."""
    require(actor, "registry.edit_family", family)
    if day > timezone.now().date():
        raise Invalid(f"{day} has not happened yet, so it can not have labels.", field="labelled_until")
    family = ModelFamily.objects.locked().get(pk=family.pk)
    before, family.labelled_until = family.labelled_until, day
    if before != day:
        family.save(update_fields=["labelled_until"])
        after = {"labelled_until": str(day)}
        words = {"labelled_until": str(before or "")}
        record(actor=actor, action=Event.LABELLED_UNTIL, target=family, before=words, after=after)
    return family


@transaction.atomic
def add_segments(*, actor: User, family: ModelFamily, segments: Sequence[SegmentSpec]) -> list[Segment]:
    """Adds to the family's dimension what is not there yet; answers all that were named. Raises Invalid."""
    require(actor, "registry.add_segments", family)
    if family.dimension.slug == NO_DIMENSION:
        raise Invalid(f"{family} has no dimension: its one segment is {WHOLE!r}.", field="segments")
    for segment in segments:
        _check_slug(segment.slug, "segments")
    before = set(family.dimension.segments.values_list("slug", flat=True))
    new = [Segment(dimension=family.dimension, **asdict(segment)) for segment in segments]
    Segment.objects.bulk_create(new, ignore_conflicts=True)
    added = sorted({segment.slug for segment in segments} - before)
    if added:
        record(actor=actor, action=Event.SEGMENTS_ADDED, target=family, after={"segments": added})
    return list(family.dimension.segments.filter(slug__in=[segment.slug for segment in segments]))


@transaction.atomic
def set_gates(*, actor: User, family: ModelFamily, gates: Sequence[GateSpec]) -> list[Gate]:
    """Replaces the family's gates; what is open was judged by the old ones and will be superseded. Raises Invalid."""
    require(actor, "registry.edit_family", family)
    check_gates(gates)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    _check_aliases(family, gates)
    before = _words_of_gates(family)
    _replace_gates(family, gates)
    after = _words_of_gates(family)
    if after != before:
        record(actor=actor, action=Event.GATES_SET, target=family, before=before, after=after)
    return list(family.gates.all())


def _dimension(slug: str) -> Dimension:
    if slug in ("", NO_DIMENSION):
        return _no_dimension()
    _check_slug(slug, "dimension")
    return Dimension.objects.get_or_create(slug=slug, defaults={"name": slug.capitalize()})[0]


def _no_dimension() -> Dimension:
    """What families of one model for all share, with its one segment."""
    dimension, _ = Dimension.objects.get_or_create(slug=NO_DIMENSION, defaults={"name": "No dimension"})
    Segment.objects.get_or_create(dimension=dimension, slug=WHOLE, defaults={"name": "All"})
    return dimension


def _fill(family: ModelFamily, settings: Mapping[str, Any]) -> None:
    unknown = sorted(set(settings) - set(EDITABLE))
    if unknown:
        raise Invalid(f"A family has no setting {unknown[0]!r}; there are {', '.join(EDITABLE)}.", field=unknown[0])
    for name, value in settings.items():
        setattr(family, name, value)
    check_settings(family)


def _check_slug(slug: str, field: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise Invalid(f"{slug!r} is no slug: use letters, digits, hyphens, underscores.", field=field) from error
    if len(slug) > 64:
        raise Invalid("A slug has at most 64 characters.", field=field)


def _settings_of(family: ModelFamily) -> dict[str, Any]:
    aliases = [_words_of_alias(alias) for alias in family.protected_aliases.all()]
    people = {"approvers": _usernames(family.approvers), "on_call": _usernames(family.on_call)}
    return {name: getattr(family, name) for name in EDITABLE} | people | {"aliases": aliases}


def _usernames(people: Any) -> list[str]:
    return list(people.order_by("username").values_list("username", flat=True))


def _words_of_alias(alias: ProtectedAlias) -> str:
    """`champion`, or `champion (2 approvals)` where it has a number of its own."""
    return alias.name if alias.approvals_needed is None else f"{alias.name} ({alias.approvals_needed} approvals)"


def _replace_gates(family: ModelFamily, gates: Sequence[GateSpec]) -> None:
    family.gates.all().delete()
    Gate.objects.bulk_create(
        Gate(family=family, alias=gate.alias, kind=gate.kind, settings=dict(gate.settings), position=position)
        for position, gate in enumerate(gates)
    )


def _check_aliases(family: ModelFamily, gates: Sequence[GateSpec]) -> None:
    for gate in gates:
        if gate.alias and gate.alias not in family.alias_names:
            known = ", ".join(family.alias_names)
            raise Invalid(f"{family} promotes to {known}, not to {gate.alias!r}.", field="gates")


def _words_of_gates(family: ModelFamily) -> dict[str, Any]:
    rows = family.gates.values_list("alias", "kind", "settings")
    return {f"{kind} of {alias}" if alias else kind: settings for alias, kind, settings in rows}
