"""The beginning of a stored file as a page may show it: never run, never loaded, no address of its own."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from apps.artifacts.queries import file, open_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.artifacts.models import Tree, TreeFile

PREVIEW_BYTES, PREVIEW_ROWS, PREVIEW_COLUMNS = 65_536, 50, 20
IMAGE_BYTES = 1_048_576
IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}


@dataclass(frozen=True)
class Preview:
    """A file's beginning: as text, as rows of a table, or as an image's data URI; what can not be shown says why."""

    path: str
    text: str = ""
    rows: Sequence[Sequence[str]] = ()
    image: str = ""
    note: str = ""


def preview(tree: Tree, path: str) -> Preview:
    """Read as text and never loaded. Raises Missing."""
    found = file(tree=tree, path=path)
    if found.tree.farewell:
        return Preview(path, note=found.tree.farewell)
    ending = PurePosixPath(path).suffix.lower()
    if ending in IMAGES:
        return _image(tree, found, IMAGES[ending])
    with open_file(tree=tree, path=path) as body:
        start = body.read(PREVIEW_BYTES)
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if found.size <= PREVIEW_BYTES or error.start < len(start) - 4:  # else a letter that is cut in two
            return Preview(path, note="This is no text, so it is not shown here. Download it to look at it.")
        text = start[: error.start].decode()
    if "\0" in text:
        return Preview(path, note="This is no text, so it is not shown here. Download it to look at it.")
    note = f"The first {PREVIEW_BYTES // 1024} KB of it." if found.size > PREVIEW_BYTES else ""
    return _table(path, text) if ending in (".csv", ".tsv") else Preview(path, text=text, note=note)


def _image(tree: Tree, found: TreeFile, kind: str) -> Preview:
    """Inside the page, so that no address of the portal ever answers something that a browser runs."""
    if found.size > IMAGE_BYTES:
        return Preview(found.path, note="This image is larger than 1 MB. Download it to look at it.")
    with open_file(tree=tree, path=found.path) as body:
        return Preview(found.path, image=f"data:{kind};base64,{base64.b64encode(body.read()).decode()}")


def _table(path: str, text: str) -> Preview:
    delimiter = "\t" if path.lower().endswith(".tsv") else ","
    try:
        rows = [
            row[:PREVIEW_COLUMNS]
            for row, _ in zip(csv.reader(io.StringIO(text), delimiter=delimiter), range(PREVIEW_ROWS + 1), strict=False)
        ]
    except csv.Error:
        return Preview(path, text=text)
    note = f"The first {PREVIEW_ROWS} rows and {PREVIEW_COLUMNS} columns at most."
    return Preview(path, rows=rows, note=note)
