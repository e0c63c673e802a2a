"""Models that stand alone or join a family: names, tags, renaming, tombstones."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction

from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.core.errors import Conflict, Denied, Exists, Invalid, Missing, PortalError
from apps.registry import actions, queries
from apps.registry.models import ModelFamily, ModelVersion, RegisteredModel
from tests.factories import UserFactory
from tests.registry.conftest import MakeVersion
from tests.threads import together

S3 = actions.Origin(source="s3://bucket/model")


def test_any_other_name_stands_alone_and_is_its_makers_teams(owner: User, team: Team, family: ModelFamily) -> None:
    model = actions.create_model(actor=owner, name="Fraud model", description="text", tags={"a": "1"})
    assert (model.family, model.segment, model.team, model.tags) == (None, None, team, {"a": "1"})
    assert queries.model(actor=owner, name="Fraud model") == model
    assert [event.sentence for event in timeline(model)] == ["created the model Fraud model"]


def test_a_familys_name_joins_it_with_the_familys_permission(owner: User, stranger: User, family: ModelFamily) -> None:
    with pytest.raises(Denied, match="Only members of the team"):
        actions.create_model(actor=stranger, name="eta-trip.atlanta")
    with pytest.raises(Invalid, match="has no segment 'chicago'"):
        actions.create_model(actor=owner, name="eta-trip.chicago")
    model = actions.create_model(actor=owner, name="eta-trip.atlanta")
    assert (model.family, model.team) == (family, None)


def test_who_is_in_no_team_creates_nothing(db: None) -> None:
    with pytest.raises(Denied, match="you are in none"):
        actions.create_model(actor=UserFactory.create(), name="mine")


@pytest.mark.parametrize("name", ["", " ", "a/b", "a:b", ".", "..", "..x", "a\0b", "x" * 257, "\ud800"])
def test_a_name_that_can_not_be_is_refused(owner: User, name: str) -> None:
    with pytest.raises(Invalid):
        actions.create_model(actor=owner, name=name)


def test_a_deleted_models_name_is_free_and_its_history_stays_told_apart(owner: User) -> None:
    first = actions.create_model(actor=owner, name="mine")
    version = actions.create_version(actor=owner, model=first, origin=S3)
    actions.delete_model(actor=owner, model=first)
    with pytest.raises(Missing):
        queries.version(actor=owner, model="mine", number=1)
    second = actions.create_model(actor=owner, name="mine")
    assert second.pk != first.pk
    assert actions.create_version(actor=owner, model=second, origin=S3).number == 1
    assert [event.sentence for event in timeline(first)] == ["deleted the model mine", "created the model mine"]
    assert ModelVersion.objects.get(pk=version.pk).source == "s3://bucket/model"


def test_a_deleted_versions_number_is_not_used_again(owner: User) -> None:
    model = actions.create_model(actor=owner, name="mine")
    actions.create_version(actor=owner, model=model, origin=S3)
    actions.delete_version(actor=owner, version=actions.create_version(actor=owner, model=model, origin=S3))
    assert actions.create_version(actor=owner, model=model, origin=S3).number == 3
    assert [version.number for version in queries.versions(model)] == [3, 1]


@pytest.mark.parametrize("model", [RegisteredModel, ModelVersion])
def test_the_database_keeps_what_is_deleted(owner: User, model: type[RegisteredModel] | type[ModelVersion]) -> None:
    made = actions.create_model(actor=owner, name="mine")
    version = actions.create_version(actor=owner, model=made, origin=S3)
    actions.delete_version(actor=owner, version=version)
    actions.delete_model(actor=owner, model=made)
    for harm in (lambda row: row.update(deleted_at=None), lambda row: row.delete()):
        with pytest.raises(DatabaseError, match=r"is refused|protected foreign keys"), transaction.atomic():
            harm(model.objects.all())


def test_renaming_takes_versions_along_but_never_out_of_a_family(owner: User, family: ModelFamily) -> None:
    model = actions.create_model(actor=owner, name="mine")
    actions.create_version(actor=owner, model=model, origin=S3)
    actions.create_model(actor=owner, name="taken")
    with pytest.raises(Exists, match="already exists"):
        actions.rename_model(actor=owner, model=queries.model(actor=owner, name="mine"), name="taken")
    actions.rename_model(actor=owner, model=queries.model(actor=owner, name="mine"), name="eta-trip.boston")
    joined = queries.version(actor=owner, model="eta-trip.boston", number=1).model
    assert (joined.family, joined.team) == (family, None)
    with pytest.raises(Denied, match="belongs to the family"):
        actions.rename_model(actor=owner, model=joined, name="mine")


@pytest.mark.parametrize(
    "verb",
    [
        lambda who, model, version: actions.describe_model(actor=who, model=model, description="x"),
        lambda who, model, version: actions.tag_model(actor=who, model=model, key="a", value="b"),
        lambda who, model, version: actions.untag_model(actor=who, model=model, key="a"),
        lambda who, model, version: actions.rename_model(actor=who, model=model, name="other"),
        lambda who, model, version: actions.delete_model(actor=who, model=model),
        lambda who, model, version: actions.create_version(actor=who, model=model, origin=S3),
        lambda who, model, version: actions.describe_version(actor=who, version=version, description="x"),
        lambda who, model, version: actions.fill_card(actor=who, version=version, card={"use": "x"}),
        lambda who, model, version: actions.tag_version(actor=who, version=version, key="a", value="b"),
        lambda who, model, version: actions.untag_version(actor=who, version=version, key="a"),
        lambda who, model, version: actions.move_stage(
            actor=who, version=version, stage="Staging", archive_others=False
        ),
        lambda who, model, version: actions.delete_version(actor=who, version=version),
    ],
)
def test_every_verb_is_for_the_team_and_not_for_a_stranger(
    owner: User, colleague: User, stranger: User, verb: Callable[[User, RegisteredModel, ModelVersion], object]
) -> None:
    model = actions.create_model(actor=owner, name="mine")
    version = actions.create_version(actor=owner, model=model, origin=S3)
    with pytest.raises(Denied, match="Only members of the team"):
        verb(stranger, model, version)
    verb(colleague, model, version)


def test_a_version_whose_files_are_on_their_way_becomes_ready_or_failed(
    owner: User, make_version: MakeVersion, atlanta: object
) -> None:
    model = actions.create_model(actor=owner, name="mine")
    waiting = [
        actions.create_version(actor=owner, model=model, origin=S3, status="PENDING_REGISTRATION") for _ in range(2)
    ]
    tree = make_version(atlanta).its_tree
    ready = actions.finish_registration(actor=owner, version=waiting[0], tree=tree)
    assert (ready.status, ready.digest) == ("READY", tree.digest)
    failed = actions.fail_registration(actor=owner, version=waiting[1], reason="The server is gone.")
    assert (failed.status, failed.status_message) == ("FAILED_REGISTRATION", "The server is gone.")
    with pytest.raises(Conflict):
        actions.finish_registration(actor=owner, version=failed, tree=tree)


@pytest.mark.django_db(transaction=True)
def test_twenty_people_registering_at_once_get_consecutive_numbers(owner: User) -> None:
    model = actions.create_model(actor=owner, name="mine")

    def register() -> None:
        for _ in range(5):
            actions.create_version(actor=owner, model=model, origin=S3)

    refused: list[PortalError | None] = together(*[register] * 20)
    assert refused == [None] * 20
    assert sorted(version.number for version in queries.versions(model)) == list(range(1, 101))


@pytest.mark.django_db(transaction=True)
def test_one_of_many_gets_the_name(owner: User) -> None:
    refused = together(*[lambda: actions.create_model(actor=owner, name="mine")] * 8)
    assert sorted(type(one).__name__ for one in refused) == ["Exists"] * 7 + ["NoneType"]
