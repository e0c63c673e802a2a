"""Bytes leave the store when nothing names them any more, and never before."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from pytest_django import Settings

from apps.artifacts import actions, queries
from apps.artifacts.actions import add_files, copy_files, create_tree, cut_trees, put_file, remove_files, seal, sweep
from apps.artifacts.models import Blob, Tree
from apps.artifacts.store import LocalStore
from apps.core.errors import Conflict, Missing, Unavailable
from tests.artifacts.conftest import Write
from tests.threads import behind

pytestmark = pytest.mark.django_db
LONG_AGO = time.time() - 30 * 86_400


def grow_old(store: LocalStore) -> None:
    """All of it was put, and what is unneeded became so, a month ago."""
    for place in (store.root / "sha256").glob("*/*"):
        os.utime(place, (LONG_AGO, LONG_AGO))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE artifacts_blob SET unneeded_since = unneeded_since - interval '30 days'")


def swept(store: LocalStore) -> actions.Swept:
    """As if a month lay between noting and removing."""
    sweep()
    grow_old(store)
    return sweep()


def lying(store: LocalStore) -> set[str]:
    return {sha256 for sha256, _ in store.names()}


def tree_of(write: Write, *contents: bytes) -> Tree:
    tree = create_tree()
    names = [f"{uuid4()}.bin" for _ in contents]
    add_files(tree=tree, files={name: write(name, content) for name, content in zip(names, contents, strict=True)})
    return tree


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_tree_that_was_cut_keeps_paths_and_digests_and_gives_up_only_what_no_other_names(
    store: LocalStore, write: Write
) -> None:
    tree, other = seal(tree=tree_of(write, b"own", b"shared")), tree_of(write, b"shared")
    before = list(queries.files_of(tree).values_list("path", "blob_id", "blob__size"))
    assert queries.freed_by_cutting([tree.pk]) == queries.Weight(1, 3)
    assert cut_trees(trees=[tree.pk]) == 1
    assert cut_trees(trees=[tree.pk]) == 0
    assert sweep() == actions.Swept(0, 0, more=False), "nothing is removed before its time"
    assert queries.unneeded() == queries.Weight(1, 3)
    assert swept(store) == actions.Swept(1, 3, more=False)
    assert lying(store) == {sha256_of(b"shared")}
    assert queries.unneeded().files == 0
    assert list(queries.files_of(tree).values_list("path", "blob_id", "blob__size")) == before
    assert Tree.objects.get(pk=tree.pk).digest == tree.digest
    for row in queries.files_of(tree):
        for read in (queries.open_stored, queries.link_to, queries.local_path):
            with pytest.raises(Missing, match=r"were removed on .* rule of retention"):
                read(row)
    assert "were removed on" in queries.damaged([tree.pk, other.pk])[tree.pk]
    assert other.pk not in queries.damaged([other.pk])
    with pytest.raises(Conflict, match="were removed"):
        copy_files(tree=tree)
    assert sweep().files == 0


def test_nothing_is_added_to_a_tree_that_was_cut_and_what_is_cut_stays_so(store: LocalStore, write: Write) -> None:
    tree = tree_of(write, b"of a run")
    cut_trees(trees=[tree.pk])
    with pytest.raises(Conflict, match="new run"):
        add_files(tree=Tree.objects.get(pk=tree.pk), files={"late.txt": write("late.txt")})
    with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
        Tree.objects.filter(pk=tree.pk).update(cut_at=None)


def test_bytes_that_are_sent_again_are_there_again(store: LocalStore, write: Write) -> None:
    tree = tree_of(write, b"weights")
    cut_trees(trees=[tree.pk])
    swept(store)
    assert Blob.objects.get().removed_at is not None
    again = tree_of(write, b"weights")
    blob = Blob.objects.get()
    assert (blob.removed_at, blob.unneeded_since) == (None, None)
    with queries.open_stored(queries.files_of(again).get()) as body:
        assert body.read() == b"weights"
    assert swept(store).files == 0


def test_bytes_that_are_removed_at_the_very_moment_are_never_named(
    store: LocalStore, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They came while they still lay there, and were gone when the path was to name them."""
    sha256 = sha256_of(b"weights")
    cut_trees(trees=[tree_of(write, b"weights").pk])
    swept(store)
    put = LocalStore.put

    def lost(place: LocalStore, source: object) -> object:
        stored = put(place, source)  # type: ignore[arg-type]
        place.remove(sha256)
        return stored

    monkeypatch.setattr(LocalStore, "put", lost)
    tree = create_tree()
    with pytest.raises(Unavailable, match="send the file again"):
        add_files(tree=tree, files={"model.bin": write("model.bin", b"weights")})
    assert not queries.files_of(tree).exists()


