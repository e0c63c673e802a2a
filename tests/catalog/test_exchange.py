"""Files of other products: read with a difference first, written so that they can be read again, nothing deleted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from apps.accounts.models import PortalRole, Team, User
from apps.audit.models import AuditEvent
from apps.catalog import queries
from apps.catalog.actions import Opinion, confirm_facts, edit_tool, import_file
from apps.catalog.actions.tools import ToolFacts
from apps.catalog.downloads import MAKERS, file_of
from apps.catalog.exchange.madr import write_madr
from apps.catalog.models import Capability, Decision, RingMove, Tool, Usage
from apps.core.errors import Denied, Invalid
from tests.catalog.conftest import MakeDecision, MakeTool, Place
from tests.factories import give

SITE = "https://portal.example.org"
LANDSCAPE = """
landscape:
- name: Ship
  subcategories:
  - name: Orchestration
    items:
    - name: Airflow
      homepage_url: https://airflow.apache.org/
      repo_url: https://github.com/apache/airflow
      license: Apache-2.0
      project: graduated
      crunchbase: https://www.crunchbase.com/organization/apache
      extra: {graduated: '2019-01-08'}
    - name: Flyte
      homepage_url: https://flyte.org/
      repo_url: https://github.com/flyteorg/flyte
    - name: ''
