"""A store of the test's own, and files to put into it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.artifacts.store import LocalStore
from tests.artifacts.disks import MEGABYTE, small_disk

Write = Callable[..., Path]


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> LocalStore:
    """The store that the actions use in this test."""
    settings.VAR_DIR = tmp_path / "var"
    return LocalStore(tmp_path / "var" / "artifacts")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write("model.json", b"…")` makes a source file."""

    def make(name: str, content: bytes = b"bytes") -> Path:
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return make


@pytest.fixture
def disk_of_a_megabyte(settings: Settings, tmp_path: Path) -> Iterator[LocalStore]:
    with small_disk(tmp_path / "small", MEGABYTE) as folder:
        settings.VAR_DIR = folder
        yield LocalStore(folder / "artifacts")
