"""Freezing a family or all of them on a page, and what the other pages say meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.registry.actions import freeze, propose
from apps.registry.models import Freeze, ModelFamily, ModelVersion, Segment, Wave
from tests.conftest import signed_in
from tests.registry.conftest import Evaluate, MakeVersion
from tests.registry.test_web import proposal, words

PAGE = "/models/eta-trip/freeze/"


def tomorrow(days: int = 1) -> str:
    return f"{timezone.now() + timedelta(days=days):%Y-%m-%dT%H:%M}"


@pytest.fixture
def frozen(family: ModelFamily, approver: User) -> Freeze:
    until = timezone.now() + timedelta(hours=3)
    return freeze(actor=approver, family=family, reason="The rail strike", until=until)


@pytest.fixture
def candidate(
    make_version: MakeVersion, make_champion: MakeVersion, evaluate: Evaluate, atlanta: Segment
) -> ModelVersion:
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version)
    return version


@pytest.fixture
def wave(candidate: ModelVersion, family: ModelFamily, colleague: User) -> Wave:
    return propose(actor=colleague, family=family, versions=[candidate], reason="July winds")


def test_an_approver_freezes_a_family_and_lifts_it_where_it_is_said(family: ModelFamily, approver: User) -> None:
    browser = signed_in(approver)
    response = browser.post(PAGE, {"reason": "Migration week", "until": tomorrow()}, follow=True)
    assert response.redirect_chain == [("/m/eta-trip/", 302)]
    assert "Trip ETA is frozen until" in words(response)
    assert "Approver: “Migration week”" in words(response)
    made = Freeze.objects.get()
    lifted = browser.post(f"/freezes/{made.pk}/lift/", {"next": "/m/eta-trip/"}, follow=True)
    assert lifted.redirect_chain == [("/m/eta-trip/", 302)]
    assert "Lifted: promotions are possible again." in words(lifted)
    assert "is frozen until" not in words(lifted)
    assert "Lifted by Approver" in words(browser.get(PAGE))


def test_a_freeze_is_said_wherever_somebody_would_promote(
    wave: Wave, frozen: Freeze, candidate: ModelVersion, approver: User, colleague: User
) -> None:
    for address in ("/", "/m/eta-trip/", "/m/eta-trip/?tab=activity", "/m/eta-trip/atlanta/", proposal(candidate)):
        assert "“The rail strike”" in words(signed_in(colleague).get(address)), address
    told = words(signed_in(approver).get(f"/promotions/{wave.pk}/"))
    assert "Reject this promotion?" in told
    assert "Approve and promote" not in told
    assert "<textarea" not in signed_in(colleague).get(proposal(candidate)).content.decode()


def test_an_approval_while_frozen_is_refused_with_the_reason(wave: Wave, frozen: Freeze, approver: User) -> None:
    response = signed_in(approver).post(f"/promotions/{wave.pk}/approve/", {"digest": wave.digest}, follow=True)
    assert "The rail strike" in words(response)
    wave.refresh_from_db()
    assert wave.status == "proposed"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"reason": " ", "until": tomorrow()}, "Say why in a sentence."),
        ({"reason": "Why not", "until": "soon"}, "Enter a valid date/time."),
        ({"reason": "Why not", "until": "2001-01-01T00:00"}, "A freeze ends within the next 92 days"),
        ({"reason": "Why not", "until": tomorrow(400)}, "A freeze ends within the next 92 days"),
    ],
)
def test_a_freeze_without_reason_or_end_is_refused_at_its_field(
    family: ModelFamily, approver: User, sent: dict[str, str], sentence: str
) -> None:
    response = signed_in(approver).post(PAGE, sent)
    assert response.status_code == 400
    assert sentence in words(response)
    assert not Freeze.objects.exists()


def test_who_may_not_freeze_is_told_so_and_has_no_button(
    frozen: Freeze, owner: User, stranger: User, admin: User
) -> None:
    for person in (owner, stranger, admin):
        browser = signed_in(person)
        assert PAGE not in browser.get("/m/eta-trip/").content.decode()
        assert f"/freezes/{frozen.pk}/lift/" not in browser.get("/m/eta-trip/").content.decode()
        assert browser.post(PAGE, {"reason": "Mine", "until": tomorrow()}).status_code == 403
        browser.post(f"/freezes/{frozen.pk}/lift/")
    frozen.refresh_from_db()
    assert frozen.lifted_at is None


def test_an_operator_freezes_every_family(family: ModelFamily, operator: User, owner: User) -> None:
    response = signed_in(operator).post("/freezes/", {"reason": "Storage moves", "until": tomorrow()}, follow=True)
    assert "Every family" in words(response)
    assert "Every family is frozen until" in words(signed_in(owner).get("/m/eta-trip/"))
    assert "Every family is frozen until" in words(signed_in(owner).get("/"))


def test_others_read_what_is_frozen_and_can_not_freeze_everything(frozen: Freeze, stranger: User) -> None:
    browser = signed_in(stranger)
    told = browser.get("/freezes/")
    assert "The rail strike" in words(told)
    assert "<textarea" not in told.content.decode()
    assert browser.post("/freezes/", {"reason": "Mine", "until": tomorrow()}).status_code == 403


def test_without_any_freeze_the_page_says_what_one_is_for(family: ModelFamily, approver: User) -> None:
    assert "Never frozen" in words(signed_in(approver).get(PAGE))
