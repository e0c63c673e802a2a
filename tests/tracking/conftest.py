"""An experiment of the owner's team with one open run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import Team, User
from apps.artifacts.actions import add_files
from apps.tracking.actions import ensure_experiment, open_run
from apps.tracking.models import Experiment, Run, Visibility

AddFile = Callable[[str, bytes], Path]


@pytest.fixture
def experiment(owner: User, team: Team) -> Experiment:
    return ensure_experiment(actor=owner, name="eta-trip", team=team)


@pytest.fixture
def run(owner: User, experiment: Experiment) -> Run:
    return open_run(actor=owner, experiment=experiment, name="atlanta", tags={"segment": "atlanta"})


@pytest.fixture
def restricted(experiment: Experiment) -> Experiment:
    """The same experiment, seen by its team only."""
    Experiment.objects.filter(pk=experiment.pk).update(visibility=Visibility.TEAMS)
    experiment.refresh_from_db()
    return experiment


@pytest.fixture
def add_file(settings: Settings, tmp_path: Path, run: Run) -> AddFile:
    """`add_file("model.json", b"{}")` gives the run a file and answers its source."""
    settings.VAR_DIR = tmp_path / "var"

    def add(path: str, content: bytes) -> Path:
        source = tmp_path / path.replace("/", "-")
        source.write_bytes(content)
        add_files(tree=run.tree, files={path: source})
        return source

    return add
