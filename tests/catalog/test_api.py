"""The same over /api/v1/: lists with filters, positions and decisions with their verbs."""

from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.catalog.actions import Opinion, edit_position
from apps.catalog.models import Capability, Decision, Position, Tool
from tests.catalog.conftest import MakeDecision, MakeTool, Place
from tests.conftest import api

V1 = "/api/v1"


@pytest.fixture
def reading(stranger: User) -> APIClient:
    return api(stranger, scope=["read"])


@pytest.fixture
def editing(editor: User) -> APIClient:
    return api(editor)


def test_tools_come_with_their_position(
    place: Place, reading: APIClient, editor: User, airflow: Tool, make_tool: MakeTool, adopted: Opinion
) -> None:
    place(airflow, adopted)
    make_tool("luigi")
    body = reading.get(f"{V1}/tools/").json()
    assert [*body] == ["count", "next", "previous", "results"]
    first, second = body["results"]
    assert (first["slug"], first["capability"], first["position"]["ring"]) == ("airflow", "orchestration", "adopt")
    assert first["position"]["owner"] == "editor"
    assert (second["slug"], second["position"]) == ("luigi", None)
    assert reading.get(f"{V1}/tools/airflow/").json() == first


@pytest.mark.parametrize(
    ("query", "seen"),
    [("ring=adopt", ["airflow"]), ("ring=none", ["luigi"]), ("q=luigi", ["luigi"]), ("page_size=1", ["airflow"])],
)
def test_tools_are_filtered_and_paged(
    place: Place,
    reading: APIClient,
    editor: User,
    airflow: Tool,
    make_tool: MakeTool,
    adopted: Opinion,
    query: str,
    seen: list[str],
) -> None:
    place(airflow, adopted)
    make_tool("luigi")
    assert [tool["slug"] for tool in reading.get(f"{V1}/tools/?{query}").json()["results"]] == seen


@pytest.mark.parametrize("query", ["ring=love", "capability=nothing", "q=" + "x" * 101, "q=%00"])
def test_a_filter_that_can_not_be_is_refused_by_name(reading: APIClient, airflow: Tool, query: str) -> None:
    response = reading.get(f"{V1}/tools/?{query}")
    assert response.status_code == 400
    assert [*response.json()["errors"]] == [query.split("=")[0]]


def test_capabilities_flow_from_data_to_run(reading: APIClient, editing: APIClient, orchestration: Capability) -> None:
    for slug, stage in (("drift", "run"), ("storage", "data")):
        sent = {"slug": slug, "name": slug, "stage": stage, "need": "A need."}
        assert editing.post(f"{V1}/capabilities/", sent, format="json").status_code == 201
    body = reading.get(f"{V1}/capabilities/").json()
    assert [found["slug"] for found in body["results"]] == ["storage", "orchestration", "drift"]
    assert editing.patch(f"{V1}/capabilities/drift/", {"need": "Notice."}, format="json").json()["need"] == "Notice."


def test_an_editor_adds_a_tool_and_the_board_places_it(
    editing: APIClient, board: User, orchestration: Capability
) -> None:
    sent = {"slug": "luigi", "name": "Luigi", "summary": "Runs batches.", "capability": "orchestration"}
    assert editing.post(f"{V1}/tools/", sent | {"sourcing": "open-source"}, format="json").status_code == 201
    assert (
        editing.patch(f"{V1}/tools/luigi/", {"licence": "Apache-2.0"}, format="json").json()["licence"] == "Apache-2.0"
    )
    asked = editing.post(f"{V1}/tools/luigi/moves/", {"ring": "assess", "reason": "It works."}, format="json")
    assert (asked.status_code, asked.json()["status"]) == (201, "proposed")
    number = asked.json()["id"]
    assert editing.post(f"{V1}/ring-moves/{number}/approve/", {}, format="json").status_code == 403
    assert api(board).post(f"{V1}/ring-moves/{number}/approve/", {}, format="json").json()["status"] == "applied"
    said = {"owner": "editor", "experts": ["editor"], "revision": 1}
    body = editing.patch(f"{V1}/tools/luigi/position/", said, format="json").json()["position"]
    assert (body["ring"], body["owner"], body["experts"], body["revision"]) == ("assess", "editor", ["editor"], 2)


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        ({}, 400, "ring"),
        ({"ring": "love"}, 400, "ring"),
        ({"ring": "adopt"}, 400, "owner"),
        ({"ring": "assess", "owner": "nobody"}, 400, "owner"),
        ({"ring": "assess", "team": "nobody"}, 400, "team"),
        ({"ring": "assess", "instead": "nothing"}, 400, "instead"),
        ({"ring": "assess", "decision": "ADR-0404"}, 400, "decision"),
        ({"ring": "assess", "next_review": "someday"}, 400, "next_review"),
        ({"ring": "assess", "support": "a\x00b"}, 400, "support"),
        ({"ring": "assess", "when_to_use": "x" * 20_001}, 400, "when_to_use"),
    ],
)
def test_a_position_that_can_not_be_is_refused_by_field(
    editing: APIClient, airflow: Tool, sent: dict[str, object], status: int, field: str
) -> None:
    response = editing.post(f"{V1}/tools/airflow/moves/", {"reason": "It works."} | sent, format="json")
    assert response.status_code == status
    assert field in response.json()["errors"]
    assert not Position.objects.exists()


