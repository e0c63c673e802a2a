"""What segment runs had loaded becomes known use of tools, and is forgotten with them."""

from datetime import date
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.catalog import queries as catalog
from apps.catalog.models import Usage
from apps.catalog.queries.measures import zoo
from apps.retraining import actions, training
from apps.retraining.models import LibrarySet, Pipeline, RetrainingRequest, SegmentRun
from tests.catalog import conftest as tools
from tests.catalog.conftest import MakeTool
from tests.retraining.conftest import Submit, claim_of, run_of, success

pytestmark = pytest.mark.django_db
editor, make_tool, orchestration = tools.editor, tools.make_tool, tools.orchestration


@pytest.fixture
def two_tools(make_tool: MakeTool) -> None:
    """One known by two distributions, one that nobody has a position on."""
    make_tool("mlflow", pypi_name="mlflow mlflow-skinny")
    make_tool("luigi", pypi_name="Luigi")


def ended(request: RetrainingRequest, folder: Path, segment: str = "atlanta", **libraries: str) -> None:
    outcome = success(folder)
    named = {name.replace("_", "-"): version for name, version in libraries.items()}
    actions.finish(claim=claim_of(request, segment), outcome=outcome.__class__(**vars(outcome) | {"libraries": named}))


def uses(actor: User) -> list[tuple[str, str, str, str]]:
    found = catalog.usages(actor=actor).order_by("tool__slug", "kind")
    return [(usage.tool.slug, usage.kind, usage.name, usage.version) for usage in found]


@pytest.mark.usefixtures("two_tools")
def test_what_runs_had_loaded_is_used_until_the_runs_are_gone(submit: Submit, owner: User, tmp_path: Path) -> None:
    ended(submit("atlanta"), tmp_path, mlflow_skinny="3.17.1")
    ended(submit("atlanta"), tmp_path, mlflow_skinny="3.17.2", luigi="3.8.1", six="1.17.0")
    ended(submit("boston"), tmp_path, "boston", mlflow_skinny="3.17.2", luigi="3.8.1", six="1.17.0")
    assert LibrarySet.objects.count() == 2
    for _ in range(2):
        assert actions.discover_usage() == 4
    assert uses(owner) == [
        ("luigi", "family", "eta-trip", "3.8.1"),
        ("luigi", "pipeline", "toy", "3.8.1"),
        ("mlflow", "family", "eta-trip", "3.17.2"),
        ("mlflow", "pipeline", "toy", "3.17.2"),
    ]
    assert "2 segment runs" in Usage.objects.filter(tool__slug="luigi")[0].evidence
    assert {usage.tool.slug for usage in zoo(actor=owner).astray} == {"luigi", "mlflow"}
    SegmentRun.objects.all().delete()
    assert (actions.discover_usage(), uses(owner)) == (0, [])


@pytest.mark.usefixtures("two_tools")
def test_what_no_run_has_loaded_for_ninety_days_is_no_longer_used(submit: Submit, owner: User, tmp_path: Path) -> None:
    ended(submit("atlanta"), tmp_path, luigi="3.8.1")
    SegmentRun.objects.update(finished_at="2024-01-01T00:00:00Z")
    assert actions.discover_usage() == 0


@pytest.mark.usefixtures("two_tools")
def test_a_restricted_pipeline_is_named_to_its_team_only(
    submit: Submit, owner: User, colleague: User, stranger: User, pipeline: Pipeline, tmp_path: Path
) -> None:
    ended(submit("atlanta"), tmp_path, luigi="3.8.1")
    Pipeline.objects.update(visibility="teams")
    actions.discover_usage()
    assert [kind for _, kind, _, _ in uses(colleague)] == ["family", "pipeline"]
    assert [kind for _, kind, _, _ in uses(stranger)] == ["family"]


@pytest.mark.usefixtures("two_tools")
def test_a_person_declares_beside_what_is_discovered(submit: Submit, owner: User, editor: User, tmp_path: Path) -> None:
    ended(submit("atlanta"), tmp_path, luigi="3.8.1")
    tool = catalog.tool(actor=editor, slug="luigi")
    Usage.objects.create(tool=tool, kind="pipeline", name="toy", since=date(2026, 1, 1))
    actions.discover_usage()
    SegmentRun.objects.all().delete()
    actions.discover_usage()
    assert [usage.how for usage in catalog.usages(actor=owner)] == ["declared"]


def test_a_real_run_reports_what_it_had_loaded(
    submit: Submit, pipelines_folder: Path, make_tool: MakeTool, owner: User
) -> None:
    make_tool("pyyaml", pypi_name="pyyaml")
    script = pipelines_folder / "toy.py"
    script.write_text(f"import yaml\n{script.read_text()}")
    request = submit("atlanta")
    actions.drive(request_id=request.pk)
    training.train(run_of(request).pk, worker="work@test")
    training.default_runner().close()
    training.default_runner.cache_clear()
    assert "PyYAML" in run_of(request).libraries.distributions  # type: ignore[union-attr]
    actions.discover_usage()
    assert [use[:3] for use in uses(owner)] == [("pyyaml", "family", "eta-trip"), ("pyyaml", "pipeline", "toy")]
