"""What serving reads without the portal: a family's protected aliases, resolved, with the digests of their files."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.db.models import F, Q, QuerySet

from apps.artifacts.queries import digests_of, published
from apps.core.errors import Missing
from apps.core.signing import key_id, public_key, signature_of
from apps.registry.models import ModelFamily, ModelVersion, Snapshot
from apps.registry.queries.resolving import Resolved, resolution


def snapshots_due() -> QuerySet[Snapshot]:
    """Those whose file shows less than has happened, or is signed by another key than the present one."""
    return Snapshot.objects.filter(Q(published__lt=F("changes")) | ~Q(key_id=key_id()))


def snapshot_name(family: ModelFamily) -> str:
    """Under which the store publishes it."""
    return f"champions/{family.slug}.json"


def snapshot_file(family: ModelFamily) -> bytes:
    """What was published last. Raises Missing before the first champion."""
    if not Snapshot.objects.filter(family=family, published__gt=0).exists():
        raise Missing(f"No snapshot of {family.slug} is published yet: it has no champion, or had its first just now.")
    return published(snapshot_name(family))


def signed_snapshot(family: ModelFamily) -> bytes:
    """The file: `{"payload": "<JSON>", "signature": "<base64>", "public_key": "<base64>"}`.

    The payload is `{"family", "aliases": {alias: {segment: {"model", "version", "digest", "fallback", "files"}}}}`;
    files are sha256 by path, and lie in the same store as `sha256/<first two letters>/<all of it>`.
    """
    payload = json.dumps({"family": family.slug, "aliases": _aliases(family)}, sort_keys=True)
    signed = {"payload": payload, "signature": signature_of(payload.encode()), "public_key": public_key()}
    return json.dumps(signed).encode()


def _aliases(family: ModelFamily) -> dict[str, dict[str, dict[str, Any]]]:
    found = {alias: resolution(family=family, alias=alias).resolved for alias in family.alias_names}
    files = _files([row.version_id for rows in found.values() for row in rows])
    return {alias: {row.segment: _line(row, files) for row in rows} for alias, rows in found.items()}


def _files(versions: list[int]) -> dict[int, dict[str, str]]:
    """Digest of each file by path, by version; a version whose files are elsewhere has none."""
    trees = dict(ModelVersion.objects.filter(pk__in=versions, tree__isnull=False).values_list("pk", "tree"))
    digests = digests_of(trees.values())
    return {version: digests.get(tree, {}) for version, tree in trees.items()}


def _line(row: Resolved, files: dict[int, dict[str, str]]) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(row).items() if name not in ("segment", "version_id")}
    return shown | {"files": files.get(row.version_id, {})}
