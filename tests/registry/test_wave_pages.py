"""A promotion of many: what it would do, its stages, what a rollback leaves to be looked at, and what was when."""

from typing import Any

import pytest

from apps.accounts.models import Membership, Team, User
from apps.registry.actions import AliasSpec, approve, propose, rollback, update_family
from apps.registry.models import AliasMove, ModelFamily, ModelVersion, Rollback, Segment, Wave
from tests.conftest import signed_in
from tests.factories import put_into
from tests.registry.conftest import Evaluate, MakeVersion
from tests.registry.test_web import proposal, words


@pytest.fixture
def candidate(
    make_version: MakeVersion, make_champion: MakeVersion, evaluate: Evaluate, atlanta: Segment
) -> ModelVersion:
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version)
    return version


@pytest.fixture
def two(
    make_version: MakeVersion, make_champion: MakeVersion, evaluate: Evaluate, atlanta: Segment, boston: Segment
) -> list[ModelVersion]:
    """Candidates of Atlanta and Boston, three minutes better than their champions."""
    for city in (atlanta, boston):
        make_champion(city)
    versions = [make_version(city) for city in (atlanta, boston)]
    evaluate(*versions)
    return versions


@pytest.fixture
def taken_back(candidate: ModelVersion, family: ModelFamily, colleague: User, approver: User) -> Rollback:
    wave = propose(actor=colleague, family=family, versions=[candidate], reason="July winds")
    approve(actor=approver, wave=wave, digest=wave.digest)
    return rollback(actor=approver, family=family, versions=[candidate], reason="The dispatchers complain").rollback


def test_the_dry_run_shows_the_sum_and_what_chance_alone_would_pass(two: list[ModelVersion], owner: User) -> None:
    told = words(signed_in(owner).get(proposal(*two)))
    assert "Mean MAE 9.00 → 6.00 min 2 segments with a champion" in told
    assert "Weighted by rows 9.00 → 6.00 min 180 rows" in told
    assert "Better by chance 0.1" in told


def test_a_proposal_in_stages_moves_the_first_after_the_approval(
    two: list[ModelVersion], owner: User, approver: User, colleague: User
) -> None:
    sent = {"reason": "Carefully", "key": "k", "stages": "1", "live_limit": "7"}
    told = words(signed_in(owner).post(proposal(*two), sent, follow=True))
    assert "Stage 1 1 segment: Atlanta Next Stage 2 1 segment: Boston Later" in told
    assert "A live value of 7.00 min or better" in told
    wave = Wave.objects.get(status="proposed")
    address = f"/promotions/{wave.pk}/"
    signed_in(approver).post(f"{address}approve/", {"digest": wave.digest})
    running = words(signed_in(colleague).get(address))
    assert "1 on the new version 1 on what they had" in running
    assert "Move stage 2" in running
    assert "Take this promotion back?" not in running
    assert "Take this promotion back?" in words(signed_in(approver).get(address))
    stopped = words(signed_in(owner).post(f"{address}withdraw/", {"reason": "One is enough."}, follow=True))
    assert "Stopped after stage 1 of 2: what has moved stays, the rest keeps what it has." in stopped
    assert "Withdrawn One is enough." in stopped


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"stages": "a few"}, "Write numbers of segments, such as 5, 50."),
        ({"stages": "5, 1"}, "growing numbers of segments"),
        ({"live_limit": "low"}, "Enter a number."),
        ({"live_limit": "5"}, "there are stages that wait for it"),
    ],
)
def test_stages_without_sense_are_refused_at_their_field(
    two: list[ModelVersion], owner: User, sent: dict[str, Any], sentence: str
) -> None:
    response = signed_in(owner).post(proposal(*two), {"reason": "Carefully", "key": "k"} | sent)
    assert response.status_code == 400
    assert sentence in words(response)
    assert not Wave.objects.filter(status="proposed").exists()


def test_together_they_may_not_make_the_sum_worse(
    family: ModelFamily, two: list[ModelVersion], make_version: MakeVersion, evaluate: Evaluate, owner: User
) -> None:
    family.gates.all().delete()
    worse = make_version(two[0].model.its_segment)
    evaluate(worse, mae=12.0)
    page = signed_in(owner).get(proposal(worse))
    assert "Together they would make the sum over all rows worse" in words(page)
    assert "<textarea" not in page.content.decode()


def test_an_approval_within_seconds_is_a_hint_for_the_next_approver(
    candidate: ModelVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    approver: User,
    colleague: User,
    team: Team,
) -> None:
    sent = propose(actor=colleague, family=family, versions=[candidate], reason="July winds")
    told = words(signed_in(approver).get(f"/promotions/{sent.pk}/"))
    assert "came within 30 seconds" in told
    assert "came within 30 seconds" not in words(signed_in(colleague).get(f"/promotions/{sent.pk}/"))
    settings = "/m/eta-trip/?tab=settings"  # whoever can change the tier reads it there, too
    assert "came within 30 seconds" in words(signed_in(approver).get(settings))
    assert "came within 30 seconds" not in words(signed_in(colleague).get(settings))


