"""An existing MLflow registry is brought over, its numbers and times with it; twice is once."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict
from apps.platforms.models import Connection
from apps.registry.actions.imports import import_alias
from apps.registry.models import (
    Alias,
    AliasMove,
    GateResult,
    ModelFamily,
    ModelVersion,
    RegisteredModel,
    Segment,
)
from apps.registry.queries.alias_history import alias_at
from apps.registry.queries.candidacies import candidacies
from apps.tracking.models import Metric, Run
from apps.transfers.actions import claim_transfer
from apps.transfers.models import Transfer
from tests.registry.conftest import Evaluate, MakeVersion, evaluate, family, make_version
from tests.transfers.conftest import MODEL_ID, RUN_ID
from tests.transfers.servers import Elsewhere

__all__ = ["evaluate", "family", "make_version"]
pytestmark = pytest.mark.django_db(transaction=True)
CREATED = datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)


@pytest.fixture(autouse=True)
def registry(server: Elsewhere) -> None:
    """Version 2 was deleted there."""
    said: dict[str, Any] = {
        "tags": [{"key": "reviewed", "value": "yes"}],
        "description": "first",
        "current_stage": "Archived",
    }
    server.register("legacy", 1, MODEL_ID, **said)
    server.register("legacy", 3, MODEL_ID)
    server.models["legacy"]["aliases"] = [{"alias": "live", "version": "3"}]


def run(actor: User, *options: str) -> str:
    said = StringIO()
    call_command("import_mlflow", "tracking", "--actor", actor.username, *options, stdout=said)
    return said.getvalue()


def test_a_dry_run_says_what_would_come_and_writes_nothing(owner: User, connection: Connection) -> None:
    said = "legacy: 2 versions\nNothing was written. 1 model would be brought over.\n"
    assert run(owner, "--dry-run") == said
    assert not RegisteredModel.objects.exists()
    run(owner)
    assert run(owner, "--dry-run").startswith("legacy: 2 versions, 2 of them here already\n")


def test_numbers_times_tags_aliases_and_files_come_over(owner: User, connection: Connection) -> None:
    said = run(owner)
    assert "[1/1] legacy\n" in said
    assert "files: 2 versions to go\nfiles: 1 version to go\n" in said
    first, third = ModelVersion.objects.order_by("number")
    assert [(row.number, row.kind, row.status, row.created_at) for row in (first, third)] == [
        (1, "imported", "READY", CREATED),
        (3, "imported", "READY", CREATED),
    ]
    assert (first.tags, first.description, len(first.digest)) == ({"reviewed": "yes"}, "first", 64)
    assert (first.stage, third.stage) == ("Archived", "None")
    assert RegisteredModel.objects.get().created_at == CREATED
    assert Alias.objects.get(name="live").version == third


def test_the_run_behind_them_comes_over_whole_and_once(owner: User, connection: Connection, team: Team) -> None:
    run(owner)
    made = Run.objects.select_related("experiment").get()
    assert (made.pk, made.name, made.status, made.user) == (RUN_ID, "sweet-bee-1", "FINISHED", owner)
    assert (made.started_at, made.ended_at) == (CREATED, CREATED + timedelta(minutes=1))
    assert (made.experiment.name, made.experiment.team) == ("trips", team)
    assert dict(made.params.values_list("key", "value")) == {"alpha": "1"}
    assert dict(made.tags.values_list("key", "value")) == {"mlflow.user": "ada"}
    assert [str(point) for point in made.metrics.order_by("step")] == ["mae=9.0", "mae=7.5", "mae=nan"]
    assert [used.dataset.name for used in made.inputs.all()] == ["trips"]
    assert set(ModelVersion.objects.values_list("run", flat=True)) == {RUN_ID}


def test_a_run_that_broke_off_in_the_middle_is_finished_next_time(
    owner: User, connection: Connection, server: Elsewhere
) -> None:
    server.broken_at = "page_token=2"
    with pytest.raises(CommandError, match="answered 503"):
        run(owner)
    assert (Run.objects.get().status, Metric.objects.count()) == ("RUNNING", 2)
    server.broken_at = ""
    run(owner)
    assert (Run.objects.get().status, Metric.objects.count()) == ("FINISHED", 3)
    assert ModelVersion.objects.filter(run=RUN_ID).count() == 2


def test_running_it_again_goes_on_where_it_was(owner: User, connection: Connection, server: Elsewhere) -> None:
    run(owner)
    server.register("legacy", 4, MODEL_ID)
    assert "legacy v1: is here already" in run(owner)
    assert list(ModelVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 3, 4]


def test_what_a_killed_import_left_is_copied_by_the_next(
    owner: User, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease has to run out first, which a clock that is put forward stands for."""
    with monkeypatch.context() as patch:
        patch.setattr("apps.transfers.importing.on_their_way", lambda connection: 0)
        run(owner)
    assert claim_transfer()
    Transfer.objects.filter(status="working").update(lease_until=timezone.now())
    run(owner)
    assert set(ModelVersion.objects.values_list("status", flat=True)) == {"READY"}


