"""What the company thinks of a tool: what each ring asks for, moves that the board approves, edits."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.catalog import queries
from apps.catalog.actions import (
    Opinion,
    approve_move,
    close_decision,
    confirm_position,
    declare_usage,
    edit_position,
    end_usage,
    name_experts,
    propose_move,
    refuse_move,
    withdraw_move,
)
from apps.catalog.models import Position, RingMove, Tool
from apps.core.errors import Conflict, Denied, Exists, Invalid
from tests.catalog.conftest import MakeTool, Place
from tests.threads import together

LONG_AGO = datetime(2019, 3, 11, 12, tzinfo=UTC)


def propose(actor: User, tool: Tool, opinion: Opinion, reason: str = "It works for us.") -> RingMove:
    return propose_move(actor=actor, tool=tool, opinion=opinion, reason=reason)


def test_the_first_position_is_recorded_with_its_reason(
    place: Place, editor: User, airflow: Tool, adopted: Opinion
) -> None:
    position = place(airflow, adopted)
    [event] = timeline(position)
    assert (position.ring, position.owner, position.revision) == ("adopt", editor, 1)
    assert (event.sentence, event.note) == ("gave Airflow its first position", "It works for us.")
    assert event.after == {"ring": "adopt"}


def test_history_that_is_written_down_later_keeps_its_day(place: Place, airflow: Tool, adopted: Opinion) -> None:
    position = place(airflow, adopted, at=LONG_AGO)
    assert position.since == date(2019, 3, 11)
    assert timeline(position)[0].at.year == 2019
    assert RingMove.objects.get().applied_on == date(2019, 3, 11)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"owner": None}, "owner"),
        ({"when_to_use": " "}, "when_to_use"),
        ({"getting_started": ""}, "getting_started"),
        ({"decision": None}, "decision"),
        ({"ring": "hold"}, "when_not"),
        ({"ring": "hold", "when_not": "Too dear."}, "instead"),
        ({"ring": ""}, "ring"),
        ({"ring": "love"}, "ring"),
        ({"ring": "trial", "support": "x" * 201}, "support"),
        ({"ring": "trial", "when_to_use": "x" * 20_001}, "when_to_use"),
    ],
)
def test_a_ring_without_what_it_asks_for_is_refused_by_field(
    stranger: User, airflow: Tool, adopted: Opinion, change: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        propose(stranger, airflow, replace(adopted, **change))  # type: ignore[arg-type]
    assert field in refusal.value.errors
    assert not RingMove.objects.exists()


def test_a_decision_that_no_longer_holds_adopts_nothing(
    board: User, stranger: User, airflow: Tool, adopted: Opinion
) -> None:
    move = propose(stranger, airflow, adopted)
    assert adopted.decision is not None
    close_decision(actor=board, decision=adopted.decision, reason="We sold the company.")
    with pytest.raises(Invalid, match="accepted decision") as refusal:
        approve_move(actor=board, move=move)
    assert refusal.value.field == "decision"
    assert not Position.objects.exists()


def test_a_tool_is_not_used_instead_of_itself(place: Place, airflow: Tool) -> None:
    with pytest.raises(Invalid, match="instead of itself"):
        place(airflow, Opinion(ring="hold", when_not="Too dear.", instead=airflow))


def test_somebody_who_left_owns_no_tool(editor: User, colleague: User, airflow: Tool, adopted: Opinion) -> None:
    colleague.is_active = False
    with pytest.raises(Invalid, match="no longer active") as refusal:
        propose(editor, airflow, replace(adopted, owner=colleague))
    assert refusal.value.field == "owner"


def test_a_move_needs_a_reason_and_keeps_both_rings(
    place: Place, editor: User, airflow: Tool, adopted: Opinion
) -> None:
    placed = place(airflow, Opinion(ring="trial"), at=LONG_AGO)
    with pytest.raises(Invalid, match="Say why it moves"):
        propose(editor, airflow, adopted, " ")
    moved = place(airflow, adopted, "A year without trouble.")
    event = timeline(moved)[0]
    assert (moved.ring, moved.revision) == ("adopt", 2)
    assert moved.since > placed.since
    assert (event.sentence, event.note) == ("moved Airflow to another ring", "A year without trouble.")
    assert (event.before["ring"], event.after["ring"]) == ("trial", "adopt")
    assert [move.direction for move in RingMove.objects.order_by("id")] == ["new", "in"]


def test_what_is_still_used_is_not_retired(place: Place, editor: User, board: User, team: Team, airflow: Tool) -> None:
    place(airflow, Opinion(ring="assess"))
    usage = declare_usage(actor=editor, tool=airflow, kind="team", name=team.slug, team=team)
    with pytest.raises(Conflict, match="still used in 1 place"):
        propose(editor, airflow, Opinion(ring="retired"))
    end_usage(actor=editor, usage=usage)
    move = propose(editor, airflow, Opinion(ring="retired"))
    declare_usage(actor=editor, tool=airflow, kind="team", name=team.slug, team=team)
    with pytest.raises(Conflict, match="still used"):
        approve_move(actor=board, move=move)
    assert Position.objects.get().ring == "assess"


def test_everybody_proposes_and_nobody_approves_their_own(
    stranger: User, approver: User, editor: User, board: User, second_of_board: User, make_tool: MakeTool
) -> None:
    for number, person in enumerate((stranger, approver, editor, board)):
        move = propose(person, make_tool(f"tool-{number}"), Opinion(ring="assess"))
        with pytest.raises(Denied):
            approve_move(actor=person, move=move)
        with pytest.raises(Denied):
            refuse_move(actor=person, move=move, reason="No.")
        approve_move(actor=second_of_board, move=move)
    assert Position.objects.filter(ring="assess").count() == 4


def test_only_the_board_decides_about_a_ring(
    owner: User, approver: User, admin: User, editor: User, stranger: User, board: User, airflow: Tool
) -> None:
    move = propose(stranger, airflow, Opinion(ring="assess"))
    for person in (owner, approver, admin, editor):
        with pytest.raises(Denied, match="Only a member of the board"):
            approve_move(actor=person, move=move)
        with pytest.raises(Denied, match="Only whoever proposed it"):
            withdraw_move(actor=person, move=move)
    assert list(queries.moves_waiting_for(board)) == [move]
    assert not queries.moves_waiting_for(editor).exists()


def test_a_no_of_the_board_closes_the_proposal_with_its_reason(board: User, stranger: User, airflow: Tool) -> None:
    move = propose(stranger, airflow, Opinion(ring="assess"))
    with pytest.raises(Invalid, match="Say why not"):
        refuse_move(actor=board, move=move, reason=" ")
    refuse_move(actor=board, move=move, reason="We have one.")
    assert (move.status, move.note) == ("refused", "We have one.")
    assert timeline(airflow)[0].sentence == "refused another ring for Airflow"
    with pytest.raises(Conflict, match="nothing left to decide"):
        approve_move(actor=board, move=move)


def test_one_proposal_of_a_tool_is_open_at_a_time(board: User, stranger: User, owner: User, airflow: Tool) -> None:
    first = propose(stranger, airflow, Opinion(ring="assess"))
    with pytest.raises(Exists, match="waits for the board already"):
        propose(owner, airflow, Opinion(ring="trial"))
    withdraw_move(actor=stranger, move=first, reason="Too early.")
    approve_move(actor=board, move=propose(owner, airflow, Opinion(ring="trial")))
    assert Position.objects.get().ring == "trial"


def test_without_anybody_else_of_the_board_nothing_is_asked(db: None, board: User, make_tool: MakeTool) -> None:
    with pytest.raises(Conflict, match="name another member of the board"):
        propose(board, make_tool("luigi"), Opinion(ring="assess"))


def test_two_votes_where_the_portal_asks_for_two(
    settings: object, board: User, second_of_board: User, stranger: User, airflow: Tool
) -> None:
    settings.CATALOG_VOTES = 2  # type: ignore[attr-defined]
    move = propose(stranger, airflow, Opinion(ring="assess"))
    approve_move(actor=board, move=move)
    assert (move.status, Position.objects.count()) == ("proposed", 0)
    with pytest.raises(Conflict, match="answered this already"):
        approve_move(actor=board, move=move)
    approve_move(actor=second_of_board, move=move)
    assert Position.objects.get().ring == "assess"


def test_an_edit_that_moves_nothing_needs_no_approval(
    place: Place, editor: User, airflow: Tool, adopted: Opinion
) -> None:
    placed = place(airflow, adopted, at=LONG_AGO)
    edited = edit_position(actor=editor, tool=airflow, opinion=replace(adopted, support="#airflow"))
    assert (edited.support, edited.since) == ("#airflow", placed.since)
    assert timeline(edited)[0].after == {"support": "#airflow"}


def test_an_edit_moves_no_ring(place: Place, editor: User, airflow: Tool, adopted: Opinion) -> None:
    for opinion in (Opinion(ring="assess"), adopted):
        with pytest.raises(Invalid, match="propose a move instead") as refusal:
            edit_position(actor=editor, tool=airflow, opinion=opinion)
        assert refusal.value.field == "ring"
    assert not Position.objects.exists()


def test_the_same_opinion_again_changes_nothing(place: Place, editor: User, airflow: Tool, adopted: Opinion) -> None:
    place(airflow, adopted)
    again = edit_position(actor=editor, tool=airflow, opinion=adopted)
    assert again.revision == 1
    assert timeline(again).count() == 1


def test_a_stale_form_overwrites_nobody(place: Place, editor: User, airflow: Tool, adopted: Opinion) -> None:
    place(airflow, adopted)
    edit_position(actor=editor, tool=airflow, opinion=replace(adopted, support="#first"), revision=1)
    with pytest.raises(Conflict, match="Somebody has edited the position of Airflow meanwhile"):
        edit_position(actor=editor, tool=airflow, opinion=replace(adopted, support="#second"), revision=1)
    assert Position.objects.get().support == "#first"


def test_others_edit_nothing(
    place: Place, owner: User, approver: User, board: User, admin: User, airflow: Tool, adopted: Opinion
) -> None:
    place(airflow, adopted)
    for person in (owner, approver, board, admin):
        with pytest.raises(Denied, match="Only a catalog editor"):
            edit_position(actor=person, tool=airflow, opinion=replace(adopted, support="#mine"))
        with pytest.raises(Denied, match="Only a catalog editor"):
            name_experts(actor=person, tool=airflow, experts=[person])
    assert Position.objects.get().support == "#ml-platform"


def test_experts_are_named(place: Place, editor: User, colleague: User, owner: User, airflow: Tool) -> None:
    with pytest.raises(Invalid, match="without a position"):
        name_experts(actor=editor, tool=airflow, experts=[owner])
    place(airflow, Opinion(ring="trial"))
    position = name_experts(actor=editor, tool=airflow, experts=[owner, colleague])
    assert set(position.experts.all()) == {owner, colleague}
    assert timeline(position)[0].after == {"experts": ["colleague", "owner"]}


def test_a_review_says_that_it_still_holds(place: Place, editor: User, stranger: User, airflow: Tool) -> None:
    place(airflow, Opinion(ring="trial"), at=LONG_AGO)
    later = timezone.localdate() + timedelta(days=180)
    airflow.refresh_from_db()
    with pytest.raises(Denied):
        confirm_position(actor=stranger, tool=airflow, next_review=later)
    with pytest.raises(Invalid, match="in the future"):
        confirm_position(actor=editor, tool=airflow, next_review=timezone.localdate())
    position = confirm_position(actor=editor, tool=airflow, next_review=later)
    assert (position.next_review, position.reviewed_on, position.since.year) == (later, timezone.localdate(), 2019)


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
    place: Place, airflow: Tool, adopted: Opinion, change: dict[str, object], constraint: str
) -> None:
    place(airflow, adopted)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Position.objects.update(**change)


def test_the_database_itself_keeps_one_position_per_tool(place: Place, airflow: Tool, adopted: Opinion) -> None:
    place(airflow, adopted)
    with pytest.raises(IntegrityError), transaction.atomic():
        Position.objects.create(tool=airflow, ring="assess")


@pytest.mark.django_db(transaction=True)
def test_two_of_the_board_at_once_move_a_tool_once(
    board: User, second_of_board: User, stranger: User, airflow: Tool
) -> None:
    pk = propose(stranger, airflow, Opinion(ring="assess")).pk

    def approve(person: User) -> RingMove:
        return approve_move(actor=person, move=RingMove.objects.get(pk=pk))

    refusals = together(lambda: approve(board), lambda: approve(second_of_board))
    assert sum(isinstance(refusal, Conflict) for refusal in refusals) == 1
    assert timeline(Position.objects.get()).count() == 1