"""


@pytest.fixture
def orchestrated(place: Place, make_tool: MakeTool, airflow: Tool, adopted: Opinion) -> None:
    """Airflow adopted, Luigi on trial, Dagster known."""
    place(airflow, adopted)
    place(make_tool("luigi"), Opinion(ring="trial"))
    make_tool("dagster")


def test_a_dry_run_says_what_an_import_then_does_once(editor: User, airflow: Tool) -> None:
    dry = import_file(actor=editor, content=LANDSCAPE, source="landscape.yml", dry_run=True)
    assert (dry.written, dry.added, Tool.objects.count()) == (False, ["Flyte"], 1)
    assert dry.changed == ["Airflow: foundation_stage, milestones, repo"]
    assert [(problem.line, problem.sentence) for problem in dry.problems] == [(3, "An item needs a name.")]
    wet = import_file(actor=editor, content=LANDSCAPE, source="landscape.yml")
    assert (wet.added, wet.changed) == (dry.added, dry.changed)
    again = import_file(actor=editor, content=LANDSCAPE, source="landscape.yml")
    assert (again.added, again.changed, again.same) == ([], [], 2)
    airflow.refresh_from_db()
    assert (airflow.foundation_stage, str(airflow.stage_since)) == ("graduated", "2019-01-08")


def test_what_its_source_has_no_more_is_marked_and_stays(editor: User, orchestration: Capability) -> None:
    import_file(actor=editor, content=LANDSCAPE, source="landscape.yml")
    shorter = LANDSCAPE.replace("Flyte", "Prefect")
    assert import_file(actor=editor, content=shorter, source="landscape.yml").gone == ["Flyte"]
    assert Tool.objects.get(slug="flyte").gone_from_source
    import_file(actor=editor, content=LANDSCAPE, source="landscape.yml")
    assert not Tool.objects.get(slug="flyte").gone_from_source


def test_what_an_editor_writes_is_no_longer_unverified(editor: User, orchestration: Capability) -> None:
    facts = (
        "slug,name,capability,sourcing,licence,licence_basis\nray,Ray,orchestration,open-source,MIT,general knowledge"
    )
    import_file(actor=editor, content=facts, source="facts.csv")
    ray = Tool.objects.get(slug="ray")
    assert ray.unverified == ["licence"]
    edit_tool(actor=editor, tool=ray, facts=ToolFacts(**vars(ToolFacts.of(ray)) | {"licence": "Apache-2.0"}))
    assert Tool.objects.get(slug="ray").unverified == []
    import_file(actor=editor, content=facts, source="facts.csv")
    assert Tool.objects.get(slug="ray").unverified == []


def test_what_a_person_wrote_is_never_overwritten_by_a_file(editor: User, orchestration: Capability) -> None:
    import_file(actor=editor, content=LANDSCAPE, source="landscape.yml")
    airflow = Tool.objects.get(slug="airflow")
    edit_tool(actor=editor, tool=airflow, facts=replace(ToolFacts.of(airflow), licence="MIT", vendor="Astronomer"))
    newer = LANDSCAPE.replace("license: Apache-2.0", "license: Apache-3.0").replace("airflow.apache", "www.airflow")
    for dry_run in (True, False):
        found = import_file(actor=editor, content=newer, source="landscape.yml", dry_run=dry_run)
        assert found.kept == ["Airflow: licence stays “MIT”; the file says “Apache-3.0”"]
        assert found.changed == ["Airflow: homepage"]
    airflow.refresh_from_db()
    assert (airflow.licence, airflow.homepage, airflow.vendor) == ("MIT", "https://www.airflow.org/", "Astronomer")
    event = AuditEvent.objects.filter(action="catalog.imported").latest("id")
    assert (event.before, event.after) == (
        {"homepage": "https://airflow.apache.org/"},
        {"homepage": "https://www.airflow.org/"},
    )


def test_what_a_person_confirmed_or_added_by_hand_stays_too(editor: User, make_tool: MakeTool) -> None:
    make_tool("flyte", licence="MIT")
    import_file(actor=editor, content=LANDSCAPE.replace("/flyte\n", "/flyte\n      license: BSD-2-Clause\n"))
    flyte = Tool.objects.get(slug="flyte")
    assert (flyte.licence, flyte.repo) == ("MIT", "https://github.com/flyteorg/flyte")
    Tool.objects.update(source="landscape.yml", unverified=["licence"])
    confirm_facts(actor=editor, tool=Tool.objects.get(slug="flyte"), names=["licence"])
    import_file(actor=editor, content=LANDSCAPE.replace("/flyte\n", "/flyte\n      license: BSD-2-Clause\n"))
    assert Tool.objects.get(slug="flyte").licence == "MIT"


def test_another_landscape_does_not_move_tools_on_our_map(editor: User, orchestration: Capability) -> None:
    import_file(actor=editor, content=LANDSCAPE, source="landscape.yml")
    theirs = LANDSCAPE.replace("name: Orchestration", "name: Pipelines").replace("name: Flyte", "name: Kestra")
    found = import_file(actor=editor, content=theirs, source="their.yml")
    assert (found.added, found.changed) == (["capability Pipelines", "Kestra"], [])
    assert Tool.objects.get(slug="airflow").capability == orchestration
    assert import_file(actor=editor, content=theirs, source="landscape.yml").changed == ["Airflow: capability"]


def test_a_peers_radar_becomes_proposals_to_the_board(editor: User, board: User, airflow: Tool) -> None:
    entries = [{"quadrant": 1, "ring": 2, "label": "Airflow", "moved": 0}, {"ring": 9, "label": "Luigi"}]
    found = import_file(actor=editor, content=json.dumps({"date": "2026.05", "entries": entries}))
    assert (found.format, found.proposed) == ("Zalando radar", ["Airflow: no ring → assess"])
    assert [problem.line for problem in found.problems] == [2]


@pytest.mark.usefixtures("orchestrated")
@pytest.mark.parametrize("name", ["radar.csv", "radar.json", "catalog-info.yaml"])
def test_our_own_radar_comes_back_as_it_went_out(editor: User, name: str) -> None:
    made = file_of(name, actor=editor, site=SITE)
    found = import_file(actor=editor, content=made.text, source=name, dry_run=True)
    assert (found.added, found.changed, found.proposed, found.problems) == ([], [], [], [])
    assert found.same >= 2


@pytest.mark.usefixtures("orchestrated")
def test_another_ring_in_a_file_is_a_proposal_to_the_board(editor: User, board: User) -> None:
    rows = ("Luigi,Assess,Ship,FALSE,Too few people.", "Nobody,Trial,Ship,TRUE,", "Luigi,Love,,,")
    radar = "\n".join(["name,ring,quadrant,isNew,description", *rows])
    found = import_file(actor=editor, content=radar)
    assert found.proposed == ["Luigi: trial → assess"]
    assert [problem.line for problem in found.problems] == [3, 4]
    assert list(queries.moves_waiting_for(board)) == [RingMove.objects.get(status="proposed")]
    assert import_file(actor=editor, content=radar).same == 1


def test_a_decision_comes_back_as_it_went_out(editor: User, make_decision: MakeDecision) -> None:
    decision = make_decision("accepted", number=7)
    written = write_madr(queries.decision(actor=editor, label="ADR-0007"))
    assert import_file(actor=editor, content=written, dry_run=True).same == 1
    other = written.replace("Hundreds of models.", "Two models.")
    assert import_file(actor=editor, content=other).kept == [
        "ADR-0007 Airflow for orchestration: stays as it is; the file has another context"
    ]
    renamed = written.replace("ADR-0007", "ADR-0008").replace("# Airflow for", "# Another Airflow for")
    import_file(actor=editor, content=renamed)
    copy = Decision.objects.get(number=8)
    assert (copy.status, copy.context, copy.outcome) == ("draft", decision.context, decision.outcome)
    options = [(option.label, option.tool, option.chosen, option.why) for option in copy.options.all()]
    assert options == [(option.label, option.tool, option.chosen, option.why) for option in decision.options.all()]


def test_a_pip_freeze_says_what_a_service_uses(editor: User, team: Team, airflow: Tool) -> None:
    Tool.objects.filter(pk=airflow.pk).update(pypi_name="apache-airflow")
    frozen = "apache-airflow==2.10.5\nunknown-thing==1.0\n# a comment\n-e .\nnot a pin\n"
    with pytest.raises(Invalid, match="whose environment"):
        import_file(actor=editor, content=frozen)
    found = import_file(actor=editor, content=frozen, team=team, name="replay")
    assert (found.added, [problem.line for problem in found.problems]) == (["replay uses Airflow 2.10.5"], [5])
    assert Usage.objects.get().evidence == "apache-airflow==2.10.5"


@pytest.mark.parametrize(
    "content",
    ["", "hello", "{", "[1, 2", "landscape: [", "a: &a [b]\nlandscape: *a", "name,ring\n" + "a,adopt\n" * 10_001],
    ids=["empty", "words", "brace", "json", "yaml", "anchors", "many"],
)
def test_what_nobody_can_read_is_refused_with_a_sentence(editor: User, content: str) -> None:
    with pytest.raises(Invalid) as refusal:
        import_file(actor=editor, content=content)
    assert refusal.value.field == "content"


def test_imported_words_run_no_script(place: Place, editor: User, orchestration: Capability) -> None:
    evil = "<script>alert(1)</script>"
    facts = f'slug,name,capability,sourcing,summary,homepage\nx,"{evil}",orchestration,buy,"{evil}",javascript:alert(1)'
    assert import_file(actor=editor, content=facts).problems
    assert not Tool.objects.exists()


def test_only_an_editor_imports(owner: User, board: User, admin: User) -> None:
    for person in (owner, board, admin):
        with pytest.raises(Denied):
            import_file(actor=person, content=LANDSCAPE)


@pytest.mark.usefixtures("orchestrated")
@pytest.mark.parametrize("name", [*MAKERS])
def test_every_download_is_made_from_a_constant_number_of_queries(
    stranger: User, name: str, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        made = file_of(name, actor=stranger, site=SITE)
    assert made.text


@pytest.mark.usefixtures("orchestrated")
def test_backstage_reads_our_radar_and_tools(stranger: User) -> None:
    radar = json.loads(file_of("tech-radar.json", actor=stranger, site=SITE).text)
    assert {entry["id"]: entry["timeline"][0]["ringId"] for entry in radar["entries"]} == {
        "airflow": "adopt",
        "luigi": "trial",
    }
    entities = list(yaml.safe_load_all(file_of("catalog-info.yaml", actor=stranger, site=SITE).text))
    assert {entity["metadata"]["name"]: entity["spec"]["lifecycle"] for entity in entities} == {
        "airflow": "production",
        "luigi": "experimental",
    }


def test_a_cell_that_a_spreadsheet_would_run_is_text(make_tool: MakeTool, stranger: User) -> None:
    make_tool("evil", name="=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in file_of("tools.csv", actor=stranger, site=SITE).text


def test_the_command_imports_a_file(
    tmp_path: Path, admin: User, orchestration: Capability, capsys: pytest.CaptureFixture[str]
) -> None:
    give(admin, PortalRole.Role.CATALOG_EDITOR)
    file = tmp_path / "landscape.yml"
    file.write_text(LANDSCAPE)
    call_command("import_catalog", str(file), "--dry-run")
    assert not Tool.objects.exists()
    call_command("import_catalog", str(file))
    assert "Imported 2 items of landscape.yml: 2 new" in capsys.readouterr().out
    assert Tool.objects.count() == 2
