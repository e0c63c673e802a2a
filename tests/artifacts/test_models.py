"""What the database itself refuses, whoever asks it: here plain SQL does."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from apps.artifacts.actions import add_files, create_tree, seal
from apps.artifacts.models import Blob, Tree
from apps.artifacts.queries import files_of
from apps.artifacts.store import LocalStore
from tests.artifacts.conftest import Write
from tests.threads import behind

pytestmark = pytest.mark.django_db
OTHER = "0" * 64
CHANGES = {
    "a file is added": "INSERT INTO artifacts_treefile (tree_id, path, blob_id) SELECT {tree}, 'new', blob_id"
    " FROM artifacts_treefile WHERE tree_id = {tree}",
    "a file is removed": "DELETE FROM artifacts_treefile WHERE tree_id = {tree}",
    "a file is renamed": "UPDATE artifacts_treefile SET path = 'other' WHERE tree_id = {tree}",
    "a file gets other bytes": "UPDATE artifacts_treefile SET blob_id = '{other}' WHERE tree_id = {tree}",
    "a file is moved out": "UPDATE artifacts_treefile SET tree_id = {open} WHERE tree_id = {tree}",
    "a file is moved in": "UPDATE artifacts_treefile SET tree_id = {tree}, path = 'in' WHERE tree_id = {open}",
    "the digest is changed": "UPDATE artifacts_tree SET digest = '{other}' WHERE id = {tree}",
    "the seal is broken": "UPDATE artifacts_tree SET sealed_at = NULL, digest = '' WHERE id = {tree}",
    "the tree is removed": "DELETE FROM artifacts_tree WHERE id = {tree}",
}


@pytest.fixture
def trees(store: LocalStore, write: Write) -> tuple[Tree, Tree]:
    """A sealed one and an open one, each with a file."""
    sealed, still_open = create_tree(), create_tree()
    for tree in (sealed, still_open):
        add_files(tree=tree, files={"model.json": write("m", b"{}")})
    Blob.objects.create(sha256=OTHER, size=1)
    return seal(tree=sealed), still_open


def execute(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_sealed_tree_can_not_be_changed_by_sql(trees: tuple[Tree, Tree], change: str) -> None:
    sealed, still_open = trees
    before = list(files_of(sealed).values_list("path", "blob_id"))
    with pytest.raises(IntegrityError, match="sealed"):
        execute(change.format(tree=sealed.pk, open=still_open.pk, other=OTHER))
    assert list(files_of(sealed).values_list("path", "blob_id")) == before
    assert Tree.objects.get(pk=sealed.pk).digest == sealed.digest


@pytest.mark.parametrize("change", ["a file is added", "a file is renamed", "a file is removed"])
def test_an_open_tree_can_be_changed(trees: tuple[Tree, Tree], change: str) -> None:
    before = list(files_of(trees[1]).values_list("path", "blob_id"))
    execute(CHANGES[change].format(tree=trees[1].pk, other=OTHER))
    assert list(files_of(trees[1]).values_list("path", "blob_id")) != before


def test_stored_bytes_can_not_be_renamed_or_resized(trees: tuple[Tree, Tree]) -> None:
    for change in ("size = 7", f"sha256 = '{'1' * 64}'"):
        with pytest.raises(IntegrityError, match="does not change"):
            execute(f"UPDATE artifacts_blob SET {change} WHERE sha256 = '{OTHER}'")


def test_bytes_that_a_tree_has_can_not_be_removed(trees: tuple[Tree, Tree]) -> None:
    with pytest.raises(IntegrityError):
        execute("DELETE FROM artifacts_blob")


@pytest.mark.parametrize("path", ["", "/etc", "..", "a/../b", "a//b", "a/", "./a", "a\\b"])
def test_a_path_that_leads_outside_is_not_even_stored(trees: tuple[Tree, Tree], path: str) -> None:
    with pytest.raises(IntegrityError, match="a_path_stays_inside_its_tree"):
        execute(f"UPDATE artifacts_treefile SET path = '{path}' WHERE tree_id = {trees[1].pk}")


@pytest.mark.parametrize("values", ["now(), ''", f"NULL, '{OTHER}'", "now(), 'not a digest'"])
def test_a_tree_is_sealed_with_a_digest_or_not_at_all(db: None, values: str) -> None:
    with pytest.raises(IntegrityError, match="a_sealed_tree_has_a_digest"):
        execute(f"INSERT INTO artifacts_tree (sealed_at, digest) VALUES ({values})")


@pytest.mark.django_db(transaction=True)
def test_plain_sql_waits_for_a_seal_that_is_being_set(store: LocalStore) -> None:
    Blob.objects.create(sha256=OTHER, size=1)
    tree = create_tree()
    late = f"INSERT INTO artifacts_treefile (tree_id, path, blob_id) VALUES ({tree.pk}, 'late', '{OTHER}')"
    with pytest.raises(IntegrityError, match="sealed"):
        behind(partial(seal, tree=tree), partial(execute, late))
    assert not files_of(tree).exists()