def test_a_stale_revision_is_a_conflict(
    place: Place, editing: APIClient, editor: User, airflow: Tool, adopted: Opinion
) -> None:
    place(airflow, adopted)
    edit_position(actor=editor, tool=airflow, opinion=replace(adopted, support="#first"))
    response = editing.patch(f"{V1}/tools/airflow/position/", {"support": "#second", "revision": 1}, format="json")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_a_taken_slug_is_a_conflict(editing: APIClient, airflow: Tool) -> None:
    sent = {"slug": "airflow", "name": "A", "summary": "B.", "capability": "orchestration", "sourcing": "buy"}
    assert editing.post(f"{V1}/tools/", sent, format="json").status_code == 409


def test_a_stranger_reads_and_writes_nothing(stranger: User, airflow: Tool, make_decision: MakeDecision) -> None:
    client = api(stranger)
    make_decision("proposed", number=7)
    sent = {"slug": "x", "name": "X", "summary": "X.", "capability": "orchestration", "sourcing": "buy"}
    assert client.post(f"{V1}/tools/", sent, format="json").status_code == 403
    assert client.patch(f"{V1}/tools/airflow/", {"name": "Mine"}, format="json").status_code == 403
    assert client.patch(f"{V1}/tools/airflow/position/", {"ring": "assess"}, format="json").status_code == 403
    assert client.post(f"{V1}/decisions/ADR-0007/accept/", {}, format="json").status_code == 403
    assert client.get(f"{V1}/decisions/ADR-0007/").json()["status"] == "proposed"


def test_a_token_for_reading_writes_nothing(editor: User, airflow: Tool) -> None:
    response = api(editor, scope=["read"]).patch(f"{V1}/tools/airflow/position/", {"ring": "assess"}, format="json")
    assert response.status_code == 403
    assert "catalog:write" in response.json()["message"]


def test_a_token_narrowed_to_a_team_sees_nothing_of_the_whole_company(owner: User, airflow: Tool) -> None:
    client = api(owner, scope=["read"], teams=["rides-eta"])
    assert client.get(f"{V1}/tools/").json()["count"] == 0
    assert client.get(f"{V1}/tools/airflow/").status_code == 404


@pytest.mark.parametrize("address", ["tools/nothing/", "decisions/ADR-0404/", "decisions/1/", "capabilities/nothing/"])
def test_what_is_not_there_is_missing(reading: APIClient, address: str) -> None:
    response = reading.get(f"{V1}/{address}")
    assert (response.status_code, response.json()["code"]) == (404, "missing")


