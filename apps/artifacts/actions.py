"""Verbs of files. They are evidence: who may add to a run or a model is asked by the app that owns it."""

import hashlib
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.db.models import Exists, Q
from django.db.models.functions import Now

from apps.artifacts.models import Blob, Tree, TreeFile
from apps.artifacts.paths import check_path, folders_of
from apps.artifacts.queries import STORE, files_in, files_of, grace_ago, naming, removable
from apps.artifacts.store import Stored, default_store
from apps.core.errors import Conflict, Invalid, Unavailable
from apps.core.heartbeats import note

SWEPT_AT_ONCE = 2_000
LISTED_AT_ONCE = 1_000
KEEPS_WHOLE = zlib.crc32(b"artifacts.whole_store") - 2**31
"""PostgreSQL wants 32 bits with a sign."""


@dataclass(frozen=True)
class Swept:
    """Files and bytes that left the store; `more` may be due."""

    files: int
    size: int
    more: bool


def create_tree() -> Tree:
    """An empty tree that takes files."""
    return Tree.objects.create()


def add_files(*, tree: Tree, files: Mapping[str, Path]) -> None:
    """Copies the bytes of local regular files into the store and gives them paths, all or none.

    The same path with the same bytes changes nothing. Raises Invalid for a path or source that can not be taken,
    Conflict for a sealed tree or a path that has other bytes, Unavailable when the store is full.
    """
    _refuse_sealed(tree)
    _check_paths(files)
    stored = {path: _store(source) for path, source in files.items()}
    _add(tree, stored)


@transaction.atomic
def copy_files(*, tree: Tree, folder: str = "") -> Tree:
    """A new tree with the folder's files, their paths counted from there; the bytes are shared.

    Raises Conflict for a tree that was cut.
    """
    tree = Tree.objects.select_for_update().get(pk=tree.pk)
    _refuse_cut(tree)
    copy = create_tree()
    start = len(folder) + 1 if folder else 0
    files = [
        TreeFile(tree=copy, path=row.path[start:], blob_id=row.blob_id) for row in files_in(tree=tree, folder=folder)
    ]
    _need({row.blob_id for row in files})
    TreeFile.objects.bulk_create(files)
    return copy


def put_file(*, tree: Tree, path: str, source: BinaryIO) -> None:
    """The path has the source's bytes from now on, whatever it had before; they go to the store as they come.

    Raises Invalid for a path that can not be taken, Conflict for a sealed tree, Unavailable when the store is full.
    """
    _refuse_sealed(tree)
    check_path(path)
    stored = default_store().put(source)
    with transaction.atomic():
        _refuse_sealed(Tree.objects.select_for_update().get(pk=tree.pk))
        TreeFile.objects.filter(tree=tree, path=path).delete()
        _check_paths([path, *files_of(tree).values_list("path", flat=True)])
        _insert(tree, {path: stored})


def put_part(*, upload: str, source: BinaryIO) -> str:
    """A part of a file that is sent in parts; answers its hex sha256. `open_parts` reads them as one."""
    return default_store().put_part(upload, source).sha256


def drop_parts(*, upload: str) -> None:
    """Forgets what was sent in parts, whether a file was made of it or not."""
    default_store().drop_parts(upload)


def put_blob(*, source: BinaryIO) -> str:
    """Bytes that a restored database names; answers their sha256."""
    return default_store().put(source).sha256


def publish(*, name: str, content: bytes) -> None:
    """A file that is read without the portal, `published/<name>` in the store; the next one replaces it whole."""
    default_store().publish(name, content)


@transaction.atomic
def remove_files(*, tree: Tree, path: str) -> None:
    """A file, or a folder with all in it; "" is everything. Raises Conflict for a sealed tree."""
    if path:
        check_path(path)
    _refuse_sealed(Tree.objects.select_for_update().get(pk=tree.pk))
    TreeFile.objects.filter(Q(path=path) | Q(path__startswith=f"{path}/") if path else Q(), tree=tree).delete()


@transaction.atomic
def seal(*, tree: Tree) -> Tree:
    """From now on nothing in the tree changes; a sealed one is answered as it is."""
    tree = Tree.objects.select_for_update().get(pk=tree.pk)
    if not tree.is_sealed:
        Tree.objects.filter(pk=tree.pk).update(sealed_at=Now(), digest=_digest(files_of(tree)))
        tree.refresh_from_db()
    return tree


@transaction.atomic
def cut_trees(*, trees: Iterable[int]) -> int:
    """Of these (by id) nobody is handed the bytes any more; answers how many were not cut before.

    Paths, sizes and digests stay. The bytes leave the store later, where no other tree names them.
    """
    found = Tree.objects.filter(pk__in=list(trees), cut_at=None).order_by("pk")
    return Tree.objects.filter(pk__in=list(found.select_for_update().values_list("pk", flat=True))).update(cut_at=Now())


def sweep(*, limit: int = SWEPT_AT_ONCE) -> Swept:
    """Notes which bytes no tree names any more, and removes those that none has named for ARTIFACT_GRACE_DAYS."""
    note_unneeded()
    due = removable().order_by("unneeded_since").values_list("pk", flat=True)[:limit]
    sizes = [_remove(sha256) for sha256 in due]
    gone = [size for size in sizes if size is not None]
    return Swept(len(gone), sum(gone), more=bool(gone) and len(sizes) == limit)


def note_unneeded() -> None:
    """From now on they are known as such; those that are named again are so no longer."""
    Blob.objects.filter(Exists(naming()), unneeded_since__isnull=False).update(unneeded_since=None, removed_at=None)
    Blob.objects.filter(~Exists(naming()), unneeded_since=None).update(unneeded_since=Now())


