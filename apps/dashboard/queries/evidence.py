"""What a run's page shows, and the list of an experiment's runs."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from apps.artifacts.queries import file, files_of, open_file
from apps.registry.queries import all_versions
from apps.tracking import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.models import User
    from apps.artifacts.models import TreeFile
    from apps.registry.models import ModelVersion
    from apps.tracking.models import Experiment, LoggedModel, Run

MOST_FILES = 500
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


@dataclass(frozen=True)
class RunPage:
    run: Run
    latest: Sequence[tuple[str, float]]
    curves: Sequence[queries.Curve]
    files: Sequence[TreeFile]
    more_files: bool
    models: Sequence[LoggedModel]
    versions: Sequence[ModelVersion]
    preview: Preview | None


@dataclass(frozen=True)
class RunLine:
    """A run in its experiment's list, with the value of each metric that has a column."""

    run: Run
    values: Sequence[float | None]


def run_page(*, actor: User, run_id: str, preview: str = "") -> RunPage:
    """Raises Missing, for the file to preview too."""
    run = queries.whole_run(actor=actor, run_id=run_id)
    files = list(files_of(run.tree)[: MOST_FILES + 1])
    return RunPage(
        run=run,
        latest=sorted(queries.reported(run).items()),
        curves=queries.curves(run),
        files=files[:MOST_FILES],
        more_files=len(files) > MOST_FILES,
        models=list(queries.logged_models(actor).filter(run=run)),
        versions=list(all_versions(actor).filter(run=run)),
        preview=_preview(run, preview) if preview else None,
    )


def experiment_lines(*, actor: User, runs: Sequence[Run]) -> tuple[list[str], list[RunLine]]:
    """The metrics most of these runs have (at most four), and each run with its values of them."""
    latest = queries.reported_by_run([run.pk for run in runs])
    counts: dict[str, int] = {}
    for values in latest.values():
        for key in values:
            counts[key] = counts.get(key, 0) + 1
    shown = sorted(sorted(counts, key=lambda key: (-counts[key], key))[:4])
    return shown, [RunLine(run, [latest.get(run.pk, {}).get(key) for key in shown]) for run in runs]


def experiment(*, actor: User, pk: int) -> Experiment:
    """Raises Missing."""
    return queries.experiment(actor=actor, pk=str(pk))


def _preview(run: Run, path: str) -> Preview:
    found = file(tree=run.tree, path=path)
    ending = PurePosixPath(path).suffix.lower()
    if ending in IMAGES:
        return _image(run, found, IMAGES[ending])
    with open_file(tree=run.tree, path=path) as body:
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


def _image(run: Run, found: TreeFile, kind: str) -> Preview:
    """Inside the page, so that no address of the portal ever answers something that a browser runs."""
    if found.size > IMAGE_BYTES:
        return Preview(found.path, note="This image is larger than 1 MB. Download it to look at it.")
    with open_file(tree=run.tree, path=found.path) as body:
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