def test_a_promotion_that_is_half_way_waits_for_its_proposer_and_is_taken_back_from_the_familys_page(
    two: list[ModelVersion], family: ModelFamily, owner: User, approver: User, atlanta: Segment
) -> None:
    wave = propose(actor=owner, family=family, versions=two, reason="Carefully", stages=[1])
    approve(actor=approver, wave=wave, digest=wave.digest)
    assert "Trip ETA: stage 1 of 2 has moved" in words(signed_in(owner).get("/"))
    client, address = signed_in(approver), "/promotions/roll-back/?family=eta-trip"
    assert f'href="{address}"' in client.get("/m/eta-trip/").text
    shown = words(client.get(address, follow=True))
    assert f"Take promotion #{wave.pk} back: 1 segment" in shown
    assert "Its later stages are withdrawn." in shown
    sent = client.post(f"{address}&wave={wave.pk}", {"reason": "It is slow."}, follow=True)
    assert "Rolled back: 1 of 1." in words(sent)
    assert Wave.objects.get(pk=wave.pk).status == "undone"
    assert "stage 1 of 2" not in words(signed_in(owner).get("/"))
    assert "is its first champion; there is nothing to go back to" in words(client.get(address, follow=True))
    for wrong in ("none", "9" * 30, wave.pk + 1_000):
        assert client.get(f"{address}&wave={wrong}").status_code == 404


# a rollback is looked at afterwards


def test_a_rollback_waits_for_somebody_else_until_they_have_looked(
    taken_back: Rollback, approver: User, owner: User
) -> None:
    assert "1 segment was rolled back" not in words(signed_in(approver).get("/"))
    browser, address = signed_in(owner), f"/promotions/rollbacks/{taken_back.pk}/"
    assert "Trip ETA: 1 segment was rolled back Approver: The dispatchers complain" in words(browser.get("/"))
    told = words(browser.get(address))
    assert "Atlanta GA v2 v1" in told
    response = browser.post(address, {"note": "Right so"}, follow=True)
    assert "Reviewed by Owner" in words(response)
    assert "rolled back" not in words(browser.get("/"))
    assert "Somebody has reviewed this already." in words(browser.post(address, {"note": ""}, follow=True))


def test_who_rolled_back_does_not_review_it_and_strangers_do_not(
    taken_back: Rollback, approver: User, stranger: User
) -> None:
    for person in (approver, stranger):
        address = f"/promotions/rollbacks/{taken_back.pk}/"
        assert "I have looked at it" not in words(signed_in(person).get(address))
        signed_in(person).post(address, {"note": "Fine"})
    taken_back.refresh_from_db()
    assert taken_back.reviewed_at is None
    assert signed_in(stranger).get("/promotions/rollbacks/999999/").status_code == 404


# what was when


def test_a_segment_tells_what_was_champion_on_a_day_and_on_which_evidence(
    taken_back: Rollback, approver: User, owner: User, stranger: User
) -> None:
    today = f"{AliasMove.objects.earliest('at').at:%Y-%m-%d}"
    browser = signed_in(owner)
    told = words(browser.get(f"/m/eta-trip/atlanta/?as_of={today}"))
    assert "v1 was champion" in told
    assert "Approver rolled back to it" in told
    assert "Evidence: 6.00 against 9.00 min on 90 rows of July 2013." in told
    before = words(browser.get("/m/eta-trip/atlanta/?as_of=2001-02-03"))
    assert "Nothing was champion at the end of 3 February 2001." in before
    assert "Restore v2" in words(signed_in(approver).get("/m/eta-trip/atlanta/"))
    assert "Restore v2" not in words(browser.get("/m/eta-trip/atlanta/"))
    assert "written like 2013-07-03" in words(browser.get("/m/eta-trip/atlanta/?as_of=yesterday"))


def test_aliases_stand_in_their_order_each_with_a_history_of_its_own(
    candidate: ModelVersion, family: ModelFamily, approver: User, colleague: User
) -> None:
    aliases = [AliasSpec("staging", approvals_needed=0), AliasSpec("champion")]
    update_family(actor=approver, family=family, aliases=aliases)
    browser = signed_in(colleague)
    told = words(browser.get(f"{proposal(candidate)}&alias=staging"))
    assert "Promote 1 segment to staging" in told
    browser.post(f"{proposal(candidate)}&alias=staging", {"reason": "Try it", "key": "k"})
    page = words(browser.get("/m/eta-trip/atlanta/?alias=staging"))
    assert "staging v2 → champion v1" in page
    assert "promoted v2 , the first" in page
    assert browser.get("/m/eta-trip/atlanta/?alias=nothing").status_code == 400
    assert browser.get("/m/eta-trip/atlanta/?as_of=0000-00-00").status_code == 400


def test_a_segment_without_any_model_has_no_history(family: ModelFamily, boston: Segment, owner: User) -> None:
    assert "Nothing has been champion yet." in words(signed_in(owner).get("/m/eta-trip/boston/?as_of=2013-07-03"))


def test_a_member_of_another_team_sees_the_rollback_and_no_button(
    taken_back: Rollback, other_team: Team, team: Team
) -> None:
    guest = put_into(other_team, User.objects.create_user("guest"), Membership.Role.LEAD)
    told = words(signed_in(guest).get(f"/promotions/rollbacks/{taken_back.pk}/"))
    assert "Not reviewed yet" in told
    assert "I have looked at it" not in told
