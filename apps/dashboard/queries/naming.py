"""Which versions an address names, in the words that people write them in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db.models import Q

from apps.core.errors import Invalid, Missing
from apps.registry import queries as registry

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, ModelVersion

MOST, CHAMPION = 6, "champion"
NUMBERED = re.compile(r"(?P<model>[^/@]{1,256})/v?(?P<number>[0-9]{1,9})")
ALIASED = re.compile(r"(?P<model>[^/@]{1,256})@(?P<alias>[A-Za-z0-9_-]{1,255})")
SPELLING = "Name versions by id, as atlanta/3 or as atlanta@champion."


def named_versions(*, actor: User, family: ModelFamily, names: Sequence[str]) -> list[ModelVersion]:
    """By id, as `atlanta/3` or `atlanta@champion` (a segment of the family, or any model), in their order, each once.

    Raises Invalid for too many and for what is no name of a version, Missing for one that is not there.
    """
    wanted = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if len(wanted) > MOST:
        said = f"At most {MOST} versions stand beside each other; take {len(wanted) - MOST} away."
        raise Invalid(said, field="versions")
    if not wanted:
        return []
    asked = {name: _question(family, name) for name in wanted}
    found = registry.all_versions(actor).filter(reduce(or_, asked.values()))
    known = list(found.select_related("model__family__dimension").distinct())
    return _each_once([_answer(known, family, name) for name in wanted])


def with_a_rival(*, actor: User, version: ModelVersion) -> list[ModelVersion]:
    """A version alone: after the champion of its model, or before the newest where it is the champion itself."""
    of_model = registry.all_versions(actor).filter(model=version.model_id, status="READY").exclude(pk=version.pk)
    champion = of_model.filter(aliases__name=CHAMPION).first()
    newest = of_model.order_by("-number").first()
    return [champion, version] if champion else [version, newest] if newest else [version]


def champion_and_newest(*, actor: User, family: ModelFamily, segment: str) -> list[ModelVersion]:
    """Of a segment: the champion first. Raises Missing where it has no version at all."""
    of_segment = registry.all_versions(actor).filter(model__family=family, model__segment__slug=segment)
    ready = of_segment.filter(status="READY") if "\0" not in segment else of_segment.none()
    champion, newest = ready.filter(aliases__name=CHAMPION).first(), ready.order_by("-number").first()
    found = [version for version in (champion, newest) if version]
    if not found:
        raise Missing(f"{family} has no version for {segment[:64]!r} yet, so there is nothing to compare.")
    return _each_once(found)


def _question(family: ModelFamily, name: str) -> Q:
    if name.isascii() and name.isdigit() and len(name) < 19:
        return Q(pk=int(name))
    if found := NUMBERED.fullmatch(name):
        return _model(family, found["model"]) & Q(number=int(found["number"]))
    if found := ALIASED.fullmatch(name):
        return _model(family, found["model"]) & Q(aliases__name=found["alias"])
    raise Invalid(f"{name[:60]!r} names no version. {SPELLING}", field="versions")


def _model(family: ModelFamily, name: str) -> Q:
    """A segment of the family by its slug, else a model by its whole name."""
    return Q(model__name__in=_names(family, name))


def _names(family: ModelFamily, name: str) -> list[str]:
    return [f"{family.slug}.{name}", name]


def _answer(known: Sequence[ModelVersion], family: ModelFamily, name: str) -> ModelVersion:
    """Raises Missing."""
    found = [version for version in known if _is_called(version, family, name)]
    if not found:
        raise Missing(f"There is no version {name[:60]} here, or you may not see it. {SPELLING}")
    return found[0]


def _is_called(version: ModelVersion, family: ModelFamily, name: str) -> bool:
    if name.isdigit():
        return version.pk == int(name)
    model, _, number = name.rpartition("/")
    if model:
        return version.model.name in _names(family, model) and version.number == int(number.lstrip("v"))
    model, _, alias = name.rpartition("@")
    return version.model.name in _names(family, model) and alias in [one.name for one in version.aliases.all()]


def _each_once(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    return list({version.pk: version for version in versions}.values())
