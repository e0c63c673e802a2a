"""The demo's pipelines, out of the file that a platform admin would push."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from apps.core.errors import Missing
from apps.demo.seeding.company import People
from apps.retraining import actions, queries
from apps.retraining.pipeline_files import read

FILE = Path(__file__).parents[1] / "pipelines" / "pipelines.yaml"


def define(people: People) -> None:
    """Those that are not there yet; what an admin has changed since stays changed. Scripts are always the demo's."""
    _put_scripts(Path(settings.PIPELINES_DIR))
    found, _ = read(FILE.read_text(encoding="utf-8"), beside=FILE.parent)
    for slug, said in found.items():
        if not _is_known(people, slug):
            actions.put_pipeline(actor=people.admin, slug=slug, said=said)


def _put_scripts(folder: Path) -> None:
    """Where workers read them; a script that runs meanwhile is replaced as a whole, never half."""
    folder.mkdir(parents=True, exist_ok=True)
    for script in FILE.parent.glob("*.py"):
        if (there := folder / script.name).exists() and there.read_bytes() == script.read_bytes():
            continue
        with NamedTemporaryFile(dir=folder, delete=False) as part:
            part.write(script.read_bytes())
        Path(part.name).chmod(0o644)
        Path(part.name).replace(there)


def _is_known(people: People, slug: str) -> bool:
    try:
        queries.pipeline(actor=people.admin, slug=slug)
    except Missing:
        return False
    return True
