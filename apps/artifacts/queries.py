"""Reads of files. The caller has checked that the reader may see what the tree belongs to."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.utils import timezone

from apps.artifacts.models import Blob, Tree, TreeFile
from apps.artifacts.paths import is_path
from apps.artifacts.store import default_store
from apps.core.errors import Missing, Unavailable
from apps.core.heartbeats import noted

STORE = "file-store"
OF_THE_ROW = OuterRef("pk")


def files_of(tree: Tree) -> QuerySet[TreeFile]:
    """The tree's files with their blobs, by path."""
    return TreeFile.objects.filter(tree=tree).select_related("blob", "tree").order_by("path")


def has_files(*, tree: Tree, folder: str = "") -> bool:
    """True if there is a file in the folder; "" is the whole tree."""
    return files_in(tree=tree, folder=folder).exists()


def files_in(*, tree: Tree, folder: str = "") -> QuerySet[TreeFile]:
    """The files below the folder, with their whole paths; "" is the whole tree."""
    return files_of(tree).filter(path__startswith=f"{folder}/") if folder else files_of(tree)


def file(*, tree: Tree, path: str) -> TreeFile:
    """Raises Missing."""
    found = files_of(tree).filter(path=path).first() if is_path(path) else None
    if found is None:
        raise Missing("There is no file of that path here; the list of files shows what there is.")
    return found


def open_file(*, tree: Tree, path: str) -> BinaryIO:
    """The verified bytes. Raises Missing, or Unavailable when the stored bytes are damaged."""
    return open_stored(file(tree=tree, path=path))


def open_stored(file: TreeFile) -> BinaryIO:
    """The verified bytes. Raises Missing where they were cut, Unavailable when damaged or the store is away."""
    _refuse_cut(file)
    return default_store().open(file.blob_id)


def link_to(file: TreeFile) -> str:
    """An address outside the portal, good for a minute, where these bytes are to be had; "" where we send them.

    Raises Missing where they were cut.
    """
    _refuse_cut(file)
    return default_store().link(file.blob_id, name=file.path, size=file.size)


@dataclass(frozen=True)
class StoreHealth:
    """Where the files lie, and what the last look found: `said` is empty where it answers, None before the first."""

    words: str
    in_s3: bool
    said: str | None


def store_health() -> StoreHealth:
    """As it was looked after within the last minutes; nobody waits for it here. Raises BrokerAway."""
    return StoreHealth(default_store().words, bool(settings.ARTIFACT_STORE), noted(STORE))


def open_parts(*, upload: str, parts: Sequence[str]) -> BinaryIO:
    """The parts with these sha256s as one stream; reading raises Missing for one that is not there whole."""
    return default_store().open_parts(upload, parts)


def all_blobs() -> Iterator[tuple[str, int]]:
    """sha256 and bytes of everything that is stored."""
    stored = Blob.objects.filter(removed_at=None).order_by("sha256")
    return stored.values_list("sha256", "size").iterator()


def naming(sha256: str | OuterRef = OF_THE_ROW) -> QuerySet[TreeFile]:
    """The files whose bytes these are, of trees that were not cut; of a blob's row unless said."""
    return TreeFile.objects.filter(blob=sha256, tree__cut_at=None).order_by()


def grace_ago() -> datetime:
    return timezone.now() - timedelta(days=settings.ARTIFACT_GRACE_DAYS)


def removable() -> QuerySet[Blob]:
    """Bytes in the store that no tree has named for ARTIFACT_GRACE_DAYS."""
    return Blob.objects.filter(unneeded_since__lt=grace_ago(), removed_at=None)


@dataclass(frozen=True)
class Weight:
    """How many stored files, and their bytes."""

    files: int
    size: int


def unneeded() -> Weight:
    """Bytes in the store that no tree names any more and that wait for their removal."""
    return _weight(Blob.objects.filter(unneeded_since__isnull=False, removed_at=None))


def freed_by_cutting(trees: Collection[int]) -> Weight:
    """What leaves the store in time when these trees (ids) are cut, or were just now: what no other tree names."""
    ids = list(trees)
    theirs = TreeFile.objects.filter(tree__in=ids).order_by().values("blob")
    return _weight(Blob.objects.filter(pk__in=theirs).exclude(Exists(naming().exclude(tree__in=ids))))


def sizes_of(trees: Collection[int]) -> dict[int, int]:
    """By tree id, the bytes of all its files, whether others share them or not."""
    rows = TreeFile.objects.filter(tree__in=list(trees)).order_by().values("tree")
    return dict(rows.annotate(total=Sum("blob__size")).values_list("tree", "total"))


def _weight(blobs: QuerySet[Blob]) -> Weight:
    return Weight(**blobs.aggregate(files=Count("pk"), size=Sum("size", default=0)))


def _refuse_cut(file: TreeFile) -> None:
    if file.tree.farewell:
        raise Missing(file.tree.farewell)


def open_blob(sha256: str) -> BinaryIO:
    """The verified bytes, whosever they are: for backups. Raises Unavailable."""
    return default_store().open(sha256)


def published(name: str) -> bytes:
    """What was published under that name last. Raises Missing."""
    return default_store().published(name)


def local_path(file: TreeFile) -> Path:
    """A verified local file of the same bytes, without a copy; only to be read. Raises Missing, Unavailable."""
    _refuse_cut(file)
    return default_store().local_path(file.blob_id)


def damaged(trees: Iterable[int]) -> dict[int, str]:
    """By tree id, why its files can not be used now: every file of these trees is read and compared with its digest."""
    faults: dict[str, str] = {}
    found: dict[int, str] = {}
    ids = list(trees)
    for cut in Tree.objects.filter(pk__in=ids, cut_at__isnull=False):
        found[cut.pk] = cut.farewell
    files = TreeFile.objects.filter(tree__in=ids).exclude(tree__in=list(found))
    for tree, path, blob in files.values_list("tree", "path", "blob"):
        if blob not in faults:
            faults[blob] = _fault(blob)
        if faults[blob]:
            found.setdefault(tree, f"{path}: {faults[blob]}")
    return found


def _fault(blob: str) -> str:
    try:
        default_store().check(blob)
    except Unavailable as error:
        return error.message
    return ""


def digests_of(trees: Iterable[int]) -> dict[int, dict[str, str]]:
    """Hex sha256 of each file by path, by tree id."""
    found: dict[int, dict[str, str]] = {}
    for tree, path, blob in TreeFile.objects.filter(tree__in=list(trees)).values_list("tree", "path", "blob"):
        found.setdefault(tree, {})[path] = blob
    return found


def total_size(tree: Tree) -> int:
    """Bytes of all files, each path counted."""
    return files_of(tree).aggregate(size=Sum("blob__size", default=0))["size"]
