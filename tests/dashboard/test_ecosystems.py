"""If a vendor goes: vendor or ecosystem → its tools → the families that hang on them, those of tier 1 first."""

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Team, User
from apps.catalog.models import Tool, Usage
from apps.dashboard import queries
from apps.registry.models import ModelFamily
from apps.retraining.models import Pipeline
from tests.catalog import conftest as catalog
from tests.catalog.conftest import MakeTool
from tests.conftest import api, signed_in
from tests.registry import conftest as registry
from tests.retraining import conftest as retraining

pytestmark = pytest.mark.django_db
editor, make_tool, orchestration = catalog.editor, catalog.make_tool, catalog.orchestration
family = registry.family
pipeline, pipelines_folder = retraining.pipeline, retraining.pipelines_folder


@pytest.fixture
def sagemaker(make_tool: MakeTool) -> Tool:
    return make_tool("sagemaker", ecosystem="AWS", vendor="Amazon")


def uses(tool: Tool, kind: str, name: str, team: Team) -> None:
    Usage.objects.create(tool=tool, kind=kind, name=name, team=team)


def ways(actor: User, name: str) -> list[tuple[str, int, list[str]]]:
    hits = queries.radius(actor=actor, name=name).hits
    return [(hit.family.slug, hit.family.tier, hit.ways) for hit in hits]


@pytest.mark.parametrize("name", ["AWS", "Amazon"])
def test_families_hang_on_a_vendor_in_three_ways(
    owner: User, team: Team, family: ModelFamily, pipeline: Pipeline, sagemaker: Tool, make_tool: MakeTool, name: str
) -> None:
    ModelFamily.objects.update(tier=1)
    uses(sagemaker, "family", family.slug, team)
    uses(sagemaker, "pipeline", pipeline.slug, team)
    uses(sagemaker, "team", team.slug, team)
    uses(make_tool("luigi", ecosystem="Spotify"), "family", family.slug, team)
    words = ["uses Sagemaker", "toy uses Sagemaker", "its team uses Sagemaker"]
    assert ways(owner, name) == [("eta-trip", 1, words)]
    page = signed_in(owner).get(f"/catalog/ecosystems/?name={name}").content.decode()
    assert "tier 1" in page
    body = api(owner).get(f"/api/v1/catalog/ecosystem/?name={name}").json()
    assert (body["tools"], body["families"][0]["ways"]) == (["sagemaker"], words)


def test_a_tool_that_nobody_has_a_position_on_counts_when_it_is_used(
    owner: User, team: Team, family: ModelFamily, sagemaker: Tool
) -> None:
    assert ways(owner, "AWS") == []
    assert queries.radii(actor=owner) == []
    uses(sagemaker, "family", family.slug, team)
    assert [one.blast.name for one in queries.radii(actor=owner)] == ["Amazon", "AWS"]


def test_a_family_shows_what_it_and_its_pipelines_use(
    owner: User, team: Team, family: ModelFamily, pipeline: Pipeline, sagemaker: Tool
) -> None:
    uses(sagemaker, "pipeline", pipeline.slug, team)
    page = " ".join(signed_in(owner).get("/m/eta-trip/?tab=settings").content.decode().split())
    assert 'href="/tools/sagemaker/"' in page
    assert "Pipeline toy · declared" in page
    assert "No position" in page


def test_a_use_is_declared_for_what_one_may_speak_for(
    owner: User, stranger: User, family: ModelFamily, pipeline: Pipeline, sagemaker: Tool
) -> None:
    ModelFamily.objects.update(visibility="teams")
    address, client = "/tools/sagemaker/use/", signed_in(owner)
    offered = client.get(address).content.decode()
    for key in ("family:eta-trip", "pipeline:toy", "team:rides-eta", "service"):
        assert f'value="{key}"' in offered
    assert "family:eta-trip" not in signed_in(stranger).get(address).content.decode()
    assert client.post(address, {"who": "family:eta-trip"}).status_code == 302
    use = Usage.objects.get()
    assert (use.kind, use.name, use.team, use.restricted) == ("family", "eta-trip", family.team, True)
    assert client.post(address, {"who": "family:eta-trip"}).status_code == 400
    assert client.post(address, {"who": "service", "name": "invoices"}).status_code == 400
    client.post(address, {"who": "service", "name": "invoices", "team": "rides-eta"})
    assert Usage.objects.filter(kind="service", name="invoices", team=family.team).exists()
    assert "They moved away" in client.get("/tools/sagemaker/").content.decode()
    assert "They moved away" not in signed_in(stranger).get("/tools/sagemaker/").content.decode()


def test_a_restricted_family_is_not_named_to_strangers(
    owner: User, stranger: User, team: Team, family: ModelFamily, sagemaker: Tool
) -> None:
    uses(sagemaker, "team", team.slug, team)
    ModelFamily.objects.update(visibility="teams")
    assert [slug for slug, _, _ in ways(owner, "AWS")] == ["eta-trip"]
    assert ways(stranger, "AWS") == []


def test_all_vendors_are_a_constant_number_of_queries(
    owner: User,
    team: Team,
    family: ModelFamily,
    make_tool: MakeTool,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(20):
        uses(make_tool(f"tool-{number}", ecosystem=f"E{number}"), "family", family.slug, team)
    client = signed_in(owner)
    with django_assert_max_num_queries(20):
        assert "E19" in client.get("/catalog/ecosystems/").content.decode()


def test_a_tool_and_the_families_that_hang_on_it_lead_to_each_other_on_pages_and_over_the_api(
    owner: User, stranger: User, team: Team, family: ModelFamily, pipeline: Pipeline, sagemaker: Tool
) -> None:
    uses(sagemaker, "pipeline", pipeline.slug, team)
    there = signed_in(owner).get("/tools/sagemaker/").content.decode()
    assert '<a href="/m/eta-trip/">Trip ETA</a>' in there
    assert "toy uses Sagemaker" in there
    back = signed_in(owner).get("/m/eta-trip/?tab=settings").content.decode()
    assert '<a href="/tools/sagemaker/">Sagemaker</a>' in back
    assert api(owner).get("/api/v1/tools/sagemaker/families/").json()["results"] == [
        {"slug": "eta-trip", "name": "Trip ETA", "tier": 1, "ways": ["toy uses Sagemaker"]}
    ]
    (used,) = api(owner).get("/api/v1/families/eta-trip/tools/").json()["results"]
    assert (used["tool"], used["kind"], used["by"], used["ring"]) == ("sagemaker", "pipeline", "toy", None)
    ModelFamily.objects.update(visibility="teams")
    assert api(stranger).get("/api/v1/tools/sagemaker/families/").json()["results"] == []
    assert "Trip ETA" not in signed_in(stranger).get("/tools/sagemaker/").content.decode()
    assert api(stranger).get("/api/v1/families/eta-trip/tools/").status_code == 404