def test_a_server_that_goes_away_is_a_sentence(owner: User, connection: Connection, server: Elsewhere) -> None:
    server.broken = 1_000
    with pytest.raises(CommandError, match="run it again to go on"):
        run(owner)


def test_a_champion_is_imported_once_by_an_approver_and_resolves(
    owner: User, approver: User, connection: Connection, server: Elsewhere, family: ModelFamily
) -> None:
    server.register("eta-trip.atlanta", 1, MODEL_ID)
    server.register("eta-trip.atlanta", 2, MODEL_ID)
    server.models["eta-trip.atlanta"]["aliases"] = [{"alias": "champion", "version": "1"}]
    server.register("eta-trip.nowhere", 1, MODEL_ID)
    said = run(owner)
    assert "eta-trip.atlanta@champion: left out. Only an approver of this family can bring" in said
    assert "eta-trip.nowhere: left out." in said
    assert "eta-trip.atlanta@champion: points to v1" in run(approver)
    move = AliasMove.objects.get(name="champion")
    assert (move.kind, move.by, move.reason) == ("imported", approver, "Imported from tracking.")
    event = AuditEvent.objects.get(action="registry.alias_imported")
    assert move.after is not None
    now = {"champion": "v1", "version.digest": move.after.digest}
    assert (event.actor_username, event.after) == (approver.username, now)
    assert not GateResult.objects.exists()
    assert alias_at(move.model, timezone.now()).sentence.endswith("imported it: Imported from tracking.")
    server.models["eta-trip.atlanta"]["aliases"] = [{"alias": "champion", "version": "2"}]
    assert "champion: left out. eta-trip.atlanta has had a champion here already" in run(approver)


def test_an_import_is_no_way_round_the_gates(
    approver: User, connection: Connection, server: Elsewhere, family: ModelFamily, make_version: MakeVersion
) -> None:
    trained = make_version(Segment.objects.get(slug="atlanta"))
    with pytest.raises(Conflict, match="was not imported; propose its promotion"):
        import_alias(actor=approver, version=trained, alias="champion", reason="so")
    with pytest.raises(DatabaseError, match="An alias is imported once"), transaction.atomic():
        AliasMove.objects.create(model=trained.model, name="champion", after=trained, kind="imported", by=approver)
    server.register("eta-trip.boston", 1, MODEL_ID, source="s3://bucket/model")
    del server.versions["eta-trip.boston"][0]["model_id"]
    server.models["eta-trip.boston"]["aliases"] = [{"alias": "champion", "version": "1"}]
    assert "champion: left out. The files of eta-trip.boston v1 are not here" in run(approver)


def test_the_next_candidate_is_compared_with_an_imported_champion_and_may_replace_it(
    approver: User,
    connection: Connection,
    server: Elsewhere,
    family: ModelFamily,
    make_version: MakeVersion,
    evaluate: Evaluate,
) -> None:
    server.register("eta-trip.atlanta", 1, MODEL_ID)
    server.models["eta-trip.atlanta"]["aliases"] = [{"alias": "champion", "version": "1"}]
    run(approver)
    imported = ModelVersion.objects.get(model__name="eta-trip.atlanta")
    candidate = make_version(Segment.objects.get(slug="atlanta"))
    (evaluation,) = evaluate(candidate)
    assert (candidate.number, evaluation.champion) == (2, imported)
    (seen,) = candidacies(family, [candidate])
    assert seen.champion is not None
    assert (seen.champion.pk, seen.before, seen.refusal) == (imported.pk, seen.champion, "")
    (verdict,) = (verdict for verdict in seen.verdicts if verdict.kind == "no_leakage")
    assert "Nobody knows what v1, which was imported, was trained on" in verdict.sentence
