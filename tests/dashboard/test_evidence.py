"""A run's page and the list of an experiment's runs."""

import math
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Team, User
from apps.tracking.actions import close_run, ensure_experiment, log_batch, log_params, open_run, put_run_file
from apps.tracking.models import Experiment, Run, Visibility
from apps.tracking.points import Point
from apps.tracking.queries import sampled_curves
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(owner: User, team: Team) -> Experiment:
    return ensure_experiment(actor=owner, name="eta-trip", team=team)


@pytest.fixture
def run(owner: User, experiment: Experiment) -> Run:
    return open_run(actor=owner, experiment=experiment, name="atlanta #1", tags={"city": "atlanta"})


@pytest.fixture
def page(owner: User, run: Run) -> Callable[..., str]:
    def read(query: str = "", **headers: str) -> str:
        response = signed_in(owner).get(f"/runs/{run.pk}/{query}", headers=headers)
        assert response.status_code == 200
        return response.content.decode()

    return read


def report(owner: User, run: Run, values: list[float], key: str = "loss") -> None:
    points = [Point(key, value, run.started_at, step) for step, value in enumerate(values)]
    log_batch(actor=owner, run=run, points=points)


def put(owner: User, run: Run, path: str, content: bytes) -> None:
    put_run_file(actor=owner, run=run, path=path, source=BytesIO(content))


def test_a_run_shows_its_parameters_numbers_and_a_curve(owner: User, run: Run, page: Callable[..., str]) -> None:
    log_params(actor=owner, run=run, params={"alpha": "0.5"})
    report(owner, run, [3.0, math.nan, 1.0])
    report(owner, run, [6.25], key="mae")
    html = page()
    assert "alpha" in html
    assert "6.25" in html
    assert 'aria-label="loss by step"' in html
    assert 'aria-label="mae by step"' not in html


def test_an_open_run_s_curves_grow_and_an_ended_one_is_still(owner: User, run: Run, page: Callable[..., str]) -> None:
    assert "every 2s" in page()
    report(owner, run, [3.0, 2.0])
    piece = page(**{"HX-Request": "true"})
    assert "loss by step" in piece
    assert "<html" not in piece
    close_run(actor=owner, run=run, status="FINISHED")
    assert "every 2s" not in page()


def test_a_long_history_is_drawn_with_few_points_and_its_end(owner: User, run: Run) -> None:
    report(owner, run, [float(step) for step in range(1_000)])
    found = sampled_curves(run=run, keys=12, most=200)["loss"]
    assert len(found) <= 201
    assert (found[0].step, found[-1].step) == (0, 999)


@pytest.mark.parametrize(
    ("path", "content", "shown"),
    [
        ("note.txt", b"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("page.html", b"<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("rows.csv", b"city,mae\natlanta,6\n", "<td>atlanta</td>"),
        ("dot.png", b"\x89PNG", "data:image/png;base64,iVBORw=="),
        ("drawing.svg", b"<svg onload='x()'/>", "&lt;svg onload="),
        ("model.pkl", b"\x80\x04\x95", "This is no text"),
        ("nul.txt", b"a\0b", "This is no text"),
    ],
)
def test_a_file_is_previewed_without_being_run(
    owner: User, run: Run, page: Callable[..., str], path: str, content: bytes, shown: str
) -> None:
    put(owner, run, path, content)
    assert shown in page(f"?file={path}")


def test_a_preview_of_what_is_not_there_is_missing(owner: User, run: Run) -> None:
    assert signed_in(owner).get(f"/runs/{run.pk}/?file=../etc/passwd").status_code == 404


def test_an_experiment_lists_its_runs_with_what_most_of_them_report(
    owner: User, run: Run, experiment: Experiment
) -> None:
    report(owner, run, [6.25], key="mae")
    html = signed_in(owner).get(f"/experiments/{experiment.pk}/").content.decode()
    assert "atlanta #1" in html
    assert "6.25" in html
    assert "eta-trip" in signed_in(owner).get("/experiments/?q=eta").content.decode()
    assert "No experiment of that name" in signed_in(owner).get("/experiments/?q=none").content.decode()


def test_a_restricted_experiment_and_its_runs_are_hidden_from_others(
    owner: User, stranger: User, run: Run, experiment: Experiment
) -> None:
    Experiment.objects.update(visibility=Visibility.TEAMS)
    client: Client = signed_in(stranger)
    assert client.get(f"/runs/{run.pk}/").status_code == 404
    assert client.get(f"/experiments/{experiment.pk}/").status_code == 404
    assert "eta-trip" not in client.get("/experiments/").content.decode()
    assert signed_in(owner).get(f"/runs/{run.pk}/").status_code == 200


def test_a_run_s_page_costs_the_same_whatever_it_reported(
    owner: User, run: Run, django_assert_max_num_queries: Any
) -> None:
    for key in ("a", "b", "c", "d"):
        report(owner, run, [1.0, 2.0, 3.0], key=key)
        put(owner, run, f"{key}.txt", b"x")
    client = signed_in(owner)
    with django_assert_max_num_queries(25):
        client.get(f"/runs/{run.pk}/?file=a.txt")
