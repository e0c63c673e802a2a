"""An existing MLflow registry is brought over, its numbers and times with it; twice is once."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.platforms.models import Connection
from apps.registry.models import Alias, ModelFamily, ModelVersion, RegisteredModel
from apps.transfers import bringing
from tests.registry.conftest import family
from tests.transfers.conftest import MODEL_ID
from tests.transfers.servers import Elsewhere

__all__ = ["family"]
pytestmark = pytest.mark.django_db(transaction=True)
CREATED = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)


@pytest.fixture(autouse=True)
def registry(server: Elsewhere) -> None:
    """Version 2 was deleted there."""
    server.register("legacy", 1, MODEL_ID, tags=[{"key": "reviewed", "value": "yes"}], description="first")
    server.register("legacy", 3, MODEL_ID)
    server.models["legacy"]["aliases"] = [{"alias": "live", "version": "3"}]


def run(actor: User, *options: str) -> str:
    said = StringIO()
    call_command("import_mlflow", "tracking", "--actor", actor.username, *options, stdout=said)
    return said.getvalue()


def test_a_dry_run_says_what_would_come_and_writes_nothing(owner: User, connection: Connection) -> None:
    assert run(owner, "--dry-run") == "legacy: 2 versions (1, 3)\n"
    assert not RegisteredModel.objects.exists()


def test_numbers_times_tags_aliases_and_files_come_over(owner: User, connection: Connection) -> None:
    run(owner)
    while bringing.bring_next():
        pass
    first, third = ModelVersion.objects.order_by("number")
    assert [(row.number, row.kind, row.status, row.created_at) for row in (first, third)] == [
        (1, "imported", "READY", CREATED),
        (3, "imported", "READY", CREATED),
    ]
    assert (first.tags, first.description, len(first.digest)) == ({"reviewed": "yes"}, "first", 64)
    assert RegisteredModel.objects.get().created_at == CREATED
    assert Alias.objects.get(name="live").version == third


def test_running_it_again_goes_on_where_it_was(owner: User, connection: Connection, server: Elsewhere) -> None:
    server.broken = 0
    run(owner)
    server.register("legacy", 4, MODEL_ID)
    assert "legacy v1: is here already" in run(owner)
    assert list(ModelVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 3, 4]


def test_a_server_that_goes_away_is_a_sentence(owner: User, connection: Connection, server: Elsewhere) -> None:
    server.broken = 1_000
    with pytest.raises(CommandError, match="run it again to go on"):
        run(owner)


def test_a_protected_alias_and_an_unknown_segment_are_left_out_with_the_reason(
    owner: User, connection: Connection, server: Elsewhere, family: ModelFamily
) -> None:
    server.register("eta-trip.atlanta", 1, MODEL_ID)
    server.models["eta-trip.atlanta"]["aliases"] = [{"alias": "champion", "version": "1"}]
    server.register("eta-trip.nowhere", 1, MODEL_ID)
    said = run(owner)
    assert "eta-trip.atlanta@champion: left out. It is protected here" in said
    assert "eta-trip.nowhere: left out." in said
    assert not Alias.objects.filter(name="champion").exists()
    assert ModelVersion.objects.get(model__name="eta-trip.atlanta").kind == "imported"
