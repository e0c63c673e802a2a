"""Pages: everybody reads; filters live in the address; only an editor changes a position."""

import re
from dataclasses import replace
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Team, User
from apps.catalog import queries
from apps.catalog.actions import (
    Gap,
    Opinion,
    OptionDraft,
    Text,
    ToolFacts,
    Wish,
    declare_usage,
    draft_decision,
    edit_position,
    edit_tool,
    import_file,
    propose_decision,
    record_gap,
    request_tool,
    supersede_decision,
)
from apps.catalog.exchange.madr import write_madr
from apps.catalog.models import Capability, Decision, Position, RadarEdition, RingMove, Tool
from tests.catalog.conftest import MakeDecision, MakeTool, Place
from tests.catalog.crowd import CROWDED, crowd
from tests.conftest import signed_in
from tests.factories import UserFactory

ATTACK = (
    "<script>alert('x')</script><img src=x onerror=alert(1)>[y](javascript:alert(2))"
    "<style>body{display:none}</style><p style='position:fixed'>z</p>"
)


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    words = response.content.decode()
    assert "<c-" not in words
    return words


@pytest.fixture
def reader(stranger: User) -> Client:
    """Somebody without any role."""
    return signed_in(stranger)


@pytest.fixture
def radar(place: Place, editor: User, airflow: Tool, make_tool: MakeTool, adopted: Opinion) -> None:
    """Airflow adopted, Luigi on hold (use Airflow), Dagster without a position."""
    place(airflow, adopted)
    hold = Opinion(ring="hold", when_not="Nobody here knows it.", instead=airflow)
    place(make_tool("luigi"), hold)
    make_tool("dagster")


@pytest.mark.usefixtures("radar")
def test_everybody_sees_what_we_have_a_position_on(reader: Client, owner: User, team: Team, airflow: Tool) -> None:
    for name in ("eta", "pricing"):
        declare_usage(actor=owner, tool=airflow, kind="service", name=name, team=team)
    words = page(reader, "/tools/")
    assert "2 places" in words
    assert words.index("Retrain hundreds of city models") < words.index("Airflow") < words.index("Luigi")
    assert "Airflow runs what depends on each other." in words
    assert "Dagster" not in words
    assert "of 2 tools" in words
    for chip in ("With a position 2", "Adopt 1", "No position 1"):
        assert chip in " ".join(re.sub("<[^>]*>", " ", words).split())


@pytest.mark.usefixtures("radar")
@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("ring=adopt", {"Airflow"}),
        ("ring=hold", {"Luigi"}),
        ("ring=retired", set()),
        ("ring=none", {"Dagster"}),
        ("capability=orchestration", {"Airflow", "Luigi"}),
        ("q=AIRFLOW", {"Airflow"}),
        ("q=orchestr+luigi", {"Luigi"}),
        ("q=apache", {"Airflow"}),
        ("q=%25", set()),
        ("q=dagster&ring=none", {"Dagster"}),
        ("q=airflow&ring=hold", set()),
    ],
)
def test_the_address_narrows_the_list(reader: Client, query: str, seen: set[str]) -> None:
    words = page(reader, f"/tools/?{query}")
    listed = {name for name in ("Airflow", "Luigi", "Dagster") if f'/tools/{name.lower()}/">{name}</a>' in words}
    assert listed == seen


@pytest.mark.usefixtures("radar")
def test_a_search_that_finds_only_unplaced_tools_offers_them(reader: Client) -> None:
    words = page(reader, "/tools/?q=dagster")
    assert "Known, without a position" in words
    assert 'href="/tools/dagster/"' in words


@pytest.mark.usefixtures("radar")
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("ring=love", "There is no such ring"),
        ("capability=nothing", "Select a valid choice"),
        ("q=" + "x" * 101, "at most 100 characters"),
        ("q=%00", "Null characters are not allowed"),
        ("page=nonsense", "of 2 tools"),
        ("page=99999999999999999999", "of 2 tools"),
    ],
)
def test_a_filter_that_can_not_be_gets_a_sentence(reader: Client, query: str, sentence: str) -> None:
    assert sentence in page(reader, f"/tools/?{query}")


