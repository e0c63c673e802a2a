"""Defining pipelines."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.core.errors import Denied, Invalid
from apps.registry.models import ModelFamily
from apps.retraining import actions
from apps.retraining.models import Pipeline
from tests.retraining.conftest import DEFINITION, SCHEMA

pytestmark = pytest.mark.django_db


def define(actor: User, team: Team, families: list[ModelFamily], **changes: Any) -> Pipeline:
    definition = replace(DEFINITION, **changes)
    return actions.define_pipeline(actor=actor, slug="toy", team=team, families=families, definition=definition)


def test_the_same_definition_again_changes_nothing(admin: User, team: Team, family: ModelFamily) -> None:
    first, second = (define(admin, team, [family]) for _ in range(2))
    assert (first, second.version) == (second, 1)
    assert timeline(first).count() == 1


def test_another_definition_is_a_new_version_and_says_what_changed(
    admin: User, team: Team, family: ModelFamily
) -> None:
    define(admin, team, [family])
    changed = define(admin, team, [family], seconds=5)
    assert (changed.version, changed.seconds) == (2, 5)
    event = timeline(changed)[0]
    assert (event.before, event.after) == ({"seconds": 600}, {"seconds": 5, "version": 2})


def test_other_families_are_a_new_version_too(admin: User, team: Team, family: ModelFamily) -> None:
    define(admin, team, [family])
    assert define(admin, team, []).version == 2


@pytest.mark.parametrize("who", ["owner", "approver", "operator"])
def test_only_platform_admins_define_pipelines(
    who: str, request: pytest.FixtureRequest, team: Team, family: ModelFamily
) -> None:
    with pytest.raises(Denied, match="platform admin"):
        define(request.getfixturevalue(who), team, [family])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"script": "missing.py"}, "script"),
        ({"script": "../toy.py"}, "script"),
        ({"script": "/etc/passwd"}, "script"),
        ({"script": ""}, "script"),
        ({"script": "link.py"}, "script"),
        ({"data": "../secrets"}, "data"),
        ({"data": "/etc"}, "data"),
        ({"seconds": 0}, "seconds"),
        ({"memory_mb": 1}, "memory_mb"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"after_success": "celebrate"}, "after_success"),
        ({"visibility": "nobody"}, "visibility"),
        ({"schema": {"type": "object"}, "window": {}}, "schema"),
        ({"window": {"as_of": "nothing", "months": "window_months"}}, "window.as_of"),
        ({"window": {"as_of": "as_of"}}, "window"),
        ({"presets": {"Wrong": {"alpha": -1}}}, "presets.Wrong.alpha"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    admin: User, team: Team, pipelines_folder: Path, changes: dict[str, Any], field: str
) -> None:
    (pipelines_folder / "link.py").symlink_to("/etc/passwd")
    with pytest.raises(Invalid) as caught:
        define(admin, team, [], **changes)
    assert field in caught.value.errors
    assert not Pipeline.objects.exists()


def test_a_pipeline_that_asks_for_a_secret_is_refused(admin: User, team: Team) -> None:
    secret = {"type": "object", "properties": {**SCHEMA["properties"], "token": {"type": "string", "writeOnly": True}}}
    with pytest.raises(Invalid, match="secret"):
        define(admin, team, [], schema=secret)
