"""Verbs of files. They are evidence: who may add to a run or a model is asked by the app that owns it."""

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.artifacts.models import Blob, Tree, TreeFile
from apps.artifacts.paths import check_path, folders_of
from apps.artifacts.queries import STORE, files_in, files_of
from apps.artifacts.store import Stored, default_store
from apps.core.errors import Conflict, Invalid, Unavailable
from apps.core.heartbeats import note


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
    """A new tree with the folder's files, their paths counted from there; the bytes are shared."""
    copy = create_tree()
    start = len(folder) + 1 if folder else 0
    files = [
        TreeFile(tree=copy, path=row.path[start:], blob_id=row.blob_id) for row in files_in(tree=tree, folder=folder)
    ]
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
    TreeFile.objects.bulk_create(TreeFile(tree=tree, path=path, blob_id=file.sha256) for path, file in new.items())