def test_an_empty_catalog_says_how_it_is_filled(reader: Client) -> None:
    assert "The catalog is empty" in page(reader, "/tools/")
    assert "Nothing is decided yet" in page(reader, "/decisions/")


def test_a_tools_page_answers_what_a_manager_asks(
    place: Place, reader: Client, editor: User, airflow: Tool, adopted: Opinion, make_decision: MakeDecision
) -> None:
    decision = make_decision("accepted", number=7)
    opinion = replace(adopted, when_not="Not *streaming*.", getting_started="Ask **us**.", decision=decision)
    place(airflow, opinion, "It works for us.")
    words = page(reader, "/tools/airflow/")
    for part in ("Batch work.", "<em>streaming</em>", "<strong>us</strong>", "#ml-platform", "Editor", "Apache-2.0"):
        assert part in words
    assert "It works for us." in words
    assert "/decisions/ADR-0007/" in words
    assert "/tools/airflow/position/" not in words


def test_a_tool_on_hold_says_what_to_use_instead(reader: Client, radar: None) -> None:
    words = page(reader, "/tools/luigi/")
    assert "Not for anything new" in words
    assert 'Use <a href="/tools/airflow/">Airflow</a> instead' in words


def test_a_tool_without_a_position_says_so(reader: Client, radar: None) -> None:
    assert "We have no position on this tool" in page(reader, "/tools/dagster/")


def test_a_review_that_is_due_is_seen(
    place: Place, reader: Client, editor: User, airflow: Tool, adopted: Opinion
) -> None:
    place(airflow, replace(adopted, next_review=date(2020, 3, 1)))
    assert "Due since 1 Mar 2020" in page(reader, "/tools/")


@pytest.mark.parametrize(
    "address", ["/tools/nothing/", "/decisions/ADR-0404/", "/decisions/7/", "/decisions/ADR-/", "/decisions/adr-0001/"]
)
def test_what_is_not_there_is_a_page_with_a_sentence(reader: Client, address: str) -> None:
    assert "in the catalog." in page(reader, address, 404)


def test_written_text_can_not_run(
    place: Place,
    reader: Client,
    owner: User,
    editor: User,
    team: Team,
    airflow: Tool,
    adopted: Opinion,
    text: Text,
) -> None:
    edit_tool(actor=editor, tool=airflow, facts=replace(ToolFacts.of(airflow), name=ATTACK[:100], summary=ATTACK))
    User.objects.filter(pk=editor.pk).update(name=ATTACK[:100])
    attacked = replace(adopted, when_to_use=ATTACK, when_not=ATTACK, getting_started=ATTACK, support=ATTACK)
    place(airflow, attacked, ATTACK)
    evil = replace(text, title=ATTACK, context=ATTACK, outcome=ATTACK, trigger=ATTACK)
    draft_decision(actor=editor, text=evil, options=[OptionDraft(label=ATTACK[:100], why=ATTACK)])
    record_gap(actor=editor, tool=airflow, gap=Gap(ATTACK, workaround=ATTACK))
    wish = Wish(ATTACK[:100], airflow.capability, ATTACK, ATTACK, team, 5, connects_to=ATTACK)
    asked = request_tool(actor=owner, wish=wish)
    declare_usage(actor=owner, tool=airflow, kind="service", name=ATTACK, team=team, evidence=ATTACK)
    madr = write_madr(queries.decision(actor=editor, label="ADR-0001")).replace("ADR-0001", "ADR-0009")
    import_file(actor=editor, content=madr.replace("# Airflow for", f"# Other {ATTACK}"))
    pages = ("/tools/", "/tools/airflow/", "/decisions/", "/decisions/ADR-0001/", "/tools/?q=%3Cscript%3E")
    more = ("/decisions/ADR-0002/", "/decisions/ADR-0009/", "/catalog/gaps/", "/catalog/measures/")
    for address in (*pages, *more, f"/catalog/requests/{asked.pk}/", "/catalog/ecosystems/?name=Apache"):
        words = page(reader, address)
        assert "<script>alert" not in words
        assert "<img src=x" not in words
        assert 'href="javascript:' not in words
        assert "<style>" not in words
        assert "<p style" not in words


