"""Who uses which version, and which versions nobody would miss."""

from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone

from apps.accounts.models import User
from apps.registry import queries
from apps.registry.actions import count_download, move_alias, propose, report_serving, write_uses
from apps.registry.actions.consumption import _tally
from apps.registry.models import Consumption, ModelFamily, ModelVersion, Segment
from tests.conftest import api, signed_in
from tests.registry.conftest import Evaluate, MakeVersion

MONTH = timedelta(days=31)


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    _tally.take()


@pytest.fixture
def version(make_version: MakeVersion, atlanta: Segment) -> ModelVersion:
    return make_version(atlanta)


def uses() -> list[tuple[int, str, str, int]]:
    rows = Consumption.objects.order_by("version", "kind", "user__username")
    return [(row.version_id, row.user.username, row.kind, row.times) for row in rows]


def unused(family: ModelFamily, *, after: int = 31, days: int = 30) -> list[ModelVersion]:
    """What will be safe to delete so many days from now."""
    with time_machine.travel(timezone.now() + timedelta(days=after)):
        return list(queries.unused_versions(family, days=days))


def test_resolving_and_downloading_are_counted_by_user_beside_the_request(
    make_champion: MakeVersion, atlanta: Segment, owner: User, stranger: User
) -> None:
    champion = make_champion(atlanta)
    for user, times in ((owner, 2), (stranger, 1)):
        for _ in range(times):
            api(user).get("/api/v1/families/eta-trip/resolve?segment=atlanta")
    api(owner).get(f"/api/v1/versions/{champion.pk}/files/model.json")
    assert uses() == []
    write_uses()
    assert uses() == [
        (champion.pk, owner.username, "downloaded", 1),
        (champion.pk, owner.username, "resolved", 2),
        (champion.pk, stranger.username, "resolved", 1),
    ]
    api(owner).get("/api/v1/families/eta-trip/resolve")
    write_uses()
    assert (champion.pk, owner.username, "resolved", 3) in uses()


def test_what_the_database_does_not_take_now_waits(version: ModelVersion, owner: User) -> None:
    def away(*args: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    count_download(actor=owner, version=version.pk)
    with connection.execute_wrapper(away):
        write_uses()
    count_download(actor=owner, version=version.pk)
    write_uses()
    assert uses() == [(version.pk, owner.username, "downloaded", 2)]


def test_who_serves_a_version_says_where_with_a_token_that_only_reads(version: ModelVersion, stranger: User) -> None:
    client, address = api(stranger, scope=["read"]), f"/api/v1/versions/{version.pk}/consumption/"
    assert client.post(address, {"place": "eta-api, eu-1"}, format="json").status_code == 204
    assert client.post(address, {"place": " "}, format="json").status_code == 400
    row = client.get(address).json()["results"][0]
    assert (row["user"], row["kind"], row["place"], row["times"]) == (stranger.username, "served", "eta-api, eu-1", 1)


def test_safe_to_delete_is_what_nobody_has_named_used_or_waits_for(
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    boston: Segment,
    family: ModelFamily,
    owner: User,
    colleague: User,
) -> None:
    was = make_champion(atlanta)
    make_champion(atlanta, content="2")
    idle, named, used, served, proposed = [make_version(boston, content=str(n)) for n in range(5)]
    move_alias(actor=owner, version=named, alias="shadow")
    assert unused(family, after=29) == []
    assert unused(family) == [was, idle, used, served, proposed]
    count_download(actor=owner, version=used.pk)
    write_uses()
    report_serving(actor=owner, version=served, place="eta-api")
    Consumption.objects.update(last_at=timezone.now() + timedelta(days=2))
    evaluate(proposed)
    propose(actor=colleague, family=family, versions=[proposed], reason="better")
    assert unused(family) == [was, idle]
    assert unused(family, after=33) == [was, idle, used, served]
    assert unused(family, days=32) == []


def test_what_was_champion_lately_is_the_way_back_and_stays(
    make_champion: MakeVersion, atlanta: Segment, family: ModelFamily
) -> None:
    was = make_champion(atlanta)
    make_champion(atlanta, content="2")
    assert unused(family, after=20, days=10) == [was]
    assert unused(family, after=5, days=10) == []


def test_deleting_what_is_unused_is_all_or_nothing(
    make_version: MakeVersion, atlanta: Segment, family: ModelFamily, owner: User, stranger: User
) -> None:
    first, second = make_version(atlanta), make_version(atlanta, content="2")
    address, both = "/api/v1/families/eta-trip/unused-versions/", [first.pk, second.pk]
    client, strange = api(owner), api(stranger)
    with time_machine.travel(timezone.now() + timedelta(days=7)):
        Consumption.objects.create(version=second, user=owner, kind="served", times=1, last_at=timezone.now())
        assert strange.post(address, {"days": 5, "versions": [first.pk]}, format="json").status_code == 403
        refused = client.post(address, {"days": 5, "versions": both}, format="json")
        sentence = "eta-trip.atlanta v2 is used or gone meanwhile; nothing was deleted. Look at the list again."
        assert (refused.status_code, refused.json()["message"]) == (409, sentence)
        assert ModelVersion.objects.living().count() == 2
        assert [row["id"] for row in client.get(address, {"days": 5}).json()["results"]] == [first.pk]
        assert client.post(address, {"days": 5, "versions": [first.pk]}, format="json").status_code == 204
    assert list(ModelVersion.objects.living()) == [second]


def test_the_page_lists_what_nobody_uses_and_deletes_what_is_ticked(
    make_version: MakeVersion, atlanta: Segment, family: ModelFamily, owner: User, stranger: User
) -> None:
    first, second = make_version(atlanta), make_version(atlanta, content="2")
    page = signed_in(owner)
    assert "Every version is used" in page.get("/models/eta-trip/unused/").content.decode()
    with time_machine.travel(timezone.now() + timedelta(days=9)):
        page, strange = signed_in(owner), signed_in(stranger)
        shown = page.get("/models/eta-trip/unused/?days=8").content.decode()
        assert shown.count('name="version"') == 2
        assert 'name="version"' not in strange.get("/models/eta-trip/unused/?days=8").content.decode()
        assert page.get("/models/eta-trip/unused/?days=0").status_code == 400
        none = page.post("/models/eta-trip/unused/?days=8", follow=True).content.decode()
        assert "Tick at least one version first." in none
        done = page.post("/models/eta-trip/unused/?days=8", {"version": [first.pk]}, follow=True).content.decode()
        assert "Deleted 1 version; its history stays." in done
    assert list(ModelVersion.objects.living()) == [second]
