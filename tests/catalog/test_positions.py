"""What the company thinks of a tool: rings, their conditions, moves with reasons, edits that overwrite nobody."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.queries import timeline
from apps.catalog.actions import Opinion, place_tool
from apps.catalog.models import Position, Tool
from apps.core.errors import Conflict, Denied, Exists, Invalid, PortalError
from tests.catalog.conftest import MakeTool
from tests.threads import together


def test_the_first_position_is_recorded_with_its_reason(editor: User, airflow: Tool, adopted: Opinion) -> None:
    position = place_tool(actor=editor, tool=airflow, opinion=adopted, reason="It works for us.")
    [event] = timeline(position)
    assert (position.ring, position.owner, position.revision) == ("adopt", editor, 1)
    assert (event.sentence, event.note) == ("gave Airflow its first position", "It works for us.")
    assert event.after == {"ring": "adopt"}


def test_history_that_is_written_down_later_keeps_its_day(editor: User, airflow: Tool, adopted: Opinion) -> None:
    position = place_tool(actor=editor, tool=airflow, opinion=adopted, at=datetime(2019, 3, 11, 12, tzinfo=UTC))
    assert position.since == date(2019, 3, 11)
    assert timeline(position)[0].at.year == 2019


@pytest.mark.parametrize(
    ("opinion", "field"),
    [
        (Opinion(ring="adopt", when_to_use="Batch work."), "owner"),
        (Opinion(ring="hold"), "when_not"),
        (Opinion(ring=""), "ring"),
        (Opinion(ring="love"), "ring"),
        (Opinion(ring="trial", support="x" * 201), "support"),
        (Opinion(ring="trial", when_to_use="x" * 20_001), "when_to_use"),
    ],
)
def test_a_ring_without_what_it_needs_is_refused_by_field(
    editor: User, airflow: Tool, opinion: Opinion, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        place_tool(actor=editor, tool=airflow, opinion=opinion)
    assert field in refusal.value.errors
    assert not Position.objects.exists()


def test_adopting_without_anything_names_every_missing_part(editor: User, airflow: Tool) -> None:
    with pytest.raises(Invalid) as refusal:
        place_tool(actor=editor, tool=airflow, opinion=Opinion(ring="adopt"))
    assert refusal.value.errors == {
        "owner": "An adopted tool needs an owner: somebody who answers questions about it.",
        "when_to_use": "Say what an adopted tool is to be used for.",
    }


def test_a_tool_is_not_used_instead_of_itself(editor: User, airflow: Tool) -> None:
    opinion = Opinion(ring="hold", when_not="Too dear.", instead=airflow)
    with pytest.raises(Invalid, match="instead of itself") as refusal:
        place_tool(actor=editor, tool=airflow, opinion=opinion)
    assert refusal.value.field == "instead"


def test_somebody_who_left_owns_no_tool(editor: User, colleague: User, airflow: Tool, adopted: Opinion) -> None:
    colleague.is_active = False
    with pytest.raises(Invalid, match="no longer active") as refusal:
        place_tool(actor=editor, tool=airflow, opinion=replace(adopted, owner=colleague))
    assert refusal.value.field == "owner"


def test_a_move_needs_a_reason_and_keeps_both_rings(editor: User, airflow: Tool, adopted: Opinion) -> None:
    placed = place_tool(
        actor=editor,
        tool=airflow,
        opinion=Opinion(ring="trial"),
        at=datetime(2019, 3, 11, tzinfo=UTC),
    )
    with pytest.raises(Invalid, match="Say why it moves") as refusal:
        place_tool(actor=editor, tool=airflow, opinion=adopted, reason=" ")
    moved = place_tool(actor=editor, tool=airflow, opinion=adopted, reason="A year without trouble.")
    event = timeline(moved)[0]
    assert refusal.value.field == "reason"
    assert (moved.ring, moved.revision) == ("adopt", 2)
    assert moved.since > placed.since
    assert (event.sentence, event.note) == ("moved Airflow to another ring", "A year without trouble.")
    assert (event.before["ring"], event.after["ring"]) == ("trial", "adopt")


def test_an_edit_that_moves_nothing_needs_no_reason(editor: User, airflow: Tool, adopted: Opinion) -> None:
    placed = place_tool(actor=editor, tool=airflow, opinion=adopted, at=datetime(2019, 3, 11, tzinfo=UTC))
    edited = place_tool(actor=editor, tool=airflow, opinion=replace(adopted, support="#airflow"))
    assert (edited.support, edited.since) == ("#airflow", placed.since)
    assert timeline(edited)[0].after == {"support": "#airflow"}


def test_the_same_opinion_again_changes_nothing(editor: User, airflow: Tool, adopted: Opinion) -> None:
    place_tool(actor=editor, tool=airflow, opinion=adopted)
    again = place_tool(actor=editor, tool=airflow, opinion=adopted)
    assert again.revision == 1
    assert timeline(again).count() == 1


def test_a_stale_form_overwrites_nobody(editor: User, airflow: Tool, adopted: Opinion) -> None:
    place_tool(actor=editor, tool=airflow, opinion=adopted)
    place_tool(actor=editor, tool=airflow, opinion=replace(adopted, support="#first"), revision=1)
    with pytest.raises(Conflict, match="Somebody has edited the position of Airflow meanwhile"):
        place_tool(actor=editor, tool=airflow, opinion=replace(adopted, support="#second"), revision=1)
    assert Position.objects.get().support == "#first"


def test_others_place_nothing(
    owner: User, approver: User, board: User, admin: User, airflow: Tool, adopted: Opinion
) -> None:
    for person in (owner, approver, board, admin):
        with pytest.raises(Denied, match="Only a catalog editor"):
            place_tool(actor=person, tool=airflow, opinion=adopted)
    assert not Position.objects.exists()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"owner": None}, "adopted_tool_has_an_owner"),
        ({"when_to_use": ""}, "adopted_tool_says_when_to_use"),
        ({"ring": "hold"}, "tool_on_hold_says_why_not"),
        ({"ring": "love"}, "position_in_a_known_ring"),
    ],
)
def test_the_database_itself_refuses_a_ring_without_what_it_needs(
    editor: User, airflow: Tool, adopted: Opinion, change: dict[str, object], constraint: str
) -> None:
    place_tool(actor=editor, tool=airflow, opinion=adopted)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Position.objects.update(**change)


def test_the_database_itself_keeps_one_position_per_tool(
    editor: User, airflow: Tool, make_tool: MakeTool, adopted: Opinion
) -> None:
    place_tool(actor=editor, tool=airflow, opinion=adopted)
    with pytest.raises(IntegrityError), transaction.atomic():
        Position.objects.create(tool=airflow, ring="assess")


@pytest.mark.django_db(transaction=True)
def test_two_editors_at_once_give_one_position(editor: User, airflow: Tool) -> None:
    def place(ring: str) -> Position:
        return place_tool(actor=editor, tool=airflow, opinion=Opinion(ring=ring), reason="Tried it.")

    refusals = together(lambda: place("assess"), lambda: place("trial"))
    assert Position.objects.count() == 1
    assert _one_was_refused_or_both_moved(refusals)


def _one_was_refused_or_both_moved(refusals: list[PortalError | None]) -> bool:
    """The slower one meets the faster one's row: taken, changed meanwhile, or seen in time and moved on."""
    refused = [refusal for refusal in refusals if refusal]
    moved = not refused and Position.objects.get().revision == 2
    return moved or [type(refusal) in (Exists, Conflict) for refusal in refused] == [True]
