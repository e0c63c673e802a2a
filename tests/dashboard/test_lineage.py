"""Where a version comes from: run, commit, parameters, data and feature views, as its run and others said it."""

from pathlib import Path
from uuid import UUID

import pytest

from apps.accounts.models import User
from apps.lineage.actions import tell
from apps.lineage.openlineage import read
from apps.registry.actions import update_family
from apps.registry.models import ModelFamily, ModelVersion
from apps.retraining import actions
from apps.tracking.actions import log_batch, log_inputs
from apps.tracking.points import UsedDataset
from tests.conftest import api, signed_in
from tests.lineage import conftest as lineage
from tests.lineage.conftest import Event
from tests.retraining.conftest import Submit, claim_of, run_of, success

pytestmark = pytest.mark.django_db
family, pipeline, submit, pipelines_folder = lineage.family, lineage.pipeline, lineage.submit, lineage.pipelines_folder
event = lineage.event
COMMIT = "0123456789abcdef0123456789abcdef01234567"
VIEW = {"namespace": "feast://eta", "name": "city_trip_stats", "facets": {"schema": {"fields": [{"name": "avg_km"}]}}}


@pytest.fixture
def version(owner: User, submit: Submit, tmp_path: Path, event: Event) -> ModelVersion:
    request = submit("atlanta")
    claim, run = claim_of(request), run_of(request)
    assert run.run
    used_for = {"mlflow.data.context": "training"}
    training = UsedDataset("trips", "ab12", "s3", '{"uri": "s3://lake/trips"}', tags=used_for)
    log_inputs(actor=owner, run=run.run, datasets=[training])
    tags = {"mlflow.source.git.commit": COMMIT, "feature_views": "rain_by_hour, airports"}
    log_batch(actor=owner, run=run.run, tags=tags)
    for body in (event(outputs=[VIEW]), event(str(UUID(run.run.pk)), inputs=[VIEW])):
        told = read(body)
        assert told
        tell(actor=owner, told=told)
    actions.finish(claim=claim, outcome=success(tmp_path))
    run.refresh_from_db()
    assert run.version
    return run.version


def test_a_versions_page_and_its_api_say_where_it_comes_from(version: ModelVersion, owner: User) -> None:
    told = api(owner).get(f"/api/v1/versions/{version.pk}/lineage/").json()
    assert (told["run"], told["commit"], told["parameters"]["alpha"]) == (version.run_id, COMMIT, "1.0")
    sources = {(one["name"], one["kind"], one["used_for"], one["said"]) for one in told["sources"]}
    assert sources == {
        ("trips", "Data set", "training", "logged by its run"),
        ("rain_by_hour", "Feature view", "", "a tag of its run"),
        ("airports", "Feature view", "", "a tag of its run"),
        ("city_trip_stats", "Feature view", "", "told by Owner"),
    }
    (view,) = [one for one in told["sources"] if one["name"] == "city_trip_stats"]
    writer = view["written_by"]
    assert (view["columns"], writer["job"], writer["run"]) == (["avg_km"], "features.daily", None)
    assert [part["run"] for part in told["told"]] == [version.run_id]
    for page in (f"/m/eta-trip/atlanta/v{version.number}/", f"/runs/{version.run_id}/"):
        html = signed_in(owner).get(page).content.decode()
        assert all(name in html for name in ("trips", "rain_by_hour", "city_trip_stats", "features.daily"))
    assert COMMIT in signed_in(owner).get(f"/m/eta-trip/atlanta/v{version.number}/").content.decode()


def test_who_wrote_a_data_set_is_said_only_to_who_may_see_that_run(version: ModelVersion, colleague: User) -> None:
    told = api(colleague).get(f"/api/v1/versions/{version.pk}/lineage/").json()
    (view,) = [one for one in told["sources"] if one["name"] == "city_trip_stats"]
    assert view["written_by"] is None


def test_a_stranger_learns_nothing_of_a_restricted_version(
    version: ModelVersion, stranger: User, approver: User, family: ModelFamily
) -> None:
    update_family(actor=approver, family=family, visibility="teams")
    assert api(stranger).get(f"/api/v1/versions/{version.pk}/lineage/").status_code == 404
    assert api(stranger).get(f"/api/v1/runs/{version.run_id}/lineage/").status_code == 404
