"""What a rule of retention takes of versions. The app whose rule it is has asked, and records it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from apps.artifacts.actions import cut_trees
from apps.registry.models import ModelFamily, ModelVersion
from apps.registry.queries.keeping import versions_to_let_go


@transaction.atomic
def let_go_of_files(*, family: ModelFamily, trees: Collection[int], before: datetime) -> list[ModelVersion]:
    """Of these trees (ids) those on which only such versions stand that nothing needs; answers the versions.

    Rows, digests, evaluations and history stay. Family and versions are locked first: whoever proposes one, goes back
    to it, gives it an alias or evaluates it meanwhile waits, and what they did before is seen.
    """
    ModelFamily.objects.locked().get(pk=family.pk)
    standing = ModelVersion.objects.filter(tree__in=list(trees)).order_by("pk")
    versions = list(standing.select_for_update(of=("self",)).select_related("model__family__team"))
    free = set(versions_to_let_go(family, before=before).filter(tree__in=list(trees)).values_list("pk", flat=True))
    kept = {version.tree_id for version in versions if version.pk not in free}
    gone = [version for version in versions if version.tree_id not in kept]
    cut_trees(trees={version.tree_id for version in gone if version.tree_id})
    return gone
