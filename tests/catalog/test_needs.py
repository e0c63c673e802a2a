"""What people lack, ask for and use: every verb by every role, how requests end, what a wish would mean."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Membership, Team, User
from apps.catalog import queries
from apps.catalog.actions import (
    Answer,
    Gap,
    Opinion,
    Text,
    Wish,
    accept_decision,
    answer_request,
    close_decision,
    declare_usage,
    draft_decision,
    edit_gap,
    end_usage,
    propose_decision,
    record_gap,
    renew_exception,
    request_tool,
    withdraw_request,
)
from apps.catalog.actions.nightly import keep_dates
from apps.catalog.models import Decision, FeatureGap, Tool, ToolRequest, Usage
from apps.catalog.queries.measures import zoo
from apps.core.errors import Conflict, Denied, Exists, Invalid
from tests.catalog.conftest import MakeDecision, MakeTool, Place
from tests.conftest import signed_in
from tests.factories import UserFactory, put_into

TODAY = timezone.localdate()


@pytest.fixture
def lead(team: Team) -> User:
    return put_into(team, UserFactory.create(username="lead"), Membership.Role.LEAD)


@pytest.fixture
def gap(owner: User, airflow: Tool, team: Team) -> FeatureGap:
    return record_gap(actor=owner, tool=airflow, gap=Gap("It has no form.", pain=4), hurts=[team])


@pytest.fixture
def wish(team: Team, airflow: Tool, make_tool: MakeTool) -> Wish:
    return Wish(
        name="Dagster",
        tool=make_tool("dagster", learning_days_low=3, learning_days_high=6),
        capability=airflow.capability,
        need="See tables.",
        why_not_existing="It shows tasks.",
        team=team,
        people=5,
        connects_to="Spark",
    )


@pytest.fixture
def asked(owner: User, wish: Wish) -> ToolRequest:
    return request_tool(actor=owner, wish=wish)


@pytest.fixture
def exception(editor: User, board: User, team: Team, airflow: Tool, text: Text) -> Decision:
    """Metaflow-like: the team may use it until the end of the month after next."""
    words = replace(text, kind="exception", tool=airflow, team=team, expires_on=TODAY + timedelta(days=60))
    decision = propose_decision(actor=editor, decision=draft_decision(actor=editor, text=words))
    return accept_decision(actor=board, decision=decision)


def says_no(verb: Callable[[], object]) -> bool:
    try:
        verb()
    except Denied:
        return True
    return False


def test_every_verb_is_for_those_who_may_and_for_nobody_else(
    owner: User,
    colleague: User,
    lead: User,
    stranger: User,
    editor: User,
    board: User,
    second_of_board: User,
    gap: FeatureGap,
    wish: Wish,
    exception: Decision,
    airflow: Tool,
    team: Team,
) -> None:
    """The proposer is the owner: they recorded the gap and sent the request. A second of the board could say yes."""
    people = {person.username: person for person in (owner, colleague, lead, stranger, editor, board)}
    use = declare_usage(actor=editor, tool=airflow, kind="service", name="invoices", team=team)
    answer = Answer("gap", gap=gap)

    def renewed(person: User) -> object:
        until = TODAY + timedelta(days=200)
        renewal = renew_exception(actor=person, decision=exception, until=until, reason="Still.")
        return close_decision(actor=board, decision=renewal, reason="For the next one who asks.")

    verbs: dict[str, tuple[Callable[[User], object], set[str]]] = {
        "record a gap": (lambda p: record_gap(actor=p, tool=airflow, gap=Gap(p.username)), {*people}),
        "edit a gap": (
            lambda p: edit_gap(actor=p, gap=FeatureGap.objects.get(pk=gap.pk), wanted=Gap(f"By {p}")),
            {"owner", "editor"},
        ),
        "ask for a tool": (lambda p: request_tool(actor=p, wish=wish), {"owner", "colleague", "lead"}),
        "answer a request": (
            lambda p: answer_request(actor=p, request=request_tool(actor=owner, wish=wish), answer=answer),
            {"editor", "board"},
        ),
        "withdraw a request": (
            lambda p: withdraw_request(actor=p, request=request_tool(actor=owner, wish=wish)),
            {"owner"},
        ),
        "declare a use": (
            lambda p: declare_usage(actor=p, tool=airflow, kind="service", name=p.username, team=team),
            {"owner", "colleague", "lead", "editor"},
        ),
        "end a use": (
            lambda p: (
                Usage.objects.filter(pk=use.pk).update(until=None)
                and end_usage(actor=p, usage=Usage.objects.get(pk=use.pk))
            ),
            {"owner", "colleague", "lead", "editor"},
        ),
        "renew an exception": (renewed, {"lead", "editor", "board"}),
    }
    assert {
        verb: {name for name, person in people.items() if not says_no(lambda: act(person))}  # noqa: B023
        for verb, (act, _) in verbs.items()
    } == {verb: allowed for verb, (_, allowed) in verbs.items()}


def test_nobody_answers_their_own_request(editor: User, board: User, team: Team, wish: Wish, gap: FeatureGap) -> None:
    put_into(team, editor)
    mine = request_tool(actor=User.objects.get(pk=editor.pk), wish=wish)
    with pytest.raises(Denied, match="not their own"):
        answer_request(actor=editor, request=mine, answer=Answer("gap", gap=gap))
    assert [one.pk for one in queries.requests_waiting_for(board)] == [mine.pk]
    assert not queries.requests_waiting_for(editor).exists()


@pytest.mark.parametrize(
    ("outcome", "named"),
    [("decision", "decision"), ("exception", "decision"), ("gap", "gap"), ("duplicate", "duplicate_of")],
)
def test_a_request_ends_as_what_its_answer_names(
    owner: User,
    board: User,
    asked: ToolRequest,
    wish: Wish,
    gap: FeatureGap,
    make_decision: MakeDecision,
    outcome: str,
    named: str,
) -> None:
    things = {"decision": make_decision("draft"), "gap": gap, "duplicate_of": request_tool(actor=owner, wish=wish)}
    with pytest.raises(Invalid, match="Name the") as refusal:
        answer_request(actor=board, request=asked, answer=Answer(outcome))
    assert refusal.value.field == named
    page = signed_in(board).post(
        f"/catalog/requests/{asked.pk}/answer/",
        {
            "outcome": outcome,
            "words": "Look there.",
            named: getattr(things[named], "label", things[named].pk),  # type: ignore[attr-defined]
        },
        follow=True,
    )
    assert "Answered." in page.content.decode()
    asked.refresh_from_db()
    assert (asked.status, asked.outcome, getattr(asked, named)) == ("answered", outcome, things[named])
    with pytest.raises(Conflict):
        answer_request(actor=board, request=asked, answer=Answer("gap", gap=gap))
    assert str(things[named]) in signed_in(owner).get(f"/catalog/requests/{asked.pk}/").content.decode()


def test_a_request_is_no_duplicate_of_itself(board: User, asked: ToolRequest) -> None:
    with pytest.raises(Invalid):
        answer_request(actor=board, request=asked, answer=Answer("duplicate", duplicate_of=asked))


def test_what_it_would_mean_is_said_before_it_is_sent(
    owner: User,
    team: Team,
    place: Place,
    airflow: Tool,
    adopted: Opinion,
    wish: Wish,
    gap: FeatureGap,
    make_tool: MakeTool,
) -> None:
    place(airflow, adopted)
    luigi = make_tool("luigi")
    place(luigi, Opinion(ring="hold", when_not="New pipelines.", instead=airflow))
    edit_gap(actor=owner, gap=gap, wanted=Gap("It has no form.", pain=4, workaround="Type JSON.", better=wish.tool))
    declare_usage(actor=owner, tool=luigi, kind="team", name=team.slug, team=team)
    waiting = request_tool(actor=owner, wish=replace(wish, name="Prefect", tool=None))
    sent = {name: getattr(wish, name) for name in ("name", "need", "why_not_existing", "people", "connects_to")}
    sent |= {"tool": "dagster", "capability": "orchestration", "team": team.slug}
    page = " ".join(signed_in(owner).post("/catalog/requests/new/", sent).content.decode().split())
    for said in (
        'href="/tools/airflow/"',  # the nearest adopted tool
        "It has no form.",  # and its gap
        "2 with a ring, 1 of them in use",  # overlap in the capability
        "15–30 person-days",  # five people who would learn it
        "Luigi",  # what the team uses, to connect to
        f'href="/catalog/requests/{waiting.pk}/"',  # who asked for the like
    ):
        assert said in page, said
    assert ToolRequest.objects.count() == 1
    signed_in(owner).post("/catalog/requests/new/", sent | {"send": "1"})
    assert ToolRequest.objects.latest("id").connects_to == "Spark"


def test_without_an_input_there_is_no_number(owner: User, team: Team, wish: Wish) -> None:
    means = queries.what_if(actor=owner, capability=wish.capability, tool=None, people=5, team=team)
    assert (means.nearest, means.gaps, means.bill) == (None, [], None)


def test_a_gap_is_edited_on_its_page_by_who_recorded_it(owner: User, stranger: User, gap: FeatureGap) -> None:
    address = f"/catalog/gaps/{gap.pk}/"
    assert 'value="It has no form."' in signed_in(owner).get(address).content.decode()
    assert address in signed_in(owner).get("/tools/airflow/").content.decode()
    assert address not in signed_in(stranger).get("/tools/airflow/").content.decode()
    assert signed_in(stranger).get(address).status_code == 403
    sent = {"title": "It has no form.", "pain": 2, "upstream": "shipped", "hurts": ["rides-eta"]}
    signed_in(owner).post(address, sent)
    gap.refresh_from_db()
    assert (gap.pain, gap.closed_on) == (2, TODAY)
    assert "1 of them because the makers shipped it" in signed_in(stranger).get("/catalog/gaps/").content.decode()
    refused = signed_in(owner).post(address, sent | {"pain": 9})
    assert refused.status_code == 400


def renewed(actor: User, board: User, decision: Decision, until: date) -> Decision:
    renewal = renew_exception(actor=actor, decision=decision, until=until, reason="The project goes on.")
    return accept_decision(actor=board, decision=renewal)


def test_a_renewal_takes_the_place_of_what_it_renews(lead: User, board: User, exception: Decision) -> None:
    renewal = renew_exception(actor=lead, decision=exception, until=TODAY + timedelta(days=90), reason="Goes on.")
    assert (renewal.status, renewal.team, renewal.tool) == ("proposed", exception.team, exception.tool)
    with pytest.raises(Exists, match="written already"):
        renew_exception(actor=lead, decision=exception, until=TODAY + timedelta(days=90), reason="Again.")
    with pytest.raises(Denied):
        accept_decision(actor=lead, decision=renewal)
    accept_decision(actor=board, decision=renewal)
    exception.refresh_from_db()
    assert (exception.status, exception.superseded_by) == ("superseded", renewal)
    assert list(queries.active_exceptions(actor=lead)) == [renewal]


def test_what_was_renewed_twice_is_counted(lead: User, board: User, exception: Decision) -> None:
    def counted() -> str:
        return next(one.value for one in zoo(actor=lead).measures if one.name == "Renewed twice")

    once = renewed(lead, board, exception, TODAY + timedelta(days=90))
    assert counted() == "0"
    twice = renewed(lead, board, once, TODAY + timedelta(days=120))
    assert counted() == "1"
    page = signed_in(lead).get(f"/decisions/{twice.label}/").content.decode()
    assert "the 2. renewal" in page
    assert "It was renewed 2 times before." in page


def test_an_exception_that_has_ended_can_be_renewed_and_stays_ended(
    lead: User, board: User, exception: Decision
) -> None:
    assert keep_dates(today=TODAY + timedelta(days=61))["ended"] == 1
    exception.refresh_from_db()
    renewal = renewed(lead, board, exception, TODAY + timedelta(days=90))
    exception.refresh_from_db()
    assert (exception.status, renewal.status) == ("expired", "accepted")


def test_only_a_later_day_within_a_year_renews_only_an_exception(
    lead: User, editor: User, exception: Decision, make_decision: MakeDecision
) -> None:
    for until in (exception.expires_on, TODAY + timedelta(days=400)):
        with pytest.raises(Invalid):
            renew_exception(actor=lead, decision=exception, until=until, reason="Goes on.")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="Say why"):
        renew_exception(actor=lead, decision=exception, until=TODAY + timedelta(days=90), reason=" ")
    with pytest.raises(Conflict, match="no exception"):
        renew_exception(actor=editor, decision=make_decision("accepted"), until=TODAY, reason="Goes on.")


def test_a_renewal_is_a_button_of_the_page(lead: User, stranger: User, exception: Decision) -> None:
    page = f"/decisions/{exception.label}/"
    assert "Ask for it again" in signed_in(lead).get(page).content.decode()
    assert "Ask for it again" not in signed_in(stranger).get(page).content.decode()
    sent = {"until": str(TODAY + timedelta(days=90)), "reason": "The project goes on."}
    signed_in(lead).post(f"{page}renew/", sent)
    assert Decision.objects.get(renews=exception).context == "The project goes on."
