"""Aliases through any door: a protected one moves only as the rules allow, and every way round them is refused aloud.

Nothing here is called inside of a transaction: what is refused leaves its trace, and the promotion that was opened
instead stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.urls import reverse

from apps.audit.actions import record
from apps.core.errors import Conflict, Denied, Invalid, Missing, PortalError
from apps.core.permissions import require
from apps.core.prepared import columns, first, prepared
from apps.registry.actions.promotions import propose
from apps.registry.actions.protection import check_alias_name
from apps.registry.events import Event
from apps.registry.models import Alias, AliasMove, ModelFamily, ModelVersion, Promotion, RegisteredModel, Wave
from apps.registry.models.family import CHAMPION
from apps.registry.queries.families import approvers

if TYPE_CHECKING:
    from apps.accounts.models import User

LOCK = "SELECT FROM registry_registeredmodel WHERE id = %s FOR NO KEY UPDATE"
BEHIND = f"""
SELECT {columns(ModelVersion, "version")}
FROM registry_alias AS alias JOIN registry_modelversion AS version ON version.id = alias.version_id
WHERE alias.model_id = %s AND alias.name = %s
"""  # noqa: S608
PRODUCTION, STAGING = "Production", "Staging"
STANDS_FOR = {PRODUCTION: CHAMPION, STAGING: "staging"}
"""MLflow's stages that clients still serve from, and the aliases that say the same."""


def move_alias(*, actor: User, version: ModelVersion, alias: str, reason: str = "") -> AliasMove | None:
    """Points an alias to a version; None where it does already.

    A protected alias is promoted: at once where the rules allow it, else its promotion is opened (or found) and
    Denied says which gate or whose approval is missing, and where. Raises Invalid for a misleading name.
    """
    family = version.model.family
    if family is None or not protects(family=family, alias=alias):
        return _set(actor=actor, version=version, alias=alias, reason=reason)
    if _points_to(version, alias):
        return None
    wave = _promotion_of(actor, family, version, alias, reason)
    return AliasMove.objects.select_related("before", "after").get(promotion__wave=wave, model=version.model_id)


def delete_alias(*, actor: User, model: RegisteredModel, alias: str) -> AliasMove:
    """Takes an alias away; what it pointed to stays in its history. Raises Missing, Denied for a protected one."""
    if model.family and protects(family=model.family, alias=alias):
        refuse_way_round(actor=actor, target=model, attempt=f"deleting the alias {alias}")
    require(actor, "registry.set_alias", model)
    return _remove(actor=actor, model=model, alias=alias)


@transaction.atomic
def _remove(*, actor: User, model: RegisteredModel, alias: str) -> AliasMove:
    _lock(model)
    row = Alias.objects.filter(model=model, name=alias).select_related("version").first()
    if row is None:
        raise Missing(f"{model} has no alias {alias!r}.")
    was = row.version
    row.delete()
    after = {alias: "", **model.prompt_mark}
    record(actor=actor, action=Event.ALIAS_REMOVED, target=was, before={alias: was.label}, after=after)
    return AliasMove.objects.create(model=model, name=alias, before=was, after=None, kind="removed", by=actor)


def guard_stage(*, actor: User, version: ModelVersion, stage: str) -> None:
    """Asked before a version's MLflow stage changes: Production is the champion, and leaves it only with the alias.

    A version that may be promoted at once is promoted; else raises Denied as `move_alias` does.
    """
    family = version.model.family
    alias = STANDS_FOR.get(stage, "")
    if family is None:
        return
    if alias and protects(family=family, alias=alias):
        move_alias(actor=actor, version=version, alias=alias, reason=f"Moved to the stage {stage}.")
    elif _points_to(version, CHAMPION):
        refuse_way_round(actor=actor, target=version, attempt=f"moving the champion to the stage {stage}")


def guard_deletion(*, actor: User, target: ModelVersion | RegisteredModel) -> None:
    """Asked before a version or a model is deleted. Raises Denied where a protected alias points to it."""
    model = target if isinstance(target, RegisteredModel) else target.model
    if model.family is None:
        return
    held = Alias.objects.filter(model=model, name__in=model.family.alias_names)
    if isinstance(target, ModelVersion):
        held = held.filter(version=target)
    if names := sorted(held.values_list("name", flat=True)):
        refuse_way_round(actor=actor, target=target, attempt=f"deleting what is the {' and '.join(names)}")


def refuse_if_protected(*, target: ModelVersion | RegisteredModel) -> None:
    """The same inside of the deletion, while nothing of the family can be promoted. Raises Conflict."""
    model = target if isinstance(target, RegisteredModel) else target.model
    if model.family is None:
        return
    family = ModelFamily.objects.locked().get(pk=model.family.pk)
    held = Alias.objects.filter(model=model, name__in=family.alias_names)
    if (held.filter(version=target) if isinstance(target, ModelVersion) else held).exists():
        raise Conflict(f"{target} was promoted meanwhile, so it is not deleted.")


