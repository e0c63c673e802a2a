"""The gate editor: what it shows, what it would do, and that nothing counts before it is saved."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.registry.actions import set_gates
from apps.registry.gates import GateSpec
from apps.registry.models import Gate, ModelFamily, ModelVersion, Segment
from tests.conftest import signed_in
from tests.registry.conftest import Evaluate, MakeVersion
from tests.registry.test_web import words

EDITOR = "/models/eta-trip/gates/"
USUAL: dict[str, Any] = {
    "kind": ["significance", "enough_data", "no_leakage"],
    "significance-margin": "0",
    "enough_data-rows": "30",
    "enough_data-days": "10",
}


@pytest.fixture
def candidate(
    make_version: MakeVersion, make_champion: MakeVersion, evaluate: Evaluate, atlanta: Segment
) -> ModelVersion:
    """Atlanta's v2, three minutes better than its champion v1."""
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version)
    return version


def test_the_editor_shows_the_gates_and_what_they_say_today(candidate: ModelVersion, approver: User) -> None:
    told = words(signed_in(approver).get(EDITOR))
    assert "Better than the champion" in told
    assert "These rules on today's one candidate: 1 pass, 0 inconclusive, 0 fail." in told.replace("&#x27;", "'")
    assert "Nobody ends otherwise" in told


def test_a_preview_names_who_would_end_otherwise_and_saves_nothing(candidate: ModelVersion, approver: User) -> None:
    browser = signed_in(approver)
    told = words(browser.post(EDITOR, USUAL | {"significance-margin": "5", "do": "preview"}))
    assert "0 pass, 0 inconclusive, 1 fail" in told
    assert "1 ends otherwise than by the gates of now" in told
    assert "not better by more than 5 min" in told
    assert Gate.objects.get(kind="significance").settings == {}


def test_typing_asks_for_the_preview_alone(candidate: ModelVersion, approver: User) -> None:
    headers = {"HX-Request": "true"}
    answer = signed_in(approver).post(EDITOR, USUAL | {"do": "preview"}, headers=headers)
    assert "<html" not in answer.content.decode()
    assert "1 pass" in words(answer)


def test_gates_are_added_moved_and_removed_without_being_saved(family: ModelFamily, approver: User) -> None:
    browser = signed_in(approver)
    more = browser.post(EDITOR, USUAL | {"do": "add:reproducible"})
    assert kinds_of(more) == [*USUAL["kind"], "reproducible"]
    assert kinds_of(browser.post(EDITOR, USUAL | {"do": "up:no_leakage"})) == [
        "significance",
        "no_leakage",
        "enough_data",
    ]
    assert kinds_of(browser.post(EDITOR, USUAL | {"do": "down:no_leakage"})) == USUAL["kind"]
    assert kinds_of(browser.post(EDITOR, USUAL | {"do": "remove:significance"})) == ["enough_data", "no_leakage"]
    assert family.gates.count() == 3


def kinds_of(response: Any) -> list[str]:
    return [form.kind.name for form in response.context["editor"].forms]


def test_what_is_saved_judges_and_the_history_says_so(
    family: ModelFamily, candidate: ModelVersion, approver: User
) -> None:
    sent = USUAL | {"kind": ["threshold", "significance"], "threshold-limit": "5", "do": "save"}
    response = signed_in(approver).post(EDITOR, sent, follow=True)
    assert response.redirect_chain == [("/m/eta-trip/?tab=settings", 302)]
    assert list(family.gates.values_list("kind", "settings")) == [("threshold", {"limit": 5.0}), ("significance", {})]
    assert "Good enough The metric itself keeps a limit, whatever the champion does. Limit: 5 min" in words(response)
    assert AuditEvent.objects.filter(action="registry.gates_set", actor_id=approver.pk).count() == 1


def test_saving_what_was_shown_changes_nothing(family: ModelFamily, approver: User) -> None:
    signed_in(approver).post(EDITOR, USUAL | {"do": "save"})
    assert not AuditEvent.objects.filter(action="registry.gates_set").exists()


def test_a_default_that_was_said_stays_said(family: ModelFamily, approver: User) -> None:
    set_gates(actor=approver, family=family, gates=[GateSpec("enough_data", {"rows": 30})])
    signed_in(approver).post(EDITOR, USUAL | {"kind": ["enough_data"], "do": "save"})
    assert family.gates.get().settings == {"rows": 30}


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"significance-margin": "-1"}, "greater than or equal to 0"),
        ({"significance-margin": "much"}, "Enter a number"),
        ({"kind": ["threshold"], "threshold-limit": ""}, "This field is required"),
        ({"kind": ["files"], "files-formats": "", "files-pickle": "refuse"}, "This field is required"),
        ({"kind": ["files"], "files-formats": "json", "files-pickle": "eaten"}, "Select a valid choice"),
    ],
)
def test_a_setting_that_makes_no_sense_is_said_at_its_field_and_nothing_is_saved(
    family: ModelFamily, approver: User, sent: dict[str, Any], sentence: str
) -> None:
    response = signed_in(approver).post(EDITOR, USUAL | sent | {"do": "save"})
    assert response.status_code == 400
    assert sentence in words(response)
    assert family.gates.count() == 3


@pytest.mark.parametrize("sent", [{"kind": ["magic"]}, {"do": "add:magic"}])
def test_a_gate_that_does_not_exist_is_refused(family: ModelFamily, approver: User, sent: dict[str, Any]) -> None:
    response = signed_in(approver).post(EDITOR, USUAL | {"do": "save"} | sent)
    assert response.status_code == 400
    assert "There is no gate" in words(response)


def test_without_gates_the_page_warns(family: ModelFamily, approver: User) -> None:
    told = words(signed_in(approver).post(EDITOR, {"do": "preview"}))
    assert "Every candidate that was evaluated may be promoted, however bad it is." in told


def test_only_leads_of_the_owner_edit_gates(family: ModelFamily, owner: User, stranger: User, admin: User) -> None:
    for person in (owner, stranger, admin):
        for response in (signed_in(person).get(EDITOR), signed_in(person).post(EDITOR, {"do": "save"})):
            assert response.status_code == 403
    assert family.gates.count() == 3


def test_an_alias_has_gates_of_its_own(family: ModelFamily, approver: User) -> None:
    browser = signed_in(approver)
    browser.post(f"{EDITOR}?alias=champion", {"kind": ["threshold"], "threshold-limit": "9", "do": "save"})
    assert list(family.gates.values_list("alias", "kind").order_by("alias", "position"))[-1] == (
        "champion",
        "threshold",
    )
    assert family.gates.count() == 4
    assert browser.get(f"{EDITOR}?alias=nothing").status_code == 400