def test_what_was_put_lately_waits_though_nothing_has_named_it_for_long(store: LocalStore, write: Write) -> None:
    """Somebody is about to name it: their other files are still on their way."""
    cut_trees(trees=[tree_of(write, b"weights").pk])
    sweep()
    grow_old(store)
    with write("again", b"weights").open("rb") as source:
        store.put(source)
    assert sweep().files == 0
    assert lying(store) == {sha256_of(b"weights")}


def test_what_a_file_had_before_and_what_was_removed_from_a_run_goes(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    for content in (b"first", b"second", b"third"):
        with write("source", content).open("rb") as source:
            put_file(tree=tree, path="out.txt", source=source)
    assert swept(store) == actions.Swept(2, 11, more=False)
    remove_files(tree=tree, path="out.txt")
    assert swept(store).files == 1
    assert lying(store) == set()


def test_what_an_upload_left_that_broke_off_is_found_in_the_store(store: LocalStore, write: Write) -> None:
    kept = tree_of(write, b"kept")
    with write("stray", b"stray").open("rb") as source:
        store.put(source)
    assert actions.note_strays() == 0, "it may still be named"
    grow_old(store)
    assert actions.note_strays() == 1
    assert actions.note_strays() == 0
    assert swept(store) == actions.Swept(1, 5, more=False)
    assert lying(store) == {queries.files_of(kept).get().blob_id}
    with write("stray", b"stray").open("rb") as source:
        store.put(source)
    grow_old(store)
    assert actions.note_strays() == 1, "it was removed once, and came again without a name"
    assert swept(store).files == 1


def test_a_sweep_goes_on_where_the_last_one_ended(store: LocalStore, write: Write) -> None:
    cut_trees(trees=[tree_of(write, *(str(number).encode() for number in range(5))).pk])
    actions.note_unneeded()
    grow_old(store)
    assert sweep(limit=3) == actions.Swept(3, 3, more=True)
    assert sweep(limit=3) == actions.Swept(2, 2, more=False)


def test_a_killed_sweep_that_has_removed_bytes_is_done_again(store: LocalStore, write: Write) -> None:
    cut_trees(trees=[tree_of(write, b"weights").pk])
    sweep()
    grow_old(store)
    store.remove(sha256_of(b"weights"))  # and died before the row said so
    assert sweep() == actions.Swept(1, 0, more=False)
    assert Blob.objects.get().removed_at is not None


def test_the_database_removes_no_bytes_that_are_needed(store: LocalStore, write: Write) -> None:
    tree_of(write, b"weights")
    with pytest.raises(IntegrityError, match="only_unneeded_bytes_are_removed"), transaction.atomic():
        Blob.objects.update(removed_at=Now())


@pytest.mark.django_db(transaction=True)
def test_while_a_backup_copies_nothing_is_removed(store: LocalStore, write: Write) -> None:
    cut_trees(trees=[tree_of(write, b"weights").pk])
    sweep()
    grow_old(store)
    with actions.whole_store(), ThreadPoolExecutor(1) as apart:
        assert apart.submit(_sweep_apart).result() == 0
    assert sweep().files == 1


def _sweep_apart() -> int:
    try:
        return sweep().files
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_whoever_names_bytes_again_waits_for_their_removal_and_sees_it(store: LocalStore, write: Write) -> None:
    cut_trees(trees=[tree_of(write, b"weights").pk])
    sweep()
    grow_old(store)
    tree, source = create_tree(), write("model.bin", b"weights")
    behind(partial(sweep), partial(add_files, tree=tree, files={"model.bin": source}))
    with queries.open_stored(queries.files_of(tree).get()) as body:
        assert body.read() == b"weights"


def test_the_grace_is_a_setting(store: LocalStore, write: Write, settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACT_GRACE_DAYS = 90
    cut_trees(trees=[tree_of(write, b"weights").pk])
    assert swept(store).files == 0
