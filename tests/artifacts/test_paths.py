"""Which paths a tree takes."""

from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.artifacts.paths import LONGEST_PATH, check_path, folders_of, is_path
from apps.core.errors import Invalid

ATTACKS = [
    "",
    "/etc/passwd",
    "//proc/self/root",
    "..",
    "../secret",
    "model/../../secret",
    "model/..",
    "./model",
    "model//weights",
    "model/",
    "..\\..\\secret",
    "C:\\Windows",
    "c:model",
    "..%2f..%2fsecret",
    "%2e%2e/secret",
    "%252e%252e%252fsecret",
    "%25252e%25252e/secret",
    "model%00.json",
    "model\0.json",
    "model\n.json",
    "model\u202egpj.exe",
    "model\ud800.json",
    "model#/../../etc",
    "a" * (LONGEST_PATH + 1),
]


@pytest.mark.parametrize("path", ATTACKS, ids=ascii)
def test_a_path_that_could_lead_elsewhere_is_refused_with_a_sentence(path: str) -> None:
    with pytest.raises(Invalid, match="path") as refused:
        check_path(path)
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "path",
    ["model.json", "a/b/c.txt", "MLmodel", ".hidden", "..."[:1] + "x", "100 %.csv", "größe/été 1.json", "a" * 250],
)
def test_an_ordinary_path_is_taken_as_it_is(path: str) -> None:
    assert check_path(path) == path


@given(st.text(max_size=40) | st.text("./\\%2eEfF#:aC", max_size=20))
@example("%2e%2e%2f")
def test_whatever_is_taken_stays_inside_however_often_it_is_decoded(path: str) -> None:
    if not is_path(path):
        return
    for _ in range(6):
        parts = PurePosixPath("/tree", path).parts
        assert parts[:2] == ("/", "tree")
        assert ".." not in parts
        assert "\0" not in path
        path = unquote(path)


def test_the_folders_of_a_path_are_its_beginnings() -> None:
    assert folders_of("a/b/c.json") == ["a", "a/b"]
    assert folders_of("c.json") == []
