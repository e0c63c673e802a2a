"""Rollback: one person, one reason, to what served before."""

import pytest

from apps.accounts.models import User
from apps.artifacts.models import TreeFile
from apps.artifacts.queries import local_path
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Invalid
from apps.registry import queries
from apps.registry.actions import rollback
from apps.registry.models import AliasMove, ModelFamily, ModelVersion, Segment
from tests.registry.conftest import MakeVersion


@pytest.fixture
def history(make_champion: MakeVersion, atlanta: Segment) -> list[ModelVersion]:
    """Atlanta's champions: v1, then v2, then v3."""
    return [make_champion(atlanta, content=str(n)) for n in range(3)]


def champion(model: object) -> int:
    found = queries.champion_of(model)  # type: ignore[arg-type]
    assert found is not None
    return found.number


def test_a_lead_goes_back_and_further_back_but_not_forth(
    history: list[ModelVersion], family: ModelFamily, approver: User
) -> None:
    first, second, third = history
    rollback(actor=approver, family=family, versions=[third], reason="wrong by an hour")
    assert champion(third.model) == 2
    rollback(actor=approver, family=family, versions=[second], reason="still wrong")
    assert champion(third.model) == 1
    with pytest.raises(Conflict, match="v1 is its first champion; there is nothing to go back to"):
        rollback(actor=approver, family=family, versions=[first], reason="still")
    moves = AliasMove.objects.filter(kind="rollback")
    assert [(move.by, move.promotion) for move in moves] == [(approver, None)] * 2
    event = AuditEvent.objects.filter(action="registry.rolled_back").latest("id")
    now = {"champion": "v1", "version.digest": first.digest}
    assert (event.before, event.after, event.note) == ({"champion": "v2"}, now, "still wrong")


def test_a_second_click_moves_nothing(history: list[ModelVersion], family: ModelFamily, approver: User) -> None:
    rollback(actor=approver, family=family, versions=[history[2]], reason="wrong")
    with pytest.raises(Conflict, match="Atlanta: the champion is v2, not v3; nothing to take back"):
        rollback(actor=approver, family=family, versions=[history[2]], reason="wrong")
    assert champion(history[0].model) == 2


def test_cities_that_can_not_go_back_are_listed_and_the_others_go(
    history: list[ModelVersion], make_champion: MakeVersion, boston: Segment, family: ModelFamily, approver: User
) -> None:
    only = make_champion(boston)
    done = rollback(actor=approver, family=family, versions=[only, history[2]], reason="wrong")
    assert [str(move) for move in done.moves] == ["eta-trip.atlanta@champion: v3 → v2"]
    assert done.refused == {"eta-trip.boston": "Boston: v1 is its first champion; there is nothing to go back to."}


def test_a_version_whose_files_are_damaged_does_not_serve_again(
    history: list[ModelVersion], family: ModelFamily, approver: User
) -> None:
    local_path(TreeFile.objects.get(tree=history[1].tree_id)).unlink()
    with pytest.raises(Conflict, match="v2 can not serve again"):
        rollback(actor=approver, family=family, versions=[history[2]], reason="wrong")
    assert champion(history[0].model) == 3


def test_a_rollback_says_why(history: list[ModelVersion], family: ModelFamily, approver: User) -> None:
    with pytest.raises(Invalid, match="Say why"):
        rollback(actor=approver, family=family, versions=[history[2]], reason=" ")
    with pytest.raises(Invalid, match="at least one version"):
        rollback(actor=approver, family=family, versions=[], reason="wrong")


def test_what_was_rolled_back_is_no_candidate_again(
    history: list[ModelVersion], family: ModelFamily, approver: User
) -> None:
    rollback(actor=approver, family=family, versions=[history[2]], reason="wrong")
    row = next(row for row in queries.fleet(family) if row.segment == "atlanta")
    assert (row.champion and row.champion.label, row.candidate) == ("v2", None)


def test_the_page_before_a_rollback_shows_where_it_leads(
    history: list[ModelVersion], make_champion: MakeVersion, boston: Segment, family: ModelFamily
) -> None:
    make_champion(boston)
    atlanta_way, boston_way = queries.ways_back(family, ["atlanta", "boston", "nowhere"])
    assert (atlanta_way.version, atlanta_way.back_to, atlanta_way.refusal) == (history[2], history[1], "")
    assert (boston_way.name, boston_way.back_to) == ("Boston", None)