def test_decisions_are_found_by_words_status_and_sourcing(
    reader: Client, editor: User, make_decision: MakeDecision, text: Text
) -> None:
    make_decision("accepted", number=1)
    wait = replace(text, title="A vector database", sourcing="postpone")
    draft_decision(actor=editor, text=wait, options=[OptionDraft("Qdrant"), OptionDraft("Qdrant Cloud")])
    first, second = "/decisions/ADR-0001/", "/decisions/ADR-0002/"
    for query, seen in [
        ("", {first, second}),
        ("?status=accepted", {first}),
        ("?sourcing=postpone", {second}),
        ("?q=qdrant", {second}),
        ("?q=vector+base", {second}),
        ("?q=nothing", set()),
        ("?capability=orchestration&status=draft", {second}),
    ]:
        words = page(reader, f"/decisions/{query}")
        assert {address for address in (first, second) if f'href="{address}"' in words} == seen


def test_a_decisions_page_tells_the_whole_story(
    place: Place,
    reader: Client,
    board: User,
    make_decision: MakeDecision,
    editor: User,
    airflow: Tool,
    adopted: Opinion,
) -> None:
    older, newer = make_decision("accepted"), make_decision("accepted")
    supersede_decision(actor=board, decision=older, by=newer)
    place(airflow, replace(adopted, decision=newer))
    words = page(reader, f"/decisions/{older.label}/")
    for part in (
        "Superseded by",
        f"/decisions/{newer.label}/",
        "Chosen",
        "Build it ourselves",
        "Too dear.",
        "<em>Airflow</em>",
    ):
        assert part in words
    after = page(reader, f"/decisions/{newer.label}/")
    assert f"/decisions/{older.label}/" in after
    assert "/tools/airflow/" in after


DECISION = "/decisions/ADR-0001/"


def say(who: User, verb: str, **sent: str) -> str:
    """What the decision's page says after the form was sent."""
    client = signed_in(who)
    response = client.post(f"{DECISION}{verb}/", sent)
    assert (response.status_code, response["Location"]) == (302, DECISION)
    return page(client, DECISION)


def buttons(words: str) -> set[str]:
    return {verb for verb in ("accept", "send-back", "close") if f'action="{DECISION}{verb}/"' in words}


def test_the_board_accepts_a_proposal_on_its_page(board: User, make_decision: MakeDecision) -> None:
    make_decision("proposed")
    assert buttons(page(signed_in(board), DECISION)) == {"accept", "send-back", "close"}
    words = say(board, "accept", note="It pays for itself.")
    assert "You said yes" in words
    assert "It pays for itself." in words
    assert buttons(words) == {"close"}
    assert Decision.objects.get().decided_by == board


@pytest.mark.parametrize(
    ("verb", "status", "told"), [("send-back", "draft", "Sent back:"), ("close", "closed", "Closed; everybody")]
)
def test_the_board_sends_back_and_closes_with_a_reason(
    board: User, make_decision: MakeDecision, verb: str, status: str, told: str
) -> None:
    make_decision("proposed")
    words = say(board, verb, reason="What does it cost?")
    assert told in words
    assert "What does it cost?" in words
    assert Decision.objects.get().status == status