def test_a_decision_goes_from_draft_to_superseded(
    editing: APIClient, board: User, airflow: Tool, make_decision: MakeDecision
) -> None:
    deciding = api(board)
    sent = {
        "title": "Airflow for orchestration",
        "capability": "orchestration",
        "sourcing": "open-source",
        "outcome": "Airflow.",
        "options": [{"tool": "airflow", "chosen": True}, {"label": "Build it ourselves", "why": "Too dear."}],
    }
    drafted = editing.post(f"{V1}/decisions/", sent, format="json")
    assert (drafted.status_code, drafted.json()["number"], drafted.json()["status"]) == (201, "ADR-0001", "draft")
    assert [option["label"] for option in drafted.json()["options"]] == ["Airflow", "Build it ourselves"]
    address = f"{V1}/decisions/ADR-0001"
    assert editing.patch(f"{address}/", {"title": "Airflow"}, format="json").json()["title"] == "Airflow"
    assert editing.post(f"{address}/propose/").json()["proposer"] == "editor"
    assert editing.post(f"{address}/accept/", {}, format="json").status_code == 403
    accepted = deciding.post(f"{address}/accept/", {"note": "Yes."}, format="json").json()
    assert (accepted["status"], accepted["decided_by"]) == ("accepted", "board")
    newer = make_decision("accepted")
    superseded = deciding.post(f"{address}/supersede/", {"by": newer.label}, format="json").json()
    assert (superseded["status"], superseded["superseded_by"]) == ("superseded", "ADR-0002")


def test_the_board_sends_back_and_closes(board: User, make_decision: MakeDecision) -> None:
    deciding = api(board)
    make_decision("proposed", number=7)
    address = f"{V1}/decisions/ADR-0007"
    assert deciding.post(f"{address}/send-back/", {}, format="json").status_code == 400
    assert deciding.post(f"{address}/send-back/", {"reason": "Why?"}, format="json").json()["status"] == "draft"
    closed = deciding.post(f"{address}/close/", {"reason": "Nobody asks any more."}, format="json").json()
    assert (closed["status"], closed["closed_because"]) == ("closed", "Nobody asks any more.")
    assert deciding.post(f"{address}/close/", {"reason": "Again."}, format="json").status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"capability": "nothing"}, "capability"),
        ({"sourcing": "steal"}, "sourcing"),
        ({"options": [{"tool": "nothing"}]}, "tool"),
        ({"options": [{}]}, "options"),
        ({"options": [{"label": str(number)} for number in range(21)]}, "options"),
        ({"options": "all"}, "options"),
    ],
)
def test_a_draft_that_can_not_be_is_refused_by_field(
    editing: APIClient, airflow: Tool, change: dict[str, object], field: str
) -> None:
    sent = {"title": "T", "capability": "orchestration", "sourcing": "buy"} | change
    response = editing.post(f"{V1}/decisions/", sent, format="json")
    assert response.status_code == 400
    assert field in response.json()["errors"]
    assert not Decision.objects.exists()


def test_decisions_are_filtered(reading: APIClient, make_decision: MakeDecision) -> None:
    make_decision("draft")
    make_decision("accepted")
    for query, seen in [("status=accepted", ["ADR-0002"]), ("q=airflow", ["ADR-0002", "ADR-0001"]), ("q=none", [])]:
        body = reading.get(f"{V1}/decisions/?{query}").json()
        assert [found["number"] for found in body["results"]] == seen


@pytest.mark.parametrize("junk", [b"[" * 100_000, b'"x"', b"[]", b"null", b"\xff", b'{"ring": {}}'])
def test_junk_is_refused_with_a_sentence(editing: APIClient, airflow: Tool, junk: bytes) -> None:
    for method, address in (("patch", "tools/airflow/position/"), ("post", "decisions/"), ("post", "tools/")):
        send = getattr(editing, method)
        response = send(f"{V1}/{address}", junk, content_type="application/json")
        assert response.status_code == 400
        assert response.json()["message"]


def test_nobody_reads_without_a_credential(client: Client, airflow: Tool) -> None:
    for address in ("tools/", "tools/airflow/", "decisions/", "capabilities/"):
        assert client.get(f"{V1}/{address}").status_code == 401


def test_lists_ask_the_database_a_constant_number_of_times(
    place: Place,
    reading: APIClient,
    editor: User,
    make_tool: MakeTool,
    make_decision: MakeDecision,
    adopted: Opinion,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(30):
        place(make_tool(f"tool-{number}"), adopted)
        make_decision("accepted")
    for address in ("tools/", "decisions/", "capabilities/", "tools/tool-7/", "decisions/ADR-0007/"):
        with django_assert_max_num_queries(7):
            assert reading.get(f"{V1}/{address}").status_code == 200