def guard_rename(*, actor: User, model: RegisteredModel, name: str) -> None:
    """Asked before a model gets another name: a family's model keeps its own, and no alias becomes a champion by a
    name. Raises Denied.
    """
    if name == model.name:
        return
    if model.family:
        why = f"{model.name} belongs to the family {model.family}, whose models are named after it; it is not renamed."
        refuse_way_round(actor=actor, target=model, attempt=f"renaming it to {name}", why=why)
    family = ModelFamily.objects.filter(slug=name.partition(".")[0]).first()
    held = model.aliases.filter(name__in=family.alias_names) if family else model.aliases.none()
    if alias := held.values_list("name", flat=True).first():
        why = f"{family} protects the alias {alias}, and {model.name} has one that was never promoted; delete it first."
        refuse_way_round(actor=actor, target=model, attempt=f"renaming it to {name}", why=why)


def refuse_way_round(*, actor: User, target: Model, attempt: str, why: str = "") -> NoReturn:
    """Notes who tried what, which stays, and raises Denied. `attempt` continues "It was refused: …"."""
    with transaction.atomic(durable=True):
        note = why or "Protected aliases move only by promotion or rollback."
        record(actor=actor, action=Event.WAY_ROUND_REFUSED, target=target, after={"attempt": attempt}, note=note)
    instead = "Propose a promotion, or roll back, instead."
    raise Denied(why or f"Refused: {attempt}. Protected aliases move only by promotion or rollback. {instead}")


def protects(*, family: ModelFamily, alias: str) -> bool:
    """True for an alias of the family's order. Raises Invalid for one that only looks like it."""
    check_alias_name(family=family, alias=alias)
    return alias in family.alias_names


def _promotion_of(actor: User, family: ModelFamily, version: ModelVersion, alias: str, reason: str) -> Wave:
    """The applied wave of one; else the attempt is noted and refused with what is missing."""
    attempt = f"giving the alias {alias} to {version.label}"
    why = reason.strip() or f"Asked for as the alias {alias}."
    try:
        wave = _open_promotion(version, alias) or propose(
            actor=actor, family=family, versions=[version], reason=why, alias=alias
        )
    except (Invalid, Missing):
        raise
    except PortalError as error:
        where = _address("dashboard:segment", family.slug, version.model.name.partition(".")[2])
        refuse_way_round(actor=actor, target=version, attempt=attempt, why=f"{error.message} See {where}")
    if wave.status == Wave.Status.PROPOSED:
        refuse_way_round(actor=actor, target=version, attempt=attempt, why=_missing(wave))
    return wave


def _open_promotion(version: ModelVersion, alias: str) -> Wave | None:
    """The wave that waits with this version already."""
    found = Promotion.objects.filter(candidate=version, alias=alias, status=Promotion.Status.PROPOSED)
    promotion = found.select_related("wave__family__team", "wave__approval").first()
    return promotion.wave if promotion else None


def _missing(wave: Wave) -> str:
    people = ", ".join(str(person) for person in approvers(wave.family) if person.pk != wave.proposer_id)
    asked = f"of {people}" if people else "of an approver"
    return f"Promotion #{wave.pk} waits for the approval {asked}: {_address('registry:wave', wave.pk)}"


def _address(view: str, *args: object) -> str:
    return f"{getattr(settings, 'PORTAL_URL', '')}{reverse(view, args=args)}"


@transaction.atomic
def _set(*, actor: User, version: ModelVersion, alias: str, reason: str) -> AliasMove | None:
    """An alias that nobody protects moves at once, with its history."""
    require(actor, "registry.set_alias", version.model)
    _lock(version.model)
    before = _behind(version.model, alias)
    if before == version:
        return None
    if before:
        Alias.objects.filter(model=version.model_id, name=alias).update(version=version)
    else:
        Alias.objects.create(model=version.model, name=alias, version=version)
    words = {alias: before.label if before else ""}, {alias: version.label, **version.alias_mark}
    record(actor=actor, action=Event.ALIAS_SET, target=version, before=words[0], after=words[1], note=reason)
    return AliasMove.objects.create(
        model=version.model, name=alias, before=before, after=version, kind="set", by=actor, reason=reason
    )


def _lock(model: RegisteredModel) -> None:
    """Moves of one model's aliases come one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(LOCK, [model.pk]))


def _behind(model: RegisteredModel, alias: str) -> ModelVersion | None:
    """What it points to."""
    return first(ModelVersion, BEHIND, [model.pk, alias])


def _points_to(version: ModelVersion, alias: str) -> bool:
    return Alias.objects.filter(model=version.model_id, name=alias, version=version).exists()
