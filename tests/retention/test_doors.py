"""Pages and addresses of retention: who sees what, and that both say the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.registry.models import ModelFamily
from apps.retention.models import Rule
from apps.retention.terms import Kind
from tests.conftest import api, signed_in
from tests.retention.conftest import Trained, cut_all, make_rule

pytestmark = pytest.mark.django_db
PAGE, API = "/models/eta-trip/retention/", "/api/v1/families/eta-trip/retention/"
DAYS = {f"{kind}_days": 30 for kind in Kind}


def test_a_lead_looks_saves_takes_back_and_reads_what_went_on_pages(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    page = signed_in(approver)
    assert "It keeps everything." in page.get(PAGE).content.decode()
    looked = page.get(PAGE, DAYS)
    preview = looked.context["preview"]
    assert f'href="{PAGE}files/?days=30"' in looked.content.decode()
    assert not Rule.objects.exists()
    saved = page.post(PAGE, DAYS | {"plan": preview.plan}, follow=True)
    assert "It begins to remove a day from now" in saved.content.decode()
    assert "Nothing is removed before" in saved.content.decode()
    assert page.post(PAGE, DAYS | {"plan": "0" * 64, "files_days": 40}).status_code == 409
    empty = dict.fromkeys(DAYS, "")
    back = page.post(PAGE, empty | {"plan": page.get(PAGE, empty).context["preview"].plan}, follow=True)
    assert "Saved: everything is kept." in back.content.decode()
    cut_all(make_rule(approver, family))
    assert page.get(PAGE).context["page"].paginator.count == 1


@pytest.mark.parametrize(("days", "said"), [("6", "Between 7 and 3,650"), ("x", "Between 7 and 3,650")])
def test_days_that_can_not_be_are_said_at_their_field(
    family: ModelFamily, approver: User, days: str, said: str
) -> None:
    page = signed_in(approver)
    for answer in (page.get(PAGE, {"logs_days": days}), page.post(PAGE, {"logs_days": days, "plan": "0" * 64})):
        assert answer.status_code == 400
        assert said in answer.content.decode()
    assert api(approver).get(f"{API}preview/", {"logs_days": days}).status_code == 400
    assert api(approver).put(API, {"logs_days": days}, format="json").status_code == 400


def test_the_api_does_what_the_page_does(
    family: ModelFamily, approver: User, trained: list[Trained], later: None
) -> None:
    client = api(approver)
    assert client.get(API).json() == {
        **dict.fromkeys(DAYS),
        "set_by": None,
        "set_at": None,
        "begins_at": None,
        "rests": "",
    }
    preview = client.get(f"{API}preview/", DAYS).json()
    assert {part["kind"]: part["count"] for part in preview["parts"]} == {
        "logs": 3,
        "attempts": 3,
        "metrics": 12,
        "files": 2,
    }
    for kind in Kind:
        listed = client.get(f"{API}preview/{kind}/", {"days": 30, "page_size": 2}).json()
        assert listed["count"] == {"files": 2}.get(kind, 3)
        assert len(listed["results"]) == 2
    assert client.put(API, DAYS, format="json").status_code == 409
    told = client.put(API, DAYS | {"plan": preview["plan"]}, format="json")
    assert told.status_code == 200
    assert (told.json()["set_by"], told.json()["files_days"]) == (approver.username, 30)
    assert told.json()["begins_at"] > told.json()["set_at"]
    cut_all(make_rule(approver, family))
    (cut,) = client.get(f"{API}cuts/").json()["results"]
    assert (cut["versions"], cut["logs"], cut["terms"]) == (2, 3, DAYS)


@pytest.mark.parametrize("kind", Kind)
def test_a_list_leads_to_what_would_go_and_asks_as_often_however_long_it_is(
    family: ModelFamily,
    owner: User,
    trained: list[Trained],
    later: None,
    kind: str,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    page = signed_in(owner)
    with django_assert_max_num_queries(25):  # type: ignore[attr-defined]
        shown = page.get(f"{PAGE}{kind}/", {"days": 30})
    assert "atlanta" in shown.content.decode().lower()
    assert all(page.get(address).status_code == 200 for _, address in shown.context["items"] if address)
    assert "Nothing would go" in page.get(f"{PAGE}{kind}/", {"days": 3_650}).content.decode()
    assert page.get(f"{PAGE}{kind}/").status_code == 400
    assert page.get(f"{PAGE}audit/", {"days": 30}).status_code == 404


def test_a_member_looks_and_sets_nothing_and_a_stranger_of_a_restricted_family_sees_nothing(
    family: ModelFamily, approver: User, owner: User, stranger: User, trained: list[Trained], later: None
) -> None:
    page = signed_in(owner)
    shown = page.get(PAGE, DAYS).content.decode()
    assert "Save as the rule" not in shown
    assert "Only a lead of Rides ETA" in shown
    assert page.post(PAGE, DAYS | {"plan": "0" * 64}).status_code == 403
    assert api(owner).put(API, DAYS, format="json").status_code == 403
    ModelFamily.objects.update(visibility="teams")
    for address in (PAGE, f"{PAGE}files/?days=30"):
        assert signed_in(stranger).get(address).status_code == 404
    for address in (API, f"{API}preview/", f"{API}preview/files/?days=30", f"{API}cuts/"):
        assert api(stranger).get(address).status_code == 404
        assert api(approver).get(address).status_code == 200
