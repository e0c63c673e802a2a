"""An editor, two members of the board, a capability and a tool; a decision in whatever state a test needs."""

from collections.abc import Callable
from datetime import datetime

import pytest

from apps.accounts.models import PortalRole, User
from apps.catalog.actions import (
    CapabilityFacts,
    Opinion,
    OptionDraft,
    Text,
    ToolFacts,
    accept_decision,
    add_capability,
    add_tool,
    approve_move,
    draft_decision,
    propose_decision,
    propose_move,
)
from apps.catalog.models import Capability, Decision, Position, Tool
from tests.factories import UserFactory, give

MakeTool = Callable[..., Tool]
MakeDecision = Callable[..., Decision]
Place = Callable[..., Position]


@pytest.fixture
def editor(db: None) -> User:
    return give(UserFactory.create(username="editor"), PortalRole.Role.CATALOG_EDITOR)


@pytest.fixture
def board(db: None) -> User:
    return give(UserFactory.create(username="board"), PortalRole.Role.BOARD)


@pytest.fixture
def second_of_board(db: None) -> User:
    return give(UserFactory.create(username="second"), PortalRole.Role.BOARD)


@pytest.fixture
def orchestration(editor: User) -> Capability:
    facts = CapabilityFacts(name="Orchestration", stage="ship", need="Retrain hundreds of city models on time")
    return add_capability(actor=editor, slug="orchestration", facts=facts)


@pytest.fixture
def make_tool(editor: User, orchestration: Capability) -> MakeTool:
    """`make_tool("luigi", summary="…")`: a tool that has no position yet."""

    def make(slug: str, **facts: object) -> Tool:
        usual: dict[str, object] = {"name": slug.title(), "summary": f"{slug.title()} runs what depends on each other."}
        usual |= {"capability": orchestration, "sourcing": "open-source"}
        return add_tool(actor=editor, slug=slug, facts=ToolFacts(**usual | facts))  # type: ignore[arg-type]

    return make


@pytest.fixture
def airflow(make_tool: MakeTool) -> Tool:
    return make_tool("airflow", homepage="https://airflow.apache.org/", licence="Apache-2.0", ecosystem="Apache")


@pytest.fixture
def adopted(editor: User, make_decision: "MakeDecision") -> Opinion:
    """All that an adopted tool needs, an accepted decision among it."""
    decision = make_decision("accepted", number=1)
    return Opinion(
        ring="adopt",
        owner=editor,
        when_to_use="Batch work.",
        getting_started="Copy the template.",
        support="#ml-platform",
        decision=decision,
    )


@pytest.fixture
def place(editor: User, board: User) -> Place:
    """`place(airflow, opinion, "Because.")`: proposed by the editor, approved by the board."""

    def place(tool: Tool, opinion: Opinion, reason: str = "It works for us.", at: datetime | None = None) -> Position:
        move = propose_move(actor=editor, tool=tool, opinion=opinion, reason=reason, at=at)
        approve_move(actor=board, move=move, at=at)
        return Position.objects.get(tool=tool)

    return place


@pytest.fixture
def text(orchestration: Capability, board: User) -> Text:
    return Text(
        title="Airflow for orchestration",
        capability=orchestration,
        sourcing="open-source",
        context="Hundreds of models.",
        outcome="We take *Airflow*.",
    )


@pytest.fixture
def make_decision(editor: User, board: User, text: Text, airflow: Tool) -> MakeDecision:
    """`make_decision("accepted", number=7)`: written and proposed by the editor, accepted by the board."""

    def make(status: str, number: int | None = None) -> Decision:
        options = [OptionDraft(tool=airflow, chosen=True), OptionDraft(label="Build it ourselves", why="Too dear.")]
        decision = draft_decision(actor=editor, text=text, options=options, number=number)
        if status != "draft":
            propose_decision(actor=editor, decision=decision)
        if status == "accepted":
            accept_decision(actor=board, decision=decision)
        return decision

    return make
