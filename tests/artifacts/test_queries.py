"""Reading files of a tree."""

import pytest

from apps.artifacts.actions import add_files, create_tree
from apps.artifacts.models import Tree
from apps.artifacts.queries import file, files_of, local_path, open_file, total_size
from apps.artifacts.store import LocalStore
from apps.core.errors import Missing, Unavailable
from tests.artifacts.conftest import Write
from tests.artifacts.test_paths import ATTACKS

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(store: LocalStore, write: Write) -> Tree:
    tree = create_tree()
    add_files(tree=tree, files={"model.json": write("m", b"{}"), "a.txt": write("a", b"a")})
    return tree


def test_a_local_path_holds_the_bytes_of_the_file(tree: Tree) -> None:
    assert [local_path(file).read_bytes() for file in files_of(tree)] == [b"a", b"{}"]


@pytest.mark.parametrize("path", [*ATTACKS, "model", "MODEL.JSON", "model.json/x"], ids=ascii)
def test_a_path_that_is_not_there_is_missing_whatever_it_tries(tree: Tree, path: str) -> None:
    for read in (file, open_file):
        with pytest.raises(Missing, match="no file of that path"):
            read(tree=tree, path=path)


def test_a_file_of_another_tree_is_missing(tree: Tree) -> None:
    with pytest.raises(Missing):
        open_file(tree=create_tree(), path="model.json")


def test_a_damaged_file_is_not_handed_to_anybody(tree: Tree) -> None:
    stored = file(tree=tree, path="model.json")
    place = local_path(stored)
    place.chmod(0o644)
    place.write_bytes(b"[]")
    for read in (lambda: open_file(tree=tree, path="model.json"), lambda: local_path(stored)):
        with pytest.raises(Unavailable, match="damaged"):
            read()


def test_an_empty_tree_weighs_nothing(db: None) -> None:
    assert total_size(create_tree()) == 0


def test_a_file_shows_its_size_in_bytes(tree: Tree) -> None:
    assert file(tree=tree, path="model.json").size == 2
