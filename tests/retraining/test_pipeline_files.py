"""Pipelines out of a file: one action for the command, the API and the page; every mistake with its line."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.core.errors import Denied, Invalid
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline, PipelineVersion, Visibility
from apps.retraining.pipeline_files import parse, read, written
from apps.retraining.queries.pipelines import definition_of, versions_of, with_differences
from apps.retraining.shape import AFTER_SUCCESS, DEFINITION, OVERLAP, VISIBILITY, file_schema
from tests.conftest import api
from tests.threads import together

pytestmark = pytest.mark.django_db
TEXT = """\
pipelines:
  toy:
    name: Toy
    team: {team}
    families: [eta-trip]
    script: toy.py
    schema:
      type: object
      properties:
        as_of: {{type: string, format: date, default: 2013-07-01}}
        alpha: {{type: number, minimum: 0, default: 1.0}}
    presets:
      Strong: {{alpha: 10}}
    approval_above: 2
"""
BROKEN = """\
pipelines:
  toy:
    name: Toy
    team: nobody
    families: [eta-trip, elsewhere]
    script: missing.py
    seconds: soon
    wheels: 4
    schema:
      type: object
      properties:
        token: {type: string, writeOnly: true}
  Second One:
    name: Second
    team: nobody
    script: ../toy.py
    schema:
      type: object
      properties:
        alpha: {type: number, minimum: 0}
    presets:
      Weak: {alpha: -1, beta: 1}
    window: {as_of: alpha}
