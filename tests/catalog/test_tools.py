"""Facts about tools and capabilities: who may write them, and what is refused."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.queries import timeline
from apps.catalog.actions import CapabilityFacts, ToolFacts, add_capability, add_tool, edit_capability, edit_tool
from apps.catalog.models import Capability, Tool
from apps.core.errors import Denied, Exists, Invalid
from tests.catalog.conftest import MakeTool

MONITORING = CapabilityFacts(name="Monitoring", stage="run", need="Notice when a live model goes wrong")


def test_an_editor_adds_a_capability_and_the_audit_knows(editor: User) -> None:
    capability = add_capability(actor=editor, slug="monitoring", facts=MONITORING)
    [event] = timeline(capability)
    assert (event.actor_name, event.sentence) == ("Editor", "added the capability Monitoring")


def test_others_add_no_capability(owner: User, approver: User, operator: User, admin: User, board: User) -> None:
    for person in (owner, approver, operator, admin, board):
        with pytest.raises(Denied, match="Only a catalog editor"):
            add_capability(actor=person, slug="monitoring", facts=MONITORING)
    assert not Capability.objects.exists()


def test_a_capability_has_a_name_of_its_own(editor: User, orchestration: Capability) -> None:
    same_name = CapabilityFacts(name=orchestration.name, stage="run", need="x")
    with pytest.raises(Exists, match="already a capability"):
        add_capability(actor=editor, slug="other", facts=same_name)
    with pytest.raises(Exists, match="already a capability"):
        add_capability(actor=editor, slug=orchestration.slug, facts=MONITORING)


def test_renaming_to_a_taken_name_changes_nothing(editor: User, orchestration: Capability) -> None:
    monitoring = add_capability(actor=editor, slug="monitoring", facts=MONITORING)
    with pytest.raises(Exists):
        edit_capability(actor=editor, capability=monitoring, facts=replace(MONITORING, name=orchestration.name))
    monitoring.refresh_from_db()
    assert monitoring.name == "Monitoring"


def test_an_edited_capability_says_what_changed(editor: User, orchestration: Capability) -> None:
    facts = replace(CapabilityFacts.of(orchestration), need="Run batches on time")
    edited = edit_capability(actor=editor, capability=orchestration, facts=facts)
    assert edited.need == "Run batches on time"
    event = timeline(edited)[0]
    assert event.before == {"need": "Retrain hundreds of city models on time"}
    assert event.after == {"need": "Run batches on time"}


def test_a_stranger_edits_no_capability(stranger: User, orchestration: Capability) -> None:
    with pytest.raises(Denied):
        edit_capability(actor=stranger, capability=orchestration, facts=MONITORING)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("summary", "x" * 281),
        ("homepage", "javascript:alert(1)"),
        ("homepage", "ftp://example.org/"),
        ("sourcing", "postpone"),
        ("licence", "x" * 65),
    ],
)
def test_a_fact_that_can_not_be_is_refused_by_its_field(
    editor: User, orchestration: Capability, field: str, value: str
) -> None:
    facts = ToolFacts(name="Luigi", summary="It runs.", capability=orchestration, sourcing="open-source")
    with pytest.raises(Invalid) as refusal:
        add_tool(actor=editor, slug="luigi", facts=replace(facts, **{field: value}))  # type: ignore[arg-type]
    assert [*refusal.value.errors] == [field]
    assert not Tool.objects.exists()


def test_a_tool_has_a_slug_of_its_own(make_tool: MakeTool, airflow: Tool) -> None:
    with pytest.raises(Exists, match="already a tool 'airflow'"):
        make_tool("airflow")


def test_a_slug_is_a_word_for_addresses(make_tool: MakeTool) -> None:
    with pytest.raises(Invalid) as refusal:
        make_tool("../etc")
    assert refusal.value.field == "slug"


def test_an_edited_tool_says_what_changed(editor: User, airflow: Tool) -> None:
    edited = edit_tool(actor=editor, tool=airflow, facts=replace(ToolFacts.of(airflow), ecosystem="ASF"))
    assert Tool.objects.get().ecosystem == "ASF"
    assert timeline(edited)[0].after == {"ecosystem": "ASF"}


def test_the_same_facts_again_are_no_event(editor: User, airflow: Tool) -> None:
    edit_tool(actor=editor, tool=airflow, facts=ToolFacts.of(airflow))
    assert timeline(airflow).count() == 1


def test_others_write_no_facts(owner: User, board: User, admin: User, airflow: Tool) -> None:
    for person in (owner, board, admin):
        with pytest.raises(Denied):
            edit_tool(actor=person, tool=airflow, facts=replace(ToolFacts.of(airflow), name="Mine"))
        with pytest.raises(Denied):
            add_tool(actor=person, slug="mine", facts=ToolFacts.of(airflow))
    assert Tool.objects.get().name == "Airflow"


def test_the_database_itself_wants_a_need_and_a_range(airflow: Tool, orchestration: Capability) -> None:
    for days in ({"learning_days_low": 3}, {"learning_days_low": 3, "learning_days_high": 2}):
        with pytest.raises(IntegrityError, match="learning_days_are_a_range"), transaction.atomic():
            Tool.objects.update(**days)
    with pytest.raises(IntegrityError, match="capability_names_its_need"), transaction.atomic():
        Capability.objects.update(need="")
