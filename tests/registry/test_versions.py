"""Versions: numbered without gaps, once per origin, and immutable."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import User
from apps.audit.queries import timeline
from apps.core.errors import Denied, Invalid
from apps.registry.actions import describe_version, register_version
from apps.registry.models import Dimension, ModelFamily, ModelVersion, Segment
from tests.registry.conftest import MakeVersion


def test_a_first_version_makes_the_model_and_seals_the_files(
    make_version: MakeVersion, atlanta: Segment, owner: User
) -> None:
    version = make_version(atlanta, parameters={"alpha": 2})
    assert str(version) == "eta-trip.atlanta v1"
    assert version.status == "READY"
    assert version.its_tree.digest == version.digest != ""
    assert [event.sentence for event in timeline(version)] == ["registered eta-trip.atlanta v1"]
    assert version.created_by == owner


def test_the_same_origin_registers_once(make_version: MakeVersion, atlanta: Segment) -> None:
    first = make_version(atlanta, origin="segment-run:1")
    assert make_version(atlanta, origin="segment-run:1") == first
    assert ModelVersion.objects.count() == 1


def test_each_city_counts_its_own_versions(make_version: MakeVersion, atlanta: Segment, boston: Segment) -> None:
    numbers = [make_version(segment).number for segment in (atlanta, boston, atlanta)]
    assert numbers == [1, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_versions_created_at_the_same_moment_are_numbered_consecutively(
    make_version: MakeVersion, atlanta: Segment, tmp_path: object
) -> None:
    trees = [make_version(atlanta, content=str(n)).its_tree for n in range(1)]
    template = ModelVersion.objects.get()

    def register(n: int) -> int:
        try:
            return register_version(
                actor=template.created_by,
                family=template.model.its_family,
                segment=atlanta,
                run=None,
                tree=trees[0],
                kind="trained",
                trained_from=None,
                trained_through=None,
                parameters={},
                pipeline="eta-ridge",
                origin=f"segment-run:{n % 8}",
            ).number
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(register, range(16)))
    assert sorted(set(numbers)) == list(range(2, 10))
    assert sorted(ModelVersion.objects.values_list("number", flat=True)) == list(range(1, 10))


def test_strangers_can_not_register(
    make_version: MakeVersion, atlanta: Segment, stranger: User, operator: User, admin: User
) -> None:
    for outsider in (stranger, operator, admin):
        with pytest.raises(Denied, match="Only members of the team"):
            make_version(atlanta, actor=outsider)
    assert not ModelVersion.objects.exists()


def test_a_segment_of_another_dimension_is_refused(make_version: MakeVersion, family: ModelFamily) -> None:
    abroad = Segment.objects.create(dimension=Dimension.objects.create(slug="country", name="Country"), slug="fr")
    with pytest.raises(Invalid, match="no segment of Trip ETA"):
        make_version(abroad)


@pytest.mark.parametrize(
    "change", [{"digest": "0" * 64}, {"trained_through": date(2013, 1, 1)}, {"parameters": {}}, {"kind": "baseline"}]
)
def test_the_database_refuses_to_change_a_ready_version(
    make_version: MakeVersion, atlanta: Segment, change: dict[str, object]
) -> None:
    version = make_version(atlanta)
    with pytest.raises(DatabaseError, match="a ready version changes only"), transaction.atomic():
        ModelVersion.objects.filter(pk=version.pk).update(**change)
    with pytest.raises(DatabaseError, match="a ready version is kept"), transaction.atomic():
        ModelVersion.objects.filter(pk=version.pk)._raw_delete("default")


def test_only_the_description_changes(
    make_version: MakeVersion, atlanta: Segment, colleague: User, stranger: User
) -> None:
    version = make_version(atlanta)
    describe_version(actor=colleague, version=version, description="Trained for the summer.")
    assert ModelVersion.objects.get().description == "Trained for the summer."
    with pytest.raises(Denied):
        describe_version(actor=stranger, version=version, description="mine")
    with pytest.raises(Invalid, match="at most 20000"):
        describe_version(actor=colleague, version=version, description="x" * 20_001)
