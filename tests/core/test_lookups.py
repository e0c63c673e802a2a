"""`key__among`: the same as `key__in`, of keys and foreign keys, in one parameter."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, Team, User

pytestmark = pytest.mark.django_db


def test_finds_what_in_finds(team: Team, other_team: Team, owner: User, colleague: User) -> None:
    assert set(Team.objects.filter(pk__among={team.pk, other_team.pk})) == {team, other_team}
    assert list(Team.objects.filter(slug__among=["delivery", "nobody's"])) == [other_team]
    of_team = Membership.objects.filter(team__among=[team.pk], user__among={owner.pk, colleague.pk})
    assert set(of_team.values_list("user", flat=True)) == {owner.pk, colleague.pk}


def test_asks_nothing_for_no_keys_and_sends_one_array_for_many() -> None:
    with CaptureQueriesContext(connection) as asked:
        assert not Team.objects.filter(pk__among=set())
        assert not Team.objects.filter(pk__among=range(1_000_001, 1_000_301))
    assert len(asked) == 1
    assert "= ANY (ARRAY[1000001,1000002," in asked[0]["sql"]
