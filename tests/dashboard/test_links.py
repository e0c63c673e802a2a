"""A run, a version, a city and a request lead to the same thing in other products, as far as they know it."""

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.platforms.actions import add_link
from apps.platforms.models import Connection
from apps.registry.actions import update_family
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import RetrainingRequest
from apps.tracking.actions import log_batch, log_inputs
from apps.tracking.points import UsedDataset
from tests.conftest import api, signed_in
from tests.retraining import conftest as retraining
from tests.retraining.conftest import Submit, claim_of, run_of, success

pytestmark = pytest.mark.django_db
family, pipeline, submit = retraining.family, retraining.pipeline, retraining.submit
pipelines_folder = retraining.pipelines_folder
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def places(admin: User, owner: User, submit: Submit, tmp_path: Path) -> dict[str, str]:
    """What was made of Atlanta on an Airflow, by the word of its page: the part of the addresses that names it."""
    there = Connection.objects.create(name="prod", kind="airflow", address="https://a.example.org", created_by=admin)
    templates = {
        "Grafana": "https://grafana.example.org/d/eta?var-city={segment}",
        "Airflow": "https://airflow.example.org/dags/{workflow}/runs/{outside_run}",
        "Commit": "https://git.example.org/commit/{commit}",
        "MLflow": "https://mlflow.example.org/#/runs/{run}",
        "Ticket": "https://tickets.example.org/?q={request}",
        "S3": "https://s3.example.org/{data_bucket}?prefix={data_key}",
    }
    for name, template in templates.items():
        add_link(actor=admin, name=name, template=template, connection="prod" if name == "Airflow" else "")
    request = submit("atlanta")
    claim = claim_of(request)
    run = run_of(request)
    assert run.run
    trips = UsedDataset("trips", "ab12", "s3", '{"uri": "s3://lake/trips/atlanta"}')
    log_inputs(actor=owner, run=run.run, datasets=[trips])
    log_batch(actor=owner, run=run.run, tags={"mlflow.source.git.commit": COMMIT})
    plan = {**request.plan, "connection_id": there.pk, "workflow": "retrain_city"}
    RetrainingRequest.objects.update(plan=plan)
    run.attempts.update(outside_id="portal-abc-1", connection=there)
    actions.finish(claim=claim, outcome=success(tmp_path))
    run.refresh_from_db()
    version = run.version
    assert version
    return {
        f"/retraining/{request.pk}/": f"requests/{request.pk}",
        f"/retraining/runs/{run.pk}/": f"segment-runs/{run.pk}",
        f"/runs/{run.run_id}/": f"runs/{run.run_id}",
        f"/m/eta-trip/atlanta/v{version.number}/": f"versions/{version.pk}",
        "/m/eta-trip/atlanta/": "families/eta-trip/segments/atlanta",
    }


def test_each_page_and_its_api_show_the_links_that_it_can_fill(places: dict[str, str], owner: User) -> None:
    everything = ["Airflow", "Commit", "Grafana", "MLflow", "S3", "Ticket"]
    expected = (["Ticket"], everything, everything, everything, ["Grafana"])
    for (page, address), names in zip(places.items(), expected, strict=True):
        html = signed_in(owner).get(page).content.decode()
        found = api(owner).get(f"/api/v1/{address}/links/").json()
        assert [link["name"] for link in found] == names, page
        assert all(f'href="{link["address"]}"' in html for link in found), page
    whole = {link["name"]: link["address"] for link in found_of(owner, list(places.values())[3])}
    assert whole["Airflow"] == "https://airflow.example.org/dags/retrain_city/runs/portal-abc-1"
    assert whole["Commit"].endswith(COMMIT)
    assert whole["S3"] == "https://s3.example.org/lake?prefix=trips%2Fatlanta"


def found_of(user: User, address: str) -> list[dict[str, str]]:
    return list(api(user).get(f"/api/v1/{address}/links/").json())


def test_a_stranger_learns_nothing_of_a_restricted_family_by_its_links(
    places: dict[str, str], stranger: User, approver: User, family: ModelFamily
) -> None:
    update_family(actor=approver, family=family, visibility="teams")
    for address in places.values():
        assert api(stranger).get(f"/api/v1/{address}/links/").status_code == 404
