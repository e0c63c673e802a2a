"""Decisions: drafted, proposed, accepted by somebody else, superseded or closed; never edited afterwards."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.queries import timeline
from apps.catalog import queries
from apps.catalog.actions import (
    OptionDraft,
    Text,
    accept_decision,
    close_decision,
    draft_decision,
    edit_decision,
    propose_decision,
    send_back_decision,
    supersede_decision,
)
from apps.catalog.models import Decision, Option
from apps.core.errors import Conflict, Denied, Exists, Invalid
from tests.catalog.conftest import MakeDecision
from tests.threads import together


def test_drafts_are_numbered_one_after_the_other(editor: User, text: Text) -> None:
    draft_decision(actor=editor, text=text, number=7)
    assert draft_decision(actor=editor, text=text).label == "ADR-0008"


def test_a_number_is_given_once(editor: User, text: Text) -> None:
    draft_decision(actor=editor, text=text, number=7)
    with pytest.raises(Exists, match="already a decision ADR-0007"):
        draft_decision(actor=editor, text=text, number=7)


@pytest.mark.django_db(transaction=True)
def test_drafts_at_the_same_moment_get_numbers_of_their_own(editor: User, text: Text) -> None:
    refusals = together(*[lambda: draft_decision(actor=editor, text=text)] * 4)
    assert refusals == [None] * 4
    assert sorted(Decision.objects.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_an_accepted_decision_says_by_whom_and_when(make_decision: MakeDecision, board: User) -> None:
    decision = make_decision("accepted")
    assert (decision.status, decision.decided_by) == ("accepted", board)
    assert decision.decided_on is not None
    sentences = [event.sentence for event in timeline(decision)]
    assert [sentence.split()[0] for sentence in sentences] == ["accepted", "proposed", "drafted"]


def test_a_decision_of_the_past_keeps_its_day(make_decision: MakeDecision, board: User) -> None:
    decision = make_decision("proposed")
    accept_decision(actor=board, decision=decision, at=datetime(2019, 11, 20, 12, tzinfo=UTC))
    assert decision.decided_on == date(2019, 11, 20)


def test_others_write_no_decision(owner: User, approver: User, admin: User, text: Text) -> None:
    for person in (owner, approver, admin):
        with pytest.raises(Denied, match="Only a catalog editor or a member of the board"):
            draft_decision(actor=person, text=text)


def test_others_neither_edit_nor_propose(stranger: User, make_decision: MakeDecision, text: Text) -> None:
    draft = make_decision("draft")
    with pytest.raises(Denied):
        edit_decision(actor=stranger, decision=draft, text=replace(text, title="Mine"))
    with pytest.raises(Denied):
        propose_decision(actor=stranger, decision=draft)


def test_an_editor_accepts_nothing(editor: User, owner: User, admin: User, make_decision: MakeDecision) -> None:
    decision = make_decision("proposed")
    for person in (editor, owner, admin):
        with pytest.raises(Denied, match="Only a member of the board who neither wrote nor proposed"):
            accept_decision(actor=person, decision=decision)
    assert Decision.objects.get().status == "proposed"


def test_the_board_accepts_nothing_it_wrote_or_proposed_itself(
    board: User, second_of_board: User, editor: User, text: Text
) -> None:
    options = [OptionDraft(label="Wait", chosen=True)]
    written = draft_decision(actor=board, text=text, options=options)
    propose_decision(actor=editor, decision=written)
    proposed = draft_decision(actor=editor, text=text, options=options)
    propose_decision(actor=board, decision=proposed)
    for decision in (written, proposed):
        with pytest.raises(Denied, match="neither wrote nor proposed"):
            accept_decision(actor=board, decision=decision)
        assert accept_decision(actor=second_of_board, decision=decision).status == "accepted"


def test_the_database_itself_lets_nobody_decide_alone(make_decision: MakeDecision, editor: User) -> None:
    make_decision("accepted")
    with pytest.raises(IntegrityError, match="nobody_decides_alone"), transaction.atomic():
        Decision.objects.update(decided_by=editor)


def test_waiting_needs_a_day_to_look_again(editor: User, text: Text) -> None:
    waits = draft_decision(actor=editor, text=replace(text, sourcing="postpone"), options=[OptionDraft(label="Wait")])
    with pytest.raises(Invalid, match="on which day to look again") as refusal:
        propose_decision(actor=editor, decision=waits)
    assert refusal.value.field == "revisit_on"
    edit_decision(actor=editor, decision=waits, text=replace(Text.of(waits), revisit_on=date(2027, 1, 15)))
    waits.refresh_from_db()
    assert propose_decision(actor=editor, decision=waits).status == "proposed"


def test_who_waits_needs_no_chosen_option(editor: User, board: User, text: Text) -> None:
    waits = replace(text, sourcing="postpone", revisit_on=date(2027, 1, 15))
    decision = draft_decision(actor=editor, text=waits, options=[OptionDraft(label="Qdrant")])
    propose_decision(actor=editor, decision=decision)
    assert accept_decision(actor=board, decision=decision).status == "accepted"


def test_nothing_is_accepted_without_a_choice_and_an_outcome(editor: User, board: User, text: Text) -> None:
    undecided = draft_decision(actor=editor, text=text, options=[OptionDraft(label="This"), OptionDraft(label="That")])
    silent = draft_decision(actor=editor, text=replace(text, outcome=""), options=[OptionDraft("This", chosen=True)])
    for decision, field in ((undecided, "options"), (silent, "outcome")):
        propose_decision(actor=editor, decision=decision)
        with pytest.raises(Invalid) as refusal:
            accept_decision(actor=board, decision=decision)
        assert refusal.value.field == field


def test_nothing_is_proposed_without_an_option(editor: User, text: Text) -> None:
    decision = draft_decision(actor=editor, text=text)
    with pytest.raises(Invalid, match="at least one option"):
        propose_decision(actor=editor, decision=decision)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([OptionDraft()], "Each option needs"),
        ([OptionDraft("A"), OptionDraft("A")], "same name"),
        ([OptionDraft("A", chosen=True), OptionDraft("B", chosen=True)], "Only one option"),
        ([OptionDraft(str(number)) for number in range(21)], "at most 20"),
        ([OptionDraft("A", why="x" * 501)], "Option 'A'"),
    ],
)
def test_options_that_can_not_be_are_refused(
    editor: User, text: Text, options: list[OptionDraft], sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence) as refusal:
        draft_decision(actor=editor, text=text, options=options)
    assert refusal.value.field == "options"
    assert not Decision.objects.exists()


def test_an_edited_draft_replaces_its_options_or_keeps_them(
    editor: User, make_decision: MakeDecision, text: Text
) -> None:
    draft = make_decision("draft")
    edit_decision(actor=editor, decision=draft, text=replace(text, title="Another"))
    assert draft.options.count() == 2
    edited = edit_decision(actor=editor, decision=draft, text=text, options=[OptionDraft("Only this")])
    assert [option.label for option in edited.options.all()] == ["Only this"]


def test_a_proposal_is_sent_back_before_it_is_edited(
    editor: User, board: User, make_decision: MakeDecision, text: Text
) -> None:
    decision = make_decision("proposed")
    with pytest.raises(Conflict, match="send it back to edit it"):
        edit_decision(actor=editor, decision=decision, text=replace(text, title="Another"))
    with pytest.raises(Invalid, match="what has to be reworked"):
        send_back_decision(actor=board, decision=decision, reason=" ")
    send_back_decision(actor=board, decision=decision, reason="What does it cost?")
    assert edit_decision(actor=editor, decision=decision, text=replace(text, title="Another")).title == "Another"


def test_the_database_itself_keeps_what_was_decided(make_decision: MakeDecision) -> None:
    decision = make_decision("accepted")
    with pytest.raises(DatabaseError, match="only a draft can be edited"), transaction.atomic():
        Decision.objects.update(outcome="Something else.")
    with pytest.raises(DatabaseError, match="only while it is a draft"), transaction.atomic():
        decision.options.update(why="Because.")
    with pytest.raises(DatabaseError, match="only while it is a draft"), transaction.atomic():
        decision.options.all().delete()
    with pytest.raises(DatabaseError, match="only while it is a draft"), transaction.atomic():
        Option.objects.create(decision=decision, label="Late")


def test_an_accepted_decision_takes_the_place_of_another(make_decision: MakeDecision, board: User) -> None:
    older, newer = make_decision("accepted"), make_decision("accepted")
    supersede_decision(actor=board, decision=older, by=newer)
    assert (older.status, older.superseded_by) == ("superseded", newer)
    assert timeline(older)[0].after == {"by": newer.label}


def test_a_proposal_takes_nobodys_place(make_decision: MakeDecision, board: User) -> None:
    older, proposal = make_decision("accepted"), make_decision("proposed")
    for other in (proposal, older):
        with pytest.raises(Invalid, match="can not take its place"):
            supersede_decision(actor=board, decision=older, by=other)


def test_closing_says_why(make_decision: MakeDecision, board: User) -> None:
    decision = make_decision("accepted")
    with pytest.raises(Invalid, match="Say why it is closed"):
        close_decision(actor=board, decision=decision, reason="")
    close_decision(actor=board, decision=decision, reason="Airflow 1.10.8 brought it.")
    assert (decision.status, decision.closed_because) == ("closed", "Airflow 1.10.8 brought it.")
    with pytest.raises(Conflict):
        close_decision(actor=board, decision=decision, reason="Again.")


def test_a_reason_that_is_too_long_is_refused(make_decision: MakeDecision, board: User) -> None:
    with pytest.raises(Invalid):
        close_decision(actor=board, decision=make_decision("accepted"), reason="x" * 501)


def test_only_the_board_concludes(editor: User, owner: User, make_decision: MakeDecision) -> None:
    proposal, older, newer = make_decision("proposed"), make_decision("accepted"), make_decision("accepted")
    for person in (editor, owner):
        with pytest.raises(Denied):
            send_back_decision(actor=person, decision=proposal, reason="No.")
        with pytest.raises(Denied):
            supersede_decision(actor=person, decision=older, by=newer)
        with pytest.raises(Denied):
            close_decision(actor=person, decision=older, reason="No.")


@pytest.mark.django_db(transaction=True)
def test_two_of_the_board_at_once_accept_once(make_decision: MakeDecision, board: User, second_of_board: User) -> None:
    decision = make_decision("proposed")

    def accept(person: User) -> Decision:
        return accept_decision(actor=person, decision=Decision.objects.get(pk=decision.pk))

    refusals = together(lambda: accept(board), lambda: accept(second_of_board))
    assert sum(isinstance(refusal, Conflict) for refusal in refusals) == 1
    assert timeline(decision).filter(action="catalog.decision_accepted").count() == 1


def test_a_proposal_waits_for_the_board_but_not_for_its_author(
    make_decision: MakeDecision, board: User, second_of_board: User, editor: User, owner: User, text: Text
) -> None:
    theirs = make_decision("proposed")
    own = draft_decision(actor=board, text=text, options=[OptionDraft("A")])
    propose_decision(actor=board, decision=own)
    make_decision("accepted")
    assert list(queries.waiting_for(board)) == [theirs]
    assert list(queries.waiting_for(second_of_board)) == [own, theirs]
    assert not queries.waiting_for(editor).exists()
    assert not queries.waiting_for(owner).exists()