def note_strays() -> int:
    """Bytes in the store that the database does not know, from an upload that broke off, become unneeded: answers how
    many. `sweep` removes them like the others.
    """
    before = grace_ago()
    old = (sha256 for sha256, put_at in default_store().names() if put_at < before)
    return sum(_adopt(names) for names in iter(lambda: list(islice(old, LISTED_AT_ONCE)), []))


@contextmanager
def whole_store() -> Iterator[None]:
    """While inside, no stored bytes are removed by anybody: for who copies all that a database names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s, 0)", [KEEPS_WHOLE])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s, 0)", [KEEPS_WHOLE])


def look_after_store() -> str:
    """What is half sent by nobody goes, and whether the place answers is noted for whoever asks; empty if it does."""
    try:
        default_store().reach()
        default_store().tidy()
        said = ""
    except Unavailable as error:
        said = error.message
    note(STORE, said)
    return said


def _digest(files: Iterable[TreeFile]) -> str:
    """sha256 of the sorted lines `path sha256 size`."""
    lines = sorted(f"{file.path} {file.blob_id} {file.blob.size}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _refuse_sealed(tree: Tree) -> None:
    if tree.is_sealed:
        raise Conflict("These files are sealed: a version stands on them. Add yours to a new run.")
    _refuse_cut(tree)


def _refuse_cut(tree: Tree) -> None:
    if tree.farewell:
        raise Conflict(f"{tree.farewell} Train again, or add yours to a new run.")


def _check_paths(paths: Iterable[str]) -> None:
    known = {check_path(path) for path in paths}
    for path in known:
        if known.intersection(folders_of(path)):
            raise Invalid(f"{path!r} lies in a folder that is also sent as a file; rename one of them.")


def _store(source: Path) -> Stored:
    with _open_regular(source) as file:
        return default_store().put(file)


def _open_regular(source: Path) -> BinaryIO:
    """Whoever made the folder is not trusted: a link could name any file, a pipe would never end."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Invalid(f"The file {source.name!r} can not be read ({os.strerror(error.errno or 0)}).") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Invalid(f"{source.name!r} is not a regular file; only regular files can be stored.")
    return os.fdopen(descriptor, "rb")


@transaction.atomic
def _add(tree: Tree, stored: Mapping[str, Stored]) -> None:
    """Under the tree's lock, so that two writers can not give one path two meanings."""
    _refuse_sealed(Tree.objects.select_for_update().get(pk=tree.pk))
    known = dict(files_of(tree).values_list("path", "blob_id"))
    _check_paths([*known, *stored])
    new = {path: file for path, file in stored.items() if known.get(path) != file.sha256}
    if taken := sorted(known.keys() & new):
        raise Conflict(f"{taken[0]!r} is already there with other content; give the file another name.")
    _insert(tree, new)


def _insert(tree: Tree, new: Mapping[str, Stored]) -> None:
    blobs = {file.sha256: file.size for file in new.values()}
    # In one order everywhere: two trees that share bytes would otherwise wait for each other.
    Blob.objects.bulk_create([Blob(sha256=name, size=blobs[name]) for name in sorted(blobs)], ignore_conflicts=True)
    _need(blobs)
    TreeFile.objects.bulk_create(TreeFile(tree=tree, path=path, blob_id=file.sha256) for path, file in new.items())


def _adopt(names: Sequence[str]) -> int:
    known = Blob.objects.filter(pk__in=names, removed_at=None).values_list("pk", flat=True)
    strays = sorted(set(names).difference(known))
    held = {sha256: lies for sha256 in strays if (lies := default_store().held(sha256))}
    rows = [Blob(sha256=sha256, size=lies.size, unneeded_since=Now()) for sha256, lies in held.items()]
    fresh: dict[str, Any] = {"unique_fields": ["sha256"], "update_fields": ["unneeded_since", "removed_at"]}
    Blob.objects.bulk_create(rows, update_conflicts=True, **fresh)
    return len(rows)


@transaction.atomic
def _remove(sha256: str) -> int | None:
    """Bytes removed; None where they are needed again, were put again lately, or are being copied.

    The place is asked inside the transaction on purpose: whoever names these bytes now waits for this lock.
    """
    blob = removable().select_for_update(skip_locked=True).filter(pk=sha256).first()
    if blob is None or not _may_remove() or naming(sha256).exists():
        return None
    held = default_store().held(sha256)
    if held and held.put_at > grace_ago():
        Blob.objects.filter(pk=sha256).update(unneeded_since=Now())
        return None
    default_store().remove(sha256)
    Blob.objects.filter(pk=sha256).update(removed_at=Now())
    return held.size if held else 0


def _may_remove() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [KEEPS_WHOLE])
        return bool(cursor.fetchone()[0])


def _need(names: Iterable[str]) -> None:
    """They are named again. What was unneeded may have been removed while it came: that is looked at under the lock
    which `sweep` removes under, so that no path ever names bytes that are not there.
    """
    unneeded = Blob.objects.filter(pk__in=list(names), unneeded_since__isnull=False)
    again = list(unneeded.select_for_update().order_by("pk").values_list("pk", flat=True))
    for sha256 in again:
        if default_store().held(sha256) is None:
            raise Unavailable("The same bytes were just being removed from the store; send the file again.")
    if again:
        Blob.objects.filter(pk__in=again).update(unneeded_since=None, removed_at=None)