@pytest.mark.parametrize(
    ("verb", "sent", "sentence"),
    [
        ("send-back", {"reason": " "}, "Say what has to be reworked."),
        ("close", {}, "Say why it is closed"),
        ("close", {"reason": "x" * 501}, "at most 500 characters"),
        ("accept", {"note": "x" * 501}, "at most 500 characters"),
        ("accept", {"note": "a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_what_the_board_can_not_say_so_is_told_on_the_page(
    board: User, make_decision: MakeDecision, verb: str, sent: dict[str, str], sentence: str
) -> None:
    make_decision("proposed")
    assert sentence in say(board, verb, **sent)
    assert Decision.objects.get().status == "proposed"


def test_a_proposal_that_decides_nothing_is_not_accepted(
    board: User, second_of_board: User, text: Text, airflow: Tool
) -> None:
    silent = draft_decision(
        actor=second_of_board, text=replace(text, outcome=""), options=[OptionDraft(tool=airflow, chosen=True)]
    )
    propose_decision(actor=second_of_board, decision=silent)
    assert "Write down what is decided before it is accepted." in say(board, "accept")
    assert Decision.objects.get().status == "proposed"


def test_what_was_decided_meanwhile_is_said(board: User, second_of_board: User, make_decision: MakeDecision) -> None:
    make_decision("proposed")
    say(second_of_board, "accept")
    assert "can not become accepted" in say(board, "accept")
    assert Decision.objects.get().decided_by == second_of_board


def test_others_are_neither_shown_nor_given_what_is_the_board_s(
    editor: User, owner: User, admin: User, make_decision: MakeDecision
) -> None:
    make_decision("proposed")
    for person in (editor, owner, admin):
        assert buttons(page(signed_in(person), DECISION)) == set()
        assert "Only a member of the board who neither wrote nor proposed it" in say(person, "accept")
        for verb in ("send-back", "close"):
            assert "Only a member of the board can send back" in say(person, verb, reason="No.")
    assert Decision.objects.get().status == "proposed"


@pytest.mark.usefixtures("second_of_board")
def test_who_of_the_board_proposed_it_may_not_accept_it(board: User, text: Text) -> None:
    own = draft_decision(actor=board, text=text, options=[OptionDraft("Wait", chosen=True)])
    propose_decision(actor=board, decision=own)
    words = page(signed_in(board), DECISION)
    assert buttons(words) == {"send-back", "close"}
    assert "Waits for the board" in words
    assert "neither wrote nor proposed" in say(board, "accept")


@pytest.mark.parametrize("address", ["/tools/", "/tools/airflow/", "/tools/airflow/position/", "/decisions/"])
def test_nobody_reads_without_signing_in(client: Client, airflow: Tool, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 302
    assert "/sign-in/" in response["Location"]


MOVE = {
    "ring": "adopt",
    "owner": "editor",
    "when_to_use": "Batch work.",
    "getting_started": "Copy the template.",
    "reason": "It works.",
    "decision": "ADR-0001",
}
EDIT = {"owner": "editor", "when_to_use": "Batch work.", "getting_started": "Copy it.", "decision": "ADR-0001"}


@pytest.mark.usefixtures("adopted")
def test_anybody_proposes_a_ring_and_the_board_approves_it(stranger: User, board: User, airflow: Tool) -> None:
    client = signed_in(stranger)
    assert "/tools/airflow/move/" in page(client, "/tools/airflow/")
    response = client.post("/tools/airflow/move/", MOVE)
    assert (response.status_code, response["Location"]) == (302, "/tools/airflow/")
    assert "Proposed: adopt" in page(client, "/tools/airflow/")
    address = f"/radar/moves/{RingMove.objects.get().pk}/"
    assert f"{address}approve/" not in page(client, address)
    assert f"{address}approve/" in page(signed_in(board), address)
    digest = re.findall(r'name="digest" value="(\w+)"', page(signed_in(board), address))[0]
    assert signed_in(board).post(f"{address}approve/", {"digest": digest}).status_code == 302
    assert Position.objects.get().ring == "adopt"
    assert address in page(client, "/radar/moves/")


def test_the_board_refuses_and_the_proposer_withdraws(
    stranger: User, board: User, airflow: Tool, make_tool: MakeTool
) -> None:
    for tool in (airflow, make_tool("luigi")):
        signed_in(stranger).post(f"/tools/{tool.slug}/move/", {"ring": "assess", "reason": "I like it."})
    first, second = RingMove.objects.order_by("id")
    signed_in(board).post(f"/radar/moves/{first.pk}/refuse/", {"reason": "We have one."})
    signed_in(stranger).post(f"/radar/moves/{second.pk}/withdraw/", {})
    assert [move.status for move in RingMove.objects.order_by("id")] == ["refused", "withdrawn"]
    assert "We have one." in page(signed_in(stranger), f"/radar/moves/{first.pk}/")


@pytest.mark.usefixtures("adopted")
def test_a_vote_for_what_has_changed_is_refused(stranger: User, board: User, airflow: Tool) -> None:
    signed_in(stranger).post("/tools/airflow/move/", MOVE)
    client, address = signed_in(board), f"/radar/moves/{RingMove.objects.get().pk}/"
    client.post(f"{address}approve/", {"digest": "0" * 64})
    assert "has changed since you looked" in page(client, address)
    assert not Position.objects.exists()


def test_the_form_shows_what_there_is(
    place: Place, editor: User, airflow: Tool, radar: None, make_decision: MakeDecision, adopted: Opinion
) -> None:
    decision = make_decision("accepted", number=7)
    opinion = replace(adopted, decision=decision, next_review=date(2027, 2, 3))
    edit_position(actor=editor, tool=airflow, opinion=opinion)
    words = page(signed_in(editor), "/tools/airflow/position/")
    for part in ('value="editor"', 'value="ADR-0007" selected', 'value="2027-02-03"', 'name="revision" value="2"'):
        assert part in words
    assert 'value="airflow" selected' in page(signed_in(editor), "/tools/luigi/position/")
    assert 'value="adopt" selected' in page(signed_in(editor), "/tools/airflow/move/")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"owner": ""}, "An adopted tool needs an owner"),
        ({"owner": "nobody"}, "There is no user &#x27;nobody&#x27;"),
        ({"when_to_use": ""}, "Say what an adopted tool is to be used for."),
        ({"getting_started": ""}, "needs its first steps"),
        ({"decision": ""}, "name the accepted decision"),
        ({"reason": ""}, "This field is required"),
        ({"ring": "love"}, "Select a valid choice"),
        ({"ring": "hold"}, "Say why a tool on hold"),
        ({"next_review": "someday"}, "Enter a valid date"),
        ({"when_to_use": "x" * 20_001}, "at most 20000 characters"),
        ({"team": "nobody"}, "Select a valid choice"),
        ({"support": "a\x00b"}, "Null characters are not allowed"),
    ],
)
@pytest.mark.usefixtures("adopted")
def test_a_wrong_field_says_what_is_wrong_and_asks_nobody(
    stranger: User, airflow: Tool, change: dict[str, str], sentence: str
) -> None:
    response = signed_in(stranger).post("/tools/airflow/move/", MOVE | change)
    assert response.status_code == 400
    assert sentence in response.content.decode()
    assert not RingMove.objects.exists()