"""


@pytest.fixture
def text(team: Team) -> str:
    return TEXT.format(team=team.slug)


def test_a_file_defines_pipelines_and_pushing_it_again_changes_nothing(
    admin: User, family: ModelFamily, text: str
) -> None:
    first, again = (actions.push_pipelines(actor=admin, text=text)[0] for _ in range(2))
    assert (first.outcome, again.outcome, again.version) == ("new", "the same", 1)
    made = Pipeline.objects.get()
    assert (made.approval_above, made.presets, list(made.families.all())) == (2, {"Strong": {"alpha": 10}}, [family])
    assert made.schema["properties"]["as_of"]["default"] == "2013-07-01"  # a date stays text
    assert timeline(made).count() == 1


def test_a_change_is_a_version_whose_difference_is_told_and_kept(admin: User, family: ModelFamily, text: str) -> None:
    actions.push_pipelines(actor=admin, text=text)
    changed = text.replace("minimum: 0", "maximum: 5").replace("Toy", "Toy car").replace("Strong: {alpha: 10}", "{}")
    dry = actions.push_pipelines(actor=admin, text=changed, dry_run=True)[0]
    assert Pipeline.objects.get().version == 1
    assert PipelineVersion.objects.count() == 1
    pushed = actions.push_pipelines(actor=admin, text=changed)[0]
    assert (dry.differences, dry.version) == (pushed.differences, pushed.version) == (dry.differences, 2)
    told = {(one.kind.value, one.path): (one.before, one.after) for one in pushed.differences}
    assert told == {
        ("changed", "name"): ("Toy", "Toy car"),
        ("added", "schema.properties.alpha.maximum"): (None, 5),
        ("removed", "schema.properties.alpha.minimum"): (0, None),
        ("removed", "presets.Strong"): ({"alpha": 10}, None),
    }
    newest, first = with_differences(list(versions_of(Pipeline.objects.get())))
    assert (newest.differences, first.differences) == (pushed.differences, [])
    assert (first.version.definition["name"], first.version.defined_by) == ("Toy", admin)


def test_every_mistake_is_told_at_once_with_its_line_and_nothing_is_taken(admin: User, family: ModelFamily) -> None:
    with pytest.raises(actions.NotTaken) as caught:
        actions.push_pipelines(actor=admin, text=BROKEN)
    told = {(problem.line, problem.sentence.split(": ")[1]) for problem in caught.value.problems}
    assert told == {
        (4, "team"),
        (5, "families.1"),
        (6, "script"),
        (7, "seconds"),
        (8, "wheels"),
        (12, "schema.properties.token"),
        (13, "'Second One' is no slug"),
        (15, "team"),
        (16, "script"),
        (22, "presets.Weak.alpha"),
        (22, "presets.Weak.beta"),
        (23, "window"),
    }
    assert "line 7: toy: seconds: This has to be a whole number" in str(caught.value.problems[3])
    assert caught.value.errors["line 4"].startswith("toy: team: There is no team 'nobody'")
    assert not Pipeline.objects.exists()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("pipelines:\n  toy: [1,\n", 3, "no YAML"),
        ("toy:\n  name: Toy\n", 1, "begins with 'pipelines:'"),
        ("", 1, "begins with 'pipelines:'"),
        ("pipelines:\n  toy:\n    name: A\n    name: B\n", 4, "twice"),
        ("pipelines: &all\n  toy: *all\n", 2, "Aliases"),
        ("pipelines:\n  toy: !!python/object:os.system {}\n  car: !x y\n", 3, "Tags"),
        ("pipelines:\n  toy: 3\n", 2, "has settings"),
        ("pipelines:\n  new: {}\n", 2, "the portal uses the word"),
        ("pipelines:\n  toy: {}\nmore: 1\n", 3, "'pipelines' only"),
        ("pipelines:\n  toy:\n    schema: toy.json\n", 3, "Write the schema itself"),
        ("pipelines:\n  toy: " + "[" * 5_000, 2, "no YAML"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_line(admin: User, text: str, line: int, words: str) -> None:
    with pytest.raises(actions.NotTaken) as caught:
        actions.push_pipelines(actor=admin, text=text)
    assert [problem for problem in caught.value.problems if words in problem.sentence and problem.line == line], (
        caught.value.problems
    )


def test_yaml_is_read_as_json_has_it() -> None:
    document = parse("{a: 2013-07-01, b: yes, c: 010, d: 1e3, e: null, f: 'true', g: True, h: 12:30, i: -.5, j: 0x1F}")
    assert document.value == {
        "a": "2013-07-01", "b": "yes", "c": 10, "d": 1000.0, "e": None, "f": "true", "g": True, "h": "12:30",
        "i": -0.5, "j": "0x1F",
    }  # fmt: skip


def test_a_pipeline_written_as_a_file_defines_the_same_again(admin: User, family: ModelFamily, text: str) -> None:
    tree = "tree: {type: object, properties: {leaves: {type: integer}, depth: {type: integer}}}"
    text = re.sub(r"( +)alpha: \{type.*\n", rf"\g<0>\1{tree}\n", text, count=1)
    actions.push_pipelines(actor=admin, text=text)
    told = written("toy", definition_of(Pipeline.objects.get()))
    assert "seconds" not in told  # a default says nothing
    assert told.index("as_of") < told.index("alpha") < told.index("leaves") < told.index("depth")  # in the form's order
    assert "x-order" not in told
    assert [one.outcome for one in actions.push_pipelines(actor=admin, text=told)] == ["the same"]


def test_the_demos_file_is_one() -> None:
    from apps.demo.seeding.pipelines import FILE

    found, document = read(FILE.read_text(encoding="utf-8"), beside=FILE.parent)
    assert not document.problems
    assert len(found) == 7


def test_the_shapes_choices_are_the_models() -> None:
    assert list(AFTER_SUCCESS) == Pipeline.AfterSuccess.values
    assert list(OVERLAP) == Pipeline.Overlap.values
    assert list(VISIBILITY) == Visibility.values
    assert json.dumps(file_schema())


@pytest.mark.django_db(transaction=True)
def test_two_who_push_at_the_same_moment_both_become_versions(admin: User, family: ModelFamily, text: str) -> None:
    other = text.replace("name: Toy", "name: Car")
    assert together(*[partial(actions.push_pipelines, actor=admin, text=one) for one in (text, other)]) == [
        None,
        None,
    ]
    kept = {one.number: one.definition["name"] for one in PipelineVersion.objects.all()}
    assert sorted(kept) == [1, 2]
    assert set(kept.values()) == {"Toy", "Car"}
    assert Pipeline.objects.get().name == kept[2]


@pytest.mark.parametrize("who", ["owner", "approver", "operator", "stranger"])
def test_only_platform_admins_push(who: str, request: pytest.FixtureRequest, text: str) -> None:
    with pytest.raises(Denied, match="platform admin"):
        actions.push_pipelines(actor=request.getfixturevalue(who), text=text)
    with pytest.raises(Denied, match="platform admin"):
        actions.put_pipeline(actor=request.getfixturevalue(who), slug="toy", said={})


def test_the_command_pushes_shows_and_names_the_lines(
    admin: User, family: ModelFamily, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pipelines.yaml"
    a, b = text.index("    schema:"), text.index("    presets:")
    file.write_text(text[:a] + "    schema: toy.schema.json\n" + text[b:])
    with pytest.raises(CommandError, match=f"{file}:7: There is no file 'toy.schema.json' beside this one"):
        call_command("pipelines", "push", str(file), "--as", admin.username)
    with pytest.raises(CommandError, match="Name a platform admin by --as"):
        call_command("pipelines", "push", str(file), "--as", "nobody")
    (tmp_path / "toy.schema.json").write_text('{"type": "object", "properties": {"alpha": {"type": "number"}}}')
    call_command("pipelines", "push", str(file), "--dry-run", "--as", admin.username)
    assert "Would change 1 of 1 pipelines." in capsys.readouterr().out
    assert not Pipeline.objects.exists()
    call_command("pipelines", "push", str(file), "--as", admin.username)
    file.write_text(file.read_text().replace("approval_above: 2", "seconds: 60"))
    call_command("pipelines", "push", str(file), "--as", admin.username)
    said = capsys.readouterr().out
    assert "toy v1: new" in said
    assert "  ~ seconds: 600 → 60" in said
    assert "  ~ approval_above: 2 → null" in said
    call_command("pipelines", "show", "toy", "--as", admin.username)
    assert capsys.readouterr().out.startswith("pipelines:\n  toy:\n    name: Toy\n")


def test_the_api_puts_a_definition_and_reads_its_history(
    admin: User, owner: User, stranger: User, team: Team, family: ModelFamily
) -> None:
    said: dict[str, Any] = {
        "name": "Toy",
        "team": team.slug,
        "families": ["eta-trip"],
        "script": "toy.py",
        "schema": {"type": "object", "properties": {"alpha": {"type": "number"}}},
    }
    address = "/api/v1/pipelines/toy/"
    dry = api(admin).put(f"{address}?dry_run=true", said, format="json")
    assert (dry.status_code, dry.json()["outcome"], Pipeline.objects.count()) == (200, "new", 0)
    assert api(admin).put(address, said, format="json").json()["version"] == 1
    changed = api(admin).put(address, said | {"seconds": 60}, format="json").json()
    assert changed["differences"] == [{"kind": "changed", "path": "seconds", "before": 600, "after": 60}]
    newest, first = api(stranger).get(f"{address}versions/").json()["results"]
    assert (newest["differences"], newest["defined_by"]) == (changed["differences"], admin.username)
    assert (first["number"], first["definition"]["seconds"]) == (1, 600)
    refused = api(admin).put(address, said | {"seconds": 0, "wheels": 4, "team": "nobody"}, format="json")
    assert refused.status_code == 400
    assert set(refused.json()["errors"]) == {"seconds", "wheels", "team"}
    assert api(admin).put(address, [], format="json").status_code == 400
    assert api(owner).put(address, said, format="json").status_code == 403
    readonly = api(admin, scope=["read"])
    assert readonly.put(address, said, format="json").status_code == 403
    assert api(stranger).get("/api/v1/pipelines-file-schema/").json()["properties"]["pipelines"]
    assert set(said) < set(DEFINITION["properties"])
    with pytest.raises(Invalid):
        actions.put_pipeline(actor=admin, slug="toy", said={})
