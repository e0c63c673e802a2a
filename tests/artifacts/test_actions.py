"""Trees: files go in all or none, and nothing changes once sealed."""

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from apps.artifacts.actions import add_files, create_tree, seal
from apps.artifacts.models import Blob, Tree
from apps.artifacts.queries import files_of, open_file, total_size
from apps.artifacts.store import LocalStore
from apps.core.errors import Conflict, Invalid, Unavailable
from tests.artifacts.conftest import Write
from tests.artifacts.disks import MEGABYTE
from tests.artifacts.test_paths import ATTACKS
from tests.threads import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_megabytes(write: Write) -> Path:
    """Written before the disk gets small: the kernel's limit would hold for it too."""
    return write("big", os.urandom(2 * MEGABYTE))


def paths_of(tree: Tree) -> list[str]:
    return [file.path for file in files_of(tree)]


def test_files_of_a_tree_are_read_by_their_paths(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    add_files(tree=tree, files={"model.json": write("m", b"{}"), "report/plot.svg": write("p", b"<svg/>")})
    assert paths_of(tree) == ["model.json", "report/plot.svg"]
    assert open_file(tree=tree, path="report/plot.svg").read() == b"<svg/>"
    assert total_size(tree) == 8


def test_bytes_that_two_trees_share_are_stored_once(store: LocalStore, write: Write) -> None:
    for _ in range(2):
        add_files(tree=create_tree(), files={"a": write("a", b"same"), "b": write("b", b"same")})
    assert Blob.objects.count() == 1


def test_adding_the_same_file_again_changes_nothing(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    for _ in range(2):
        add_files(tree=tree, files={"model.json": write("m", b"{}")})
    assert paths_of(tree) == ["model.json"]


def test_a_path_keeps_its_content(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    add_files(tree=tree, files={"model.json": write("m", b"first")})
    with pytest.raises(Conflict, match=r"'model.json' is already there with other content"):
        add_files(tree=tree, files={"new.json": write("n"), "model.json": write("m", b"second")})
    assert paths_of(tree) == ["model.json"]
    assert open_file(tree=tree, path="model.json").read() == b"first"


@pytest.mark.parametrize("path", ATTACKS, ids=ascii)
def test_one_bad_path_and_none_of_the_files_is_stored(store: LocalStore, write: Write, path: str) -> None:
    tree = create_tree()
    with pytest.raises(Invalid):
        add_files(tree=tree, files={"good.json": write("g"), path: write("b")})
    assert paths_of(tree) == []
    assert not Blob.objects.exists()


@pytest.mark.parametrize(("first", "second"), [("model", "model/a.json"), ("model/a.json", "model")])
def test_a_path_is_not_both_a_file_and_a_folder(store: LocalStore, write: Write, first: str, second: str) -> None:
    tree = create_tree()
    add_files(tree=tree, files={first: write("a")})
    with pytest.raises(Invalid, match="folder"):
        add_files(tree=tree, files={second: write("b")})
    with pytest.raises(Invalid, match="folder"):
        add_files(tree=create_tree(), files={first: write("a"), second: write("b")})


def test_a_link_is_not_followed(store: LocalStore, write: Write, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(write("secret", b"of somebody else"))
    with pytest.raises(Invalid, match=r"'link.json' can not be read"):
        add_files(tree=create_tree(), files={"model.json": link})


def test_a_pipe_is_refused_instead_of_waited_for(store: LocalStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Invalid, match="not a regular file"):
        add_files(tree=create_tree(), files={"model.json": tmp_path / "pipe"})


def test_a_folder_and_a_missing_file_are_refused(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not a regular file"):
        add_files(tree=create_tree(), files={"model.json": tmp_path})
    with pytest.raises(Invalid, match="can not be read"):
        add_files(tree=create_tree(), files={"model.json": tmp_path / "nowhere"})


def test_a_full_disk_leaves_the_tree_as_it_was(two_megabytes: Path, disk_of_a_megabyte: LocalStore) -> None:
    tree = create_tree()
    with pytest.raises(Unavailable, match="full"):
        add_files(tree=tree, files={"big": two_megabytes})
    assert paths_of(tree) == []


def test_a_sealed_tree_has_the_digest_of_its_sorted_lines(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    add_files(tree=tree, files={"b": write("b", b"22"), "a": write("a", b"1")})
    lines = f"a {hashlib.sha256(b'1').hexdigest()} 1\nb {hashlib.sha256(b'22').hexdigest()} 2\n"
    sealed = seal(tree=tree)
    assert sealed.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert sealed.sealed_at is not None


def test_trees_of_the_same_files_have_the_same_digest(store: LocalStore, write: Write) -> None:
    digests = set()
    for names in (["a", "b"], ["b", "a"]):
        tree = create_tree()
        for name in names:
            add_files(tree=tree, files={name: write(name, name.encode())})
        digests.add(seal(tree=tree).digest)
    assert len(digests) == 1


def test_sealing_twice_is_sealing_once(store: LocalStore) -> None:
    tree = create_tree()
    first, second = seal(tree=tree), seal(tree=tree)
    assert (first.sealed_at, first.digest) == (second.sealed_at, second.digest)


def test_a_sealed_tree_takes_no_more_files(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    sealed = seal(tree=tree)
    for known in (tree, sealed):  # one that was read before the seal and one that was read after
        with pytest.raises(Conflict, match="sealed"):
            add_files(tree=known, files={"late.json": write("late")})
    assert paths_of(tree) == []


def test_adding_many_files_asks_the_database_a_constant_number_of_times(
    store: LocalStore, write: Write, django_assert_max_num_queries: Callable[..., object]
) -> None:
    files = {f"f{number}": write(f"f{number}", str(number).encode()) for number in range(30)}
    tree = create_tree()
    with django_assert_max_num_queries(7):  # type: ignore[attr-defined]
        add_files(tree=tree, files=files)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_give_a_path_other_bytes_at_once_one_wins(store: LocalStore, write: Write) -> None:
    for number in range(5):
        tree = create_tree()
        mine, theirs = write(f"mine{number}", b"mine"), write(f"theirs{number}", b"theirs")
        errors = together(
            partial(add_files, tree=tree, files={"model": mine}),
            partial(add_files, tree=tree, files={"model": theirs}),
        )
        assert [type(error) for error in errors if error] == [Conflict]
        assert paths_of(tree) == ["model"]


@pytest.mark.django_db(transaction=True)
def test_the_same_files_added_at_once_are_there_once(store: LocalStore, write: Write) -> None:
    tree = create_tree()
    files = {name: write(name, name.encode()) for name in ("a", "b", "c")}
    assert together(*[lambda: add_files(tree=tree, files=files)] * 4) == [None] * 4
    assert paths_of(tree) == ["a", "b", "c"]


@pytest.mark.django_db(transaction=True)
def test_a_seal_while_files_are_added_covers_all_files_or_refuses_them(store: LocalStore, write: Write) -> None:
    for number in range(5):
        tree, late = create_tree(), write(f"late{number}", b"late")
        errors = together(
            partial(add_files, tree=tree, files={"late": late}),
            partial(seal, tree=tree),
        )
        assert all(error is None or isinstance(error, Conflict) for error in errors)
        tree.refresh_from_db()
        twin = create_tree()
        add_files(tree=twin, files=dict.fromkeys(paths_of(tree), late))
        assert tree.digest == seal(tree=twin).digest