def test_an_editor_edits_what_we_say_and_whom_to_ask(
    place: Place, editor: User, owner: User, airflow: Tool, adopted: Opinion
) -> None:
    place(airflow, adopted)
    sent = EDIT | {"support": "#airflow", "experts": "owner, editor", "revision": "1"}
    assert signed_in(editor).post("/tools/airflow/position/", sent).status_code == 302
    words = page(signed_in(owner), "/tools/airflow/")
    assert "#airflow" in words
    assert {expert.username for expert in Position.objects.get().experts.all()} == {"owner", "editor"}
    eleven = ", ".join(expert.username for expert in UserFactory.create_batch(11))
    refused = signed_in(editor).post(
        "/tools/airflow/position/", sent | {"support": "#x", "experts": eleven, "revision": 2}
    )
    assert (refused.status_code, Position.objects.get().support) == (400, "#airflow")
    assert "Name at most 10 experts" in refused.content.decode()


def test_a_form_that_stayed_open_overwrites_nobody(place: Place, editor: User, airflow: Tool, adopted: Opinion) -> None:
    place(airflow, adopted)
    edit_position(actor=editor, tool=airflow, opinion=replace(adopted, support="#first"))
    response = signed_in(editor).post("/tools/airflow/position/", EDIT | {"support": "#second", "revision": "1"})
    assert response.status_code == 400
    assert "Somebody has edited the position" in response.content.decode()
    assert Position.objects.get().support == "#first"


