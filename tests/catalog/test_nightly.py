"""What time does: a day comes, a trigger is met, an exception ends. Twice run, once done, once audited."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from apps.accounts.models import Team, User
from apps.audit.queries import timeline
from apps.catalog import queries
from apps.catalog.actions import (
    Gap,
    OptionDraft,
    Text,
    accept_decision,
    declare_usage,
    draft_decision,
    edit_gap,
    look_back,
    postpone_again,
    propose_decision,
    record_gap,
)
from apps.catalog.actions.nightly import keep_dates
from apps.catalog.models import Decision, Tool
from apps.core.errors import Conflict, Denied, Invalid

FAR = date(2030, 1, 1)
LONG_AGO = datetime(2026, 1, 10, 12, tzinfo=UTC)


def accepted(editor: User, board: User, text: Text, *options: OptionDraft) -> Decision:
    decision = draft_decision(actor=editor, text=text, options=options or [OptionDraft("Wait")], at=LONG_AGO)
    propose_decision(actor=editor, decision=decision)
    return accept_decision(actor=board, decision=decision, at=LONG_AGO)


@pytest.fixture
def waits(text: Text, editor: User) -> Text:
    return replace(text, sourcing="postpone", revisit_on=date(2026, 6, 1), owner=editor)


def test_a_day_that_comes_reminds_its_owner_once(editor: User, board: User, stranger: User, waits: Text) -> None:
    decision = accepted(editor, board, waits)
    assert keep_dates(today=date(2026, 5, 31)) == {"ended": 0, "due": 0}
    assert keep_dates(today=date(2026, 6, 1)) == {"ended": 0, "due": 1}
    assert keep_dates(today=date(2026, 6, 2)) == {"ended": 0, "due": 0}
    assert timeline(decision).filter(action="catalog.decision_due").count() == 1
    assert list(queries.due_for(editor)) == [decision]
    assert not queries.due_for(stranger).exists()


def test_an_exception_is_announced_and_ends_once(
    editor: User, board: User, team: Team, airflow: Tool, text: Text
) -> None:
    ending = replace(text, kind="exception", tool=airflow, team=team, expires_on=date(2026, 12, 31))
    decision = accepted(editor, board, ending)
    assert keep_dates(today=date(2026, 12, 5)) == {"ended": 0, "due": 1}
    assert keep_dates(today=date(2027, 1, 1)) == {"ended": 1, "due": 0}
    assert keep_dates(today=date(2027, 1, 2)) == {"ended": 0, "due": 0}
    decision.refresh_from_db()
    assert decision.status == "expired"
    assert timeline(decision).filter(action="catalog.exception_expired").count() == 1
    assert not queries.due_for(editor).exists()


def test_an_exception_that_does_not_end_is_refused(editor: User, team: Team, airflow: Tool, text: Text) -> None:
    for ends in (None, date(2028, 1, 1), date(2020, 1, 1)):
        endless = replace(text, kind="exception", tool=airflow, team=team, expires_on=ends)
        with pytest.raises(Invalid) as refusal:
            draft_decision(actor=editor, text=endless)
        assert refusal.value.field == "expires_on"


def test_a_lead_asks_for_their_own_team_only(
    approver: User, owner: User, team: Team, other_team: Team, airflow: Tool, text: Text
) -> None:
    mine = replace(text, kind="exception", tool=airflow, team=team, expires_on=date(2026, 12, 31))
    assert draft_decision(actor=approver, text=mine, at=LONG_AGO).is_exception
    for person, asked in ((approver, replace(mine, team=other_team)), (owner, mine)):
        with pytest.raises(Denied, match="Only a lead of the team"):
            draft_decision(actor=person, text=asked, at=LONG_AGO)


def test_a_gap_that_upstream_ships_is_a_trigger(editor: User, board: User, airflow: Tool, waits: Text) -> None:
    gap = record_gap(actor=editor, tool=airflow, gap=Gap("It has no form"))
    decision = accepted(
        editor, board, replace(waits, revisit_on=date(2030, 1, 1), trigger_kind="upstream-ships", trigger_gap=gap)
    )
    assert keep_dates(today=date(2026, 6, 1))["due"] == 0
    edit_gap(actor=editor, gap=gap, wanted=replace(Gap.of(gap), upstream="shipped"))
    assert keep_dates(today=date(2026, 6, 1))["due"] == 1
    decision.refresh_from_db()
    assert (decision.due_because, decision.trigger_met_on) == (
        "Upstream has shipped: It has no form.",
        date(2026, 6, 1),
    )


def test_more_users_than_the_limit_are_a_trigger(
    editor: User, board: User, team: Team, airflow: Tool, waits: Text
) -> None:
    limited = replace(
        waits, revisit_on=date(2030, 1, 1), trigger_kind="usage-over", trigger_tool=airflow, trigger_limit=1
    )
    decision = accepted(editor, board, limited)
    for count, name in enumerate(("eta-trip", "surge")):
        declare_usage(actor=editor, tool=airflow, kind="family", name=name, team=team)
        assert keep_dates(today=date(2026, 6, 1))["due"] == count
    decision.refresh_from_db()
    assert "used in 2 places" in decision.due_because


def test_who_goes_on_waiting_is_reminded_again_later(editor: User, board: User, stranger: User, waits: Text) -> None:
    decision = accepted(editor, board, waits)
    keep_dates(today=date(2026, 6, 1))
    later = date(2099, 1, 1)
    with pytest.raises(Denied):
        postpone_again(actor=stranger, decision=decision, until=later, reason="Still.")
    with pytest.raises(Invalid, match="in the future"):
        postpone_again(actor=editor, decision=decision, until=date(2020, 1, 1), reason="Still.")
    postpone_again(actor=editor, decision=decision, until=later, reason="Still nobody offers it.")
    assert (decision.postponed_times, decision.revisit_on, decision.look_again_on) == (1, date(2026, 6, 1), later)
    assert keep_dates(today=date(2026, 6, 3))["due"] == 0
    assert keep_dates(today=later)["due"] == 1


def test_looking_back_says_whether_it_was_right(editor: User, board: User, stranger: User, waits: Text) -> None:
    decision = accepted(editor, board, waits)
    with pytest.raises(Denied):
        look_back(actor=stranger, decision=decision, verdict="right")
    looked = look_back(actor=editor, decision=decision, verdict="right", text="They *delivered*.")
    assert (looked.verdict, looked.looking_back) == ("right", "They *delivered*.")
    draft = draft_decision(actor=editor, text=waits)
    with pytest.raises(Conflict, match="not decided yet"):
        look_back(actor=editor, decision=draft, verdict="right")


def test_what_is_known_is_frozen_when_it_is_decided(editor: User, board: User, text: Text, airflow: Tool) -> None:
    Tool.objects.update(foundation_stage="incubating", latest_version="1.10")
    decision = draft_decision(actor=editor, text=text, options=[OptionDraft(tool=airflow, chosen=True)])
    propose_decision(actor=editor, decision=decision)
    accept_decision(actor=board, decision=decision)
    Tool.objects.update(foundation_stage="top-level", latest_version="3.0")
    [(tool, rows)] = queries.then_and_now_of(actor=board, decision=decision)
    assert tool == airflow
    assert ("Foundation stage", "incubating", "top-level") in rows
    assert ("Newest version", "1.10", "3.0") in rows
