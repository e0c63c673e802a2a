"""Statements that are planned once per connection, whatever happens to the connection and to the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from apps.accounts.models import Team
from apps.core import prepared as room
from apps.core.prepared import columns, first, prepared

pytestmark = pytest.mark.django_db

BY_SLUG = f"SELECT {columns(Team, 'team')} FROM accounts_team AS team WHERE team.slug = %s AND team.id > %s"


@pytest.fixture
def team() -> Team:
    return Team.objects.create(slug="planned-once", name="Planned once")


def test_the_second_time_it_is_only_executed(team: Team, django_assert_num_queries: Callable[..., Any]) -> None:
    first(Team, BY_SLUG, [team.slug, 0])
    with django_assert_num_queries(1) as asked:
        assert first(Team, BY_SLUG, [team.slug, 0]) == team
    assert asked.captured_queries[0]["sql"].startswith("EXECUTE portal_")
    assert first(Team, BY_SLUG, [team.slug, team.pk]) is None


def test_values_stay_values(team: Team) -> None:
    assert first(Team, BY_SLUG, ["'); DROP TABLE accounts_team; --", 0]) is None
    assert first(Team, BY_SLUG, ["$1 %s", 0]) is None


def test_it_outlives_a_transaction_that_was_rolled_back(team: Team) -> None:
    statement = f"{BY_SLUG} AND team.name <> %s"
    with transaction.atomic():
        first(Team, statement, [team.slug, 0, ""])
        transaction.set_rollback(True)
    assert first(Team, statement, [team.slug, 0, ""]) == team


def test_a_column_that_a_migration_adds_does_not_break_it(team: Team) -> None:
    first(Team, BY_SLUG, [team.slug, 0])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_team ADD COLUMN motto text")
    assert first(Team, BY_SLUG, [team.slug, 0]) == team


def test_a_connection_keeps_only_so_many_plans(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_PREPARED", 0)
    statement = f"{BY_SLUG} AND true"
    assert prepared(statement, [team.slug, 0]) == (statement, [team.slug, 0])
    assert first(Team, statement, [team.slug, 0]) == team


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_plans_anew() -> None:
    team = Team.objects.create(slug="planned-anew", name="Planned anew")
    first(Team, BY_SLUG, [team.slug, 0])
    connection.close()
    assert first(Team, BY_SLUG, [team.slug, 0]) == team
