"""Compare-and-set, on a table made for this test only."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.db import connection, models

from apps.core.errors import Conflict
from apps.core.transitions import move


class Lamp(models.Model):
    ALLOWED: ClassVar = {"off": frozenset({"on"}), "on": frozenset({"off", "broken"}), "broken": frozenset()}
    status = models.CharField(max_length=16, default="off")
    turned_by = models.CharField(max_length=16, blank=True)
    attempt = models.IntegerField(default=0)

    objects: ClassVar[models.Manager["Lamp"]] = models.Manager()

    class Meta:
        app_label = "core"

    def __str__(self) -> str:
        return "The lamp"


@pytest.fixture
def lamp(transactional_db: None) -> Iterator[Lamp]:
    with connection.schema_editor() as editor:
        editor.create_model(Lamp)
    yield Lamp.objects.create()
    with connection.schema_editor() as editor:
        editor.delete_model(Lamp)


def test_a_move_changes_the_status_and_what_goes_with_it(lamp: Lamp) -> None:
    move(lamp, "on", turned_by="ada")
    assert (lamp.status, lamp.turned_by) == ("on", "ada")
    assert Lamp.objects.get().turned_by == "ada"


def test_a_move_that_is_not_allowed_is_a_conflict(lamp: Lamp) -> None:
    with pytest.raises(Conflict, match="The lamp is off and can not become broken"):
        move(lamp, "broken")


def test_the_slower_of_two_people_is_told(lamp: Lamp) -> None:
    stale = Lamp.objects.get()
    move(lamp, "on", turned_by="ada")
    with pytest.raises(Conflict, match="has changed meanwhile"):
        move(stale, "on", turned_by="bob")
    assert Lamp.objects.get().turned_by == "ada"


def test_a_guard_keeps_out_an_older_attempt(lamp: Lamp) -> None:
    Lamp.objects.update(attempt=2)
    with pytest.raises(Conflict):
        move(lamp, "on", guard={"attempt": 1})
    assert Lamp.objects.get().status == "off"
