"""Models that stand alone: found in their list, opened, with the run they came of."""

from typing import Any

import pytest

from apps.accounts.models import Team, User
from apps.registry.actions import Origin, create_model, create_version, move_alias
from apps.registry.models import ModelVersion, Segment
from apps.tracking.actions import ensure_experiment, open_run
from tests.conftest import api, signed_in
from tests.registry.conftest import MakeVersion, atlanta, boston, family, make_version

__all__ = ["atlanta", "boston", "family", "make_version"]
pytestmark = pytest.mark.django_db
NAME = "ETA ü 50%"


@pytest.fixture
def version(owner: User, team: Team) -> ModelVersion:
    experiment = ensure_experiment(actor=owner, name="eta", team=team)
    run = open_run(actor=owner, experiment=experiment, name="tuesday", tags={})
    model = create_model(actor=owner, name=NAME, description="Arrives when?", tags={"city": "any"})
    create_version(actor=owner, model=model, origin=Origin("s3://bucket/model"))
    made = create_version(actor=owner, model=model, origin=Origin(f"runs:/{run.pk}/model", run=run, run_ref=run.pk))
    move_alias(actor=owner, version=made, alias="try")
    return made


def test_a_model_that_plain_mlflow_registered_is_found_and_opened(owner: User, version: ModelVersion) -> None:
    create_model(actor=owner, name="a prompt", tags={"mlflow.prompt.is_prompt": "true"})
    client = signed_in(owner)
    listed = client.get("/registered-models/?q=eta").content.decode()
    assert (NAME in listed, "try v2" in listed) == (True, True)
    assert "No model of that name" in client.get("/registered-models/?q=none").content.decode()
    assert "a prompt" not in client.get("/registered-models/").content.decode()
    html = client.get("/registered-models/ETA%20%C3%BC%2050%25/").content.decode()
    assert f"models:/{NAME}/latest" in html
    assert ("s3://bucket/model" in html, f'href="/runs/{version.run_id}/"' in html, "try v2" in html) == (
        True,
        True,
        True,
    )
    assert "registered-models/ETA%20%C3%BC%2050%25/" in client.get(f"/runs/{version.run_id}/").content.decode()
    assert [one["name"] for one in api(owner).get("/api/v1/models/?alone=true&search=").data["results"]] == [
        NAME,
        "a prompt",
    ]


def test_a_family_s_model_has_the_page_of_its_segment(owner: User, make_version: MakeVersion, atlanta: Segment) -> None:
    make_version(atlanta)
    client = signed_in(owner)
    assert client.get("/registered-models/eta-trip.atlanta/")["Location"] == "/m/eta-trip/atlanta/"
    assert "eta-trip.atlanta" not in client.get("/registered-models/").content.decode()
    assert client.get("/registered-models/none/").status_code == 404


def test_many_versions_cost_as_much_as_few(
    owner: User, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        create_version(actor=owner, model=version.model, origin=Origin("s3://bucket/model"))
    client = signed_in(owner)
    with django_assert_max_num_queries(20):
        client.get("/registered-models/ETA%20%C3%BC%2050%25/")
