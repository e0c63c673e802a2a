"""The demo's pipelines, out of the file that a platform admin would push."""

from __future__ import annotations

from pathlib import Path

from apps.core.errors import Missing
from apps.demo.seeding.company import People
from apps.retraining import actions, queries
from apps.retraining.pipeline_files import read

FILE = Path(__file__).parents[1] / "pipelines" / "pipelines.yaml"


def define(people: People) -> None:
    """Those that are not there yet; what an admin has changed since stays changed."""
    found, _ = read(FILE.read_text(encoding="utf-8"), beside=FILE.parent)
    for slug, said in found.items():
        if not _is_known(people, slug):
            actions.put_pipeline(actor=people.admin, slug=slug, said=said)


def _is_known(people: People, slug: str) -> bool:
    try:
        queries.pipeline(actor=people.admin, slug=slug)
    except Missing:
        return False
    return True
