"""From a platform's DAG to a pipeline with a form: by pages in three clicks, and over the API."""

import html
import re
from collections.abc import Iterator

import pytest

from apps.accounts.models import Team, User
from apps.platforms.actions import add_connection
from apps.platforms.airflow.client import _sessions
from apps.platforms.models import Connection
from apps.registry.actions import SegmentSpec, add_segments, create_family
from apps.registry.models import ModelFamily
from apps.retraining.models import Pipeline
from portal.local.ports import free_port
from tests.conftest import api, signed_in
from tests.platforms.fake_airflow import PASSWORD, Fake, fake_airflow

pytestmark = pytest.mark.django_db
OF_THE_DAG = "/retraining/pipelines/new/?connection=airflow&workflow=retrain_city"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_airflow() as made:
        yield made
    _sessions.clear()


@pytest.fixture
def connection(admin: User, fake: Fake) -> Connection:
    return add_connection(actor=admin, name="airflow", kind="airflow", address=fake.address, secret=PASSWORD)


def text(response: object) -> str:
    return " ".join(html.unescape(response.content.decode()).split())  # type: ignore[attr-defined]


def test_three_clicks_make_a_pipeline_of_a_dag(
    admin: User, team: Team, family: ModelFamily, connection: Connection
) -> None:
    browser = signed_in(admin)
    assert 'href="/connections/airflow/workflows/"' in text(browser.get("/connections/airflow/"))
    listed = text(browser.get("/connections/airflow/workflows/?tag=retrain"))
    assert "Retrain the ETA model of one city" in listed
    assert OF_THE_DAG.replace("/retraining/pipelines/new/", "") in listed
    page = browser.get(OF_THE_DAG)
    begun = re.search(r"<textarea[^>]*>(.*?)</textarea>", page.content.decode(), re.S)
    assert begun
    written = html.unescape(begun[1])
    assert "segment_parameter: city" in written
    assert "Look-back, days" in text(page)  # the form beside it
    saved = browser.post("/retraining/pipelines/new/", {"text": written}, follow=True)
    assert "retrain_city is new: version 1." in text(saved)
    made = Pipeline.objects.get()
    assert (made.slug, made.connection, made.workflow, made.script) == ("retrain-city", connection, "retrain_city", "")
    assert list(made.families.all()) == [family]
    assert made.schema["required"] == ["ticket"]
    assert "What runs there" in text(browser.get("/connections/airflow/"))


def test_the_city_is_known_by_what_the_parameter_offers_too(
    admin: User, fake: Fake, family: ModelFamily, connection: Connection
) -> None:
    fake.params["ort"] = fake.params.pop("city") | {"value": "boston", "schema": {"type": "string"}}
    asked = {"connection": "airflow", "workflow": "retrain_city"}
    begun = api(admin).get("/api/v1/pipeline-of-workflow/", asked).json()["definition"]
    assert (begun["families"], begun["segment_parameter"]) == ([family.slug], "ort")
    other = create_family(actor=admin, slug="demand", name="Demand", team=family.team, dimension="town", metric="mae")
    add_segments(actor=admin, family=other, segments=[SegmentSpec("boston", "Boston")])
    begun = api(admin).get("/api/v1/pipeline-of-workflow/", asked).json()["definition"]
    assert begun["families"] == [family.slug]  # its DAG says that it is about the ETA
    fake.params["ort"]["value"] = "nowhere"
    begun = api(admin).get("/api/v1/pipeline-of-workflow/", asked).json()["definition"]
    assert ("families" in begun and begun["families"], begun["segment_parameter"]) == ([], "")


def test_the_api_does_the_same(admin: User, owner: User, family: ModelFamily, connection: Connection) -> None:
    client = api(admin)
    found = client.get("/api/v1/connections/airflow/workflows/", {"tag": "retrain"}).json()["results"]
    assert [(one["name"], one["problem"]) for one in found] == [("retrain_city", "")]
    asked = {"connection": "airflow", "workflow": "retrain_city"}
    begun = client.get("/api/v1/pipeline-of-workflow/", asked).json()
    put = client.put(f"/api/v1/pipelines/{begun['slug']}/", begun["definition"], format="json")
    assert put.json()["outcome"] == "new"
    shown = client.get("/api/v1/pipelines/retrain-city/").json()
    assert (shown["connection"], shown["workflow"], shown["segment_parameter"]) == ("airflow", "retrain_city", "city")
    assert client.get("/api/v1/pipeline-of-workflow/", asked | {"workflow": "nothing"}).status_code == 404
    assert api(owner).get("/api/v1/pipeline-of-workflow/", asked).status_code == 403
    assert api(owner).get("/api/v1/connections/airflow/workflows/").status_code == 404


def test_a_platform_that_does_not_answer_is_told_on_the_page(admin: User, connection: Connection) -> None:
    Connection.objects.update(address=f"http://127.0.0.1:{free_port()}")
    browser = signed_in(admin)
    assert "takes no connection: check the port" in text(browser.get("/connections/airflow/workflows/"))
    page = browser.get(OF_THE_DAG)
    assert (page.status_code, "takes no connection: check the port" in text(page)) == (503, True)
    assert api(admin).get("/api/v1/connections/airflow/workflows/").status_code == 503


def test_a_connection_that_runs_nothing_says_so(admin: User, db: None) -> None:
    add_connection(actor=admin, name="tracking", kind="mlflow", address="http://127.0.0.1:1")
    browser = signed_in(admin)
    assert "workflows/" not in text(browser.get("/connections/tracking/"))
    assert "which runs no pipelines" in text(browser.get("/connections/tracking/workflows/"))