def test_others_neither_see_nor_send_the_editors_form(
    place: Place, owner: User, board: User, admin: User, airflow: Tool, adopted: Opinion
) -> None:
    place(airflow, adopted)
    for person in (owner, board, admin):
        client = signed_in(person)
        assert "Only a catalog editor" in page(client, "/tools/airflow/position/", 403)
        assert client.post("/tools/airflow/position/", EDIT).status_code == 403


def test_the_radar_shows_each_tool_twice_as_a_link(reader: Client, radar: None) -> None:
    words = page(reader, "/radar/")
    for slug in ("airflow", "luigi"):
        assert words.count(f'href="/tools/{slug}/"') == 2
    assert "dagster" not in words


def test_an_edition_of_the_radar_stays_and_is_compared(
    place: Place, reader: Client, editor: User, airflow: Tool, radar: None
) -> None:
    signed_in(editor).post("/radar/publish/", {"name": "2026-08"})
    place(airflow, replace(Opinion.of(Tool.objects.get(slug="airflow")), ring="trial"), "It got slow.")
    signed_in(editor).post("/radar/publish/", {"name": "2026-11"})
    first, second = page(reader, "/radar/?edition=2026-08"), page(reader, "/radar/?edition=2026-11")
    assert "Airflow: adopt" in first
    assert "Airflow: trial" in second
    assert "moved out" in second.split("</figure>")[1]
    with pytest.raises(DatabaseError, match="stays as it is"), transaction.atomic():
        RadarEdition.objects.update(name="2026-09")


def test_five_thousand_tools_are_as_many_queries_as_five(
    reader: Client, orchestration: Capability, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    crowd(5_000)
    for address in CROWDED:
        with django_assert_max_num_queries(25):
            page(reader, address)


def test_pages_ask_the_database_a_constant_number_of_times(
    place: Place,
    reader: Client,
    editor: User,
    make_tool: MakeTool,
    make_decision: MakeDecision,
    adopted: Opinion,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    decision = make_decision("accepted")
    for number in range(30):
        tool = make_tool(f"tool-{number}")
        place(tool, replace(adopted, decision=decision, instead=Tool.objects.first()))
        make_decision("accepted")
    pages = ("/tools/", "/tools/tool-7/", "/decisions/", "/decisions/ADR-0001/", "/tools/airflow/", "/radar/")
    for address in (*pages, "/radar/moves/"):
        with django_assert_max_num_queries(18):
            page(reader, address)
    client = signed_in(editor)
    with django_assert_max_num_queries(14):
        page(client, "/tools/tool-7/position/")


def test_an_editor_confirms_what_is_unverified(airflow: Tool, editor: User, reader: Client) -> None:
    Tool.objects.update(unverified=["licence"])
    client = signed_in(editor)
    assert "I have checked what is unverified" in page(client, "/tools/airflow/")
    assert "I have checked what is unverified" not in page(reader, "/tools/airflow/")
    assert reader.post("/tools/airflow/confirm/", {"names": ["licence"]}).status_code == 403
    client.post("/tools/airflow/confirm/", {"names": ["licence"]})
    assert "Unverified" not in page(client, "/tools/airflow/")
    assert Tool.objects.get().is_ours("licence")


def test_tools_are_compared_by_slug_or_name_and_what_is_unknown_is_said(reader: Client, radar: None) -> None:
    words = page(reader, "/catalog/compare/?t=Airflow&t=luigi&t=nobody&only=differences")
    assert "Not known here: nobody" in words
    assert "Our ring" in words
    assert "Sourcing" not in words.split("<tbody>")[1]


def test_a_file_that_was_looked_at_is_imported_without_choosing_it_again(editor: User, airflow: Tool) -> None:
    client = signed_in(editor)
    file = SimpleUploadedFile("facts.csv", b"slug,name,capability\nray,Ray,orchestration\n")
    looked = client.post("/catalog/import/", {"file": file}).content.decode()
    assert "What it would change" in looked
    assert "slug,name,capability" in looked
    assert 'value="facts.csv"' in looked
    assert not Tool.objects.filter(slug="ray").exists()
