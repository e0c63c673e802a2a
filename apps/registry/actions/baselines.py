"""Verbs of baselines: the simplest thing that could work is a version too, and may be champion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from django.db import transaction

from apps.artifacts.actions import add_files, create_tree, seal
from apps.core.errors import Invalid
from apps.core.permissions import require
from apps.registry.actions.versions import register_version
from apps.registry.family_settings import known_baselines
from apps.registry.models import ModelFamily, ModelVersion, Segment

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.artifacts.models import Tree

FILE = "baseline.json"
MOST_SEGMENTS = 1_000


@transaction.atomic
def register_baseline(
    *, actor: User, family: ModelFamily, name: str, segments: Sequence[Segment]
) -> list[ModelVersion]:
    """A version of kind baseline for each segment, in their order; one that is there already is answered as it is.

    Its file only names it: the family's evaluator computes it on the rows of each evaluation. Raises Invalid for a
    name that the evaluator does not know.
    """
    require(actor, "registry.register", family)
    family = ModelFamily.objects.locked().get(pk=family.pk)
    _check(family, name, segments)
    known = _known(family, name)
    tree = _tree(name) if any(segment.pk not in known for segment in segments) else None
    return [known.get(segment.pk) or _register(actor, family, segment, name, tree) for segment in segments]


def _check(family: ModelFamily, name: str, segments: Sequence[Segment]) -> None:
    names = known_baselines(family)
    if name not in names:
        known = f"it has {', '.join(names)}" if names else "it has none"
        raise Invalid(f"The evaluator {family.evaluator!r} computes no baseline {name!r}; {known}.", field="name")
    if not 1 <= len(segments) <= MOST_SEGMENTS:
        raise Invalid(f"Choose between 1 and {MOST_SEGMENTS:,} segments.", field="segments")


def _known(family: ModelFamily, name: str) -> dict[int, ModelVersion]:
    """By segment."""
    baselines = ModelVersion.objects.living().filter(model__family=family, kind=ModelVersion.Kind.BASELINE)
    named = baselines.filter(parameters__baseline=name).whole().order_by("number")
    return {version.model.its_segment.pk: version for version in named}


def _tree(name: str) -> Tree:
    """One for all segments: the file is the same."""
    tree = create_tree()
    with TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        file.write_text(json.dumps({"baseline": name}), encoding="utf-8")
        add_files(tree=tree, files={FILE: file})
    return seal(tree=tree)


def _register(actor: User, family: ModelFamily, segment: Segment, name: str, tree: Tree | None) -> ModelVersion:
    return register_version(
        actor=actor,
        family=family,
        segment=segment,
        run=None,
        tree=tree or _tree(name),
        kind=ModelVersion.Kind.BASELINE,
        trained_from=None,
        trained_through=None,
        parameters={"baseline": name},
        pipeline="",
        origin=None,
    )
