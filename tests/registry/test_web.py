"""The pages of promotion: the list, the proposal, the decision and the way back."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from apps.accounts.models import Membership, Team, User
from apps.registry.actions import SegmentSpec, add_segments, approve, propose, update_family
from apps.registry.models import Alias, ModelFamily, ModelVersion, Segment, Wave
from tests.conftest import api, signed_in
from tests.factories import put_into
from tests.registry.conftest import Evaluate, MakeVersion

MOST_QUERIES = 25
Queries = Callable[[int], Any]


def words(response: Any) -> str:
    """What a person reads."""
    page = re.sub(r"<(svg|title).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def proposal(*versions: ModelVersion) -> str:
    chosen = {"family": "eta-trip", "version": [version.pk for version in versions]}
    return f"/promotions/new/?{urlencode(chosen, doseq=True)}"


def way_back(*segments: Segment) -> str:
    chosen = {"family": "eta-trip", "segment": [segment.slug for segment in segments]}
    return f"/promotions/roll-back/?{urlencode(chosen, doseq=True)}"


def champion_of(segment: Segment) -> str:
    return Alias.objects.get(model__segment=segment, name="champion").version.label


@pytest.fixture
def candidate(
    make_version: MakeVersion, make_champion: MakeVersion, evaluate: Evaluate, atlanta: Segment
) -> ModelVersion:
    """Atlanta's v2, three minutes better than its champion v1."""
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version)
    return version


@pytest.fixture
def wave(candidate: ModelVersion, family: ModelFamily, colleague: User) -> Wave:
    return propose(actor=colleague, family=family, versions=[candidate], reason="July winds")


@pytest.fixture
def served_twice(candidate: ModelVersion, wave: Wave, approver: User) -> ModelVersion:
    """Atlanta's champion v2, which replaced v1."""
    approve(actor=approver, wave=wave, digest=wave.digest)
    return candidate


@pytest.fixture
def second_lead(team: Team) -> User:
    return put_into(team, User.objects.create_user("second-lead"), Membership.Role.LEAD)


@pytest.fixture
def many(admin: User, family: ModelFamily) -> list[Segment]:
    specs = [SegmentSpec(f"city-{n}", f"City {n}", "GA", 33.6, -84.4) for n in range(12)]
    add_segments(actor=admin, family=family, segments=specs)
    return list(Segment.objects.filter(slug__startswith="city-").order_by("slug"))


# the list


def test_the_list_is_narrowed_by_status_and_family_and_by_what_waits_for_me(
    wave: Wave, owner: User, approver: User
) -> None:
    first = Wave.objects.exclude(pk=wave.pk).get()
    listed = {
        "": {wave.pk, first.pk},
        "?status=proposed": {wave.pk},
        "?status=applied": {first.pk},
        "?family=eta-trip": {wave.pk, first.pk},
        "?family=nothing": set(),
        "?mine=1": {wave.pk},
    }
    for query, expected in listed.items():
        page = signed_in(approver).get(f"/promotions/{query}").content.decode()
        assert set(map(int, re.findall(r'<a href="/promotions/(\d+)/">#', page))) == expected, query
    assert "Nothing waits for your decision" in words(signed_in(owner).get("/promotions/?mine=1"))


# a proposal


def test_the_proposal_shows_what_would_be_sent_and_sends_it_with_a_reason(candidate: ModelVersion, owner: User) -> None:
    browser = signed_in(owner)
    told = words(browser.get(proposal(candidate)))
    assert "Promote 1 segment" in told
    assert "Atlanta" in told
    assert "3 min better than v1" in told
    assert "One approval by Approver" in told
    response = browser.post(proposal(candidate), {"reason": "Summer", "key": "once"}, follow=True)
    sent = Wave.objects.get(status="proposed")
    assert response.redirect_chain == [(f"/promotions/{sent.pk}/", 302)]
    assert (sent.reason, sent.proposer) == ("Summer", owner)
    assert "it waits for an approval" in words(response)


def test_a_double_click_sends_one_proposal(candidate: ModelVersion, owner: User) -> None:
    browser = signed_in(owner)
    key = re.search(r'name="key" value="(\w+)"', browser.get(proposal(candidate)).content.decode())
    assert key
    answers = [browser.post(proposal(candidate), {"reason": "Summer", "key": key[1]}) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Wave.objects.filter(status="proposed").count() == 1


def test_a_proposal_without_a_reason_asks_for_one(candidate: ModelVersion, owner: User) -> None:
    response = signed_in(owner).post(proposal(candidate), {"reason": " "})
    assert response.status_code == 400
    assert "Say why in a sentence." in words(response)
    assert not Wave.objects.filter(status="proposed").exists()


def test_nothing_to_promote_is_said(family: ModelFamily, owner: User) -> None:
    told = words(signed_in(owner).get("/promotions/new/?family=eta-trip"))
    assert "Nothing to promote" in told
    assert "None of the selected segments has a candidate" in told


def test_a_proposal_of_what_the_gates_refuse_says_why(
    candidate: ModelVersion, evaluate: Evaluate, make_version: MakeVersion, atlanta: Segment, owner: User
) -> None:
    worse = make_version(atlanta)
    evaluate(worse, mae=12.0)
    browser = signed_in(owner)
    assert "3 min worse than v1, not better" in words(browser.get(proposal(worse)))
    response = browser.post(proposal(worse), {"reason": "Anyway"})
    assert response.status_code == 400
    assert "No candidate among these passes the gates" in words(response)
    assert not Wave.objects.filter(status="proposed").exists()


def test_segments_stand_for_their_newest_candidates_and_those_without_are_named(
    candidate: ModelVersion, owner: User
) -> None:
    told = words(signed_in(owner).get("/promotions/new/?family=eta-trip&segment=atlanta&segment=boston"))
    assert "Promote 1 segment" in told
    assert "1 without a candidate is left out Boston MA : it has no version" in told


def test_segments_of_one_name_are_told_apart_by_slug_and_region(
    admin: User, family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, approver: User, colleague: User
) -> None:
    specs = [SegmentSpec("portland", "Portland", "OR", 45.5, -122.6), SegmentSpec("me", "Portland", "ME", 43.6, -70.3)]
    add_segments(actor=admin, family=family, segments=specs)
    versions = [make_version(segment) for segment in Segment.objects.filter(name="Portland").order_by("pk")]
    evaluate(*versions)
    assert "Portland portland · OR" in words(signed_in(colleague).get(proposal(*versions)))
    sent = propose(actor=colleague, family=family, versions=versions, reason="First")
    assert "Portland me · ME" in words(signed_in(approver).get(f"/promotions/{sent.pk}/"))
    approve(actor=approver, wave=sent, digest=sent.digest)
    back = words(signed_in(approver).get(way_back(*(version.model.its_segment for version in versions))))
    assert "Portland portland · OR" in back


def test_a_first_champion_is_shown_beside_the_plain_baseline(
    make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment, owner: User
) -> None:
    first = make_version(atlanta)
    evaluate(first, mae=6.0)
    told = words(signed_in(owner).get(proposal(first)))
    assert "plain baseline 9.00 6.00 ▼ 3.00 better than the plain baseline first champion" in told


def test_several_wait_while_another_promotion_of_several_is_open(
    many: list[Segment], family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, colleague: User
) -> None:
    versions = [make_version(segment) for segment in many]
    evaluate(*versions)
    sent = propose(actor=colleague, family=family, versions=versions[:2], reason="Two")
    browser = signed_in(colleague)
    page = browser.get(proposal(*versions[2:]))
    assert f"Promotion #{sent.pk} is still open" in words(page)
    assert "<textarea" not in page.content.decode()
    fleet = browser.get("/m/eta-trip/").content.decode()
    assert f"Promotion #{sent.pk} is open" in fleet
    assert "Promote all" not in fleet


def test_another_team_may_not_propose(candidate: ModelVersion, stranger: User) -> None:
    for response in (
        signed_in(stranger).get(proposal(candidate)),
        signed_in(stranger).post(proposal(candidate), {"reason": "Mine"}),
    ):
        assert response.status_code == 403
        assert "Only members" in words(response)


def test_a_version_that_does_not_exist_is_missing(family: ModelFamily, owner: User) -> None:
    assert signed_in(owner).get("/promotions/new/?family=eta-trip&version=999").status_code == 404
    assert signed_in(owner).get("/promotions/new/?family=nothing").status_code == 404


def test_a_family_of_tier_3_is_promoted_at_once(
    candidate: ModelVersion, family: ModelFamily, approver: User, owner: User, atlanta: Segment
) -> None:
    update_family(actor=approver, family=family, tier=3)
    assert "Applied at once" in words(signed_in(owner).get(proposal(candidate)))
    signed_in(owner).post(proposal(candidate), {"reason": "Better"})
    assert champion_of(atlanta) == "v2"


# the decision


def test_the_page_of_a_promotion_shows_an_approver_what_it_was_judged_by(wave: Wave, approver: User) -> None:
    response = signed_in(approver).get(f"/promotions/{wave.pk}/")
    told = words(response)
    for said in ("July winds", "Proposed by Colleague", "v1 → v2", "9.00", "6.00", "Approve and promote"):
        assert said in told, said
    assert wave.digest in response.content.decode()


def test_an_approval_moves_the_alias_and_says_so(wave: Wave, approver: User, atlanta: Segment) -> None:
    response = signed_in(approver).post(f"/promotions/{wave.pk}/approve/", {"digest": wave.digest}, follow=True)
    assert champion_of(atlanta) == "v2"
    told = words(response)
    assert "Approved: 1 champion moved." in told
    assert "Approved by Approver" in told
    assert 'href="/m/eta-trip/"' in response.content.decode()


def test_one_of_two_approvals_says_that_nothing_has_moved_yet(
    candidate: ModelVersion, family: ModelFamily, second_lead: User, colleague: User, approver: User, atlanta: Segment
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(approvals_needed=2)
    family.refresh_from_db()
    sent = propose(actor=colleague, family=family, versions=[candidate], reason="Two")
    response = signed_in(approver).post(f"/promotions/{sent.pk}/approve/", {"digest": sent.digest}, follow=True)
    assert champion_of(atlanta) == "v1"
    assert "Your approval counts. Nothing has moved yet" in words(response)


def test_a_rejection_needs_a_reason_and_shows_it(wave: Wave, approver: User, atlanta: Segment) -> None:
    browser = signed_in(approver)
    response = browser.post(f"/promotions/{wave.pk}/reject/", {"digest": wave.digest}, follow=True)
    assert "Say why, so that the proposer can do something about it." in words(response)
    wave.refresh_from_db()
    assert wave.status == "proposed"
    told = words(
        browser.post(f"/promotions/{wave.pk}/reject/", {"digest": wave.digest, "reason": "Not in July"}, follow=True)
    )
    assert "Rejected; its proposer sees your reason." in told
    assert "Not in July" in told
    assert champion_of(atlanta) == "v1"


def test_the_proposer_may_withdraw_and_not_approve(wave: Wave, colleague: User, atlanta: Segment) -> None:
    browser = signed_in(colleague)
    assert "Approve and promote" not in words(browser.get(f"/promotions/{wave.pk}/"))
    browser.post(f"/promotions/{wave.pk}/approve/", {"digest": wave.digest})
    assert champion_of(atlanta) == "v1"
    assert "Withdrawn. Nothing has moved." in words(browser.post(f"/promotions/{wave.pk}/withdraw/", follow=True))
    wave.refresh_from_db()
    assert wave.status == "withdrawn"


def test_a_lead_does_not_approve_their_own_proposal(
    candidate: ModelVersion, family: ModelFamily, approver: User, second_lead: User, atlanta: Segment
) -> None:
    mine = propose(actor=approver, family=family, versions=[candidate], reason="Mine")
    page = signed_in(approver).get(f"/promotions/{mine.pk}/")
    assert "Somebody other than its authors must approve it" in words(page)
    signed_in(approver).post(f"/promotions/{mine.pk}/approve/", {"digest": mine.digest})
    assert champion_of(atlanta) == "v1"


def test_an_approval_of_something_else_moves_nothing(wave: Wave, approver: User, atlanta: Segment) -> None:
    response = signed_in(approver).post(f"/promotions/{wave.pk}/approve/", {"digest": "0" * 64}, follow=True)
    assert response.status_code == 200
    assert champion_of(atlanta) == "v1"
    assert "Approved" not in words(response)


def test_a_decision_is_never_made_by_a_link(wave: Wave, approver: User) -> None:
    for verb in ("approve", "reject", "withdraw"):
        assert signed_in(approver).get(f"/promotions/{wave.pk}/{verb}/").status_code == 405


# the way back


def test_a_rollback_shows_the_way_and_goes_it_with_a_reason(
    served_twice: ModelVersion, approver: User, atlanta: Segment
) -> None:
    browser = signed_in(approver)
    told = words(browser.get(way_back(atlanta)))
    assert "v2, trained through 30 Jun 2013 v1, trained through 30 Jun 2013" in told
    missing = browser.post(way_back(atlanta), {"reason": ""})
    assert (missing.status_code, champion_of(atlanta)) == (400, "v2")
    response = browser.post(way_back(atlanta), {"reason": "It crashed"}, follow=True)
    assert champion_of(atlanta) == "v1"
    assert "Rolled back: 1 of 1." in words(response)


def test_a_rollback_of_many_says_who_went_back_and_who_did_not(
    many: list[Segment],
    family: ModelFamily,
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    colleague: User,
    approver: User,
) -> None:
    for segment in many[:3]:
        make_champion(segment)
    newer = [make_version(segment) for segment in many[:2]]
    evaluate(*newer)
    sent = propose(actor=colleague, family=family, versions=newer, reason="Two")
    approve(actor=approver, wave=sent, digest=sent.digest)
    browser = signed_in(approver)
    told = words(browser.get(way_back(*many[:3])))
    assert "Roll back 2 segments" in told
    assert "City 10: v1 is its first champion" in told
    response = browser.post(way_back(*many[:3]), {"reason": "Storm"}, follow=True)
    assert response.redirect_chain == [("/m/eta-trip/", 302)]
    assert "Rolled back: 2 of 2. Somebody else looks at it afterwards." in words(response)
    assert {champion_of(segment) for segment in many[:3]} == {"v1"}


def test_exactly_this_version_serves_again(served_twice: ModelVersion, approver: User, atlanta: Segment) -> None:
    first = ModelVersion.objects.get(model__segment=atlanta, number=1)
    address = f"/promotions/roll-back/?family=eta-trip&to={first.pk}"
    browser = signed_in(approver)
    assert "v2, trained through 30 Jun 2013 v1, trained through 30 Jun 2013" in words(browser.get(address))
    response = browser.post(address, {"reason": "It crashed"}, follow=True)
    assert response.redirect_chain == [("/m/eta-trip/atlanta/", 302)]
    assert champion_of(atlanta) == "v1"


def test_what_never_served_can_not_be_restored(
    served_twice: ModelVersion, make_version: MakeVersion, approver: User, atlanta: Segment
) -> None:
    newest = make_version(atlanta)
    page = signed_in(approver).get(f"/promotions/roll-back/?family=eta-trip&to={newest.pk}")
    assert "v3 never was the champion; propose its promotion instead" in words(page)
    assert "<textarea" not in page.content.decode()


def test_a_wave_is_taken_back_with_a_reason(
    served_twice: ModelVersion, wave: Wave, approver: User, colleague: User, atlanta: Segment
) -> None:
    address = f"/promotions/{wave.pk}/undo/"
    refused = signed_in(colleague).post(address, {"reason": "Mine"}, follow=True)
    assert "Only an approver of this family" in words(refused)
    assert "Say why" in words(signed_in(approver).post(address, {"reason": ""}, follow=True))
    assert champion_of(atlanta) == "v2"
    done = signed_in(approver).post(address, {"reason": "Storm"}, follow=True)
    assert "Rolled back: 1 of 1." in words(done)
    assert champion_of(atlanta) == "v1"


@pytest.fixture
def staged(
    many: list[Segment], family: ModelFamily, make_version: MakeVersion, evaluate: Evaluate, colleague: User
) -> Wave:
    """Three first champions in two stages, one and two of them."""
    versions = [make_version(segment) for segment in many[:3]]
    evaluate(*versions)
    return propose(actor=colleague, family=family, versions=versions, reason="Carefully", stages=[1])


def test_stages_move_one_after_the_other(staged: Wave, approver: User, colleague: User) -> None:
    told = words(signed_in(approver).post(f"/promotions/{staged.pk}/approve/", {"digest": staged.digest}, follow=True))
    assert "Approved. Stage 1 of 2 has moved: 1 of 3 segments." in told
    browser, address = signed_in(colleague), f"/promotions/{staged.pk}/advance/"
    assert "Stage 1 has moved already" in words(browser.post(address, {"stage": 1}, follow=True))
    assert "Stage 2 of 2 has moved: 3 of 3 segments." in words(browser.post(address, {"stage": 2}, follow=True))
    staged.refresh_from_db()
    assert staged.status == "applied"
    assert "Ensure this value" in words(browser.post(address, {"stage": 0}, follow=True))


def test_a_stranger_moves_no_stage(staged: Wave, approver: User, stranger: User) -> None:
    signed_in(approver).post(f"/promotions/{staged.pk}/approve/", {"digest": staged.digest})
    told = words(signed_in(stranger).post(f"/promotions/{staged.pk}/advance/", {"stage": 2}, follow=True))
    assert "Only members of the team" in told
    staged.refresh_from_db()
    assert staged.stage == 1


def test_a_live_value_is_posted_on_the_page(staged: Wave, approver: User, colleague: User) -> None:
    signed_in(approver).post(f"/promotions/{staged.pk}/approve/", {"digest": staged.digest})
    browser, address = signed_in(colleague), f"/promotions/{staged.pk}/live/"
    assert "Stored." in words(browser.post(address, {"value": "6.1", "through": "2020-01-01"}, follow=True))
    assert "It is a number." in words(browser.post(address, {"value": "good", "through": "2020-01-01"}, follow=True))
    assert staged.live_values.count() == 1


def test_a_first_champion_has_no_way_back(make_champion: MakeVersion, approver: User, atlanta: Segment) -> None:
    make_champion(atlanta)
    page = signed_in(approver).get(way_back(atlanta))
    assert "there is nothing to go back to" in words(page)
    assert "<textarea" not in page.content.decode()


def test_only_leads_roll_back(served_twice: ModelVersion, owner: User, stranger: User, atlanta: Segment) -> None:
    for person in (owner, stranger):
        assert signed_in(person).post(way_back(atlanta), {"reason": "Mine"}).status_code == 403
    assert champion_of(atlanta) == "v2"


# who sees what, and how much is read


def test_a_restricted_family_is_not_there_for_others(
    wave: Wave, candidate: ModelVersion, family: ModelFamily, approver: User, stranger: User, atlanta: Segment
) -> None:
    update_family(actor=approver, family=family, visibility="teams")
    browser = signed_in(stranger)
    for address in (f"/promotions/{wave.pk}/", proposal(candidate), way_back(atlanta)):
        assert browser.get(address).status_code == 404, address
    assert browser.post(f"/promotions/{wave.pk}/approve/", {"digest": wave.digest}).status_code == 404
    assert f"/promotions/{wave.pk}/" not in browser.get("/promotions/").content.decode()


def queries_of(browser: Client, address: str, count: Any) -> int:
    browser.get(address)
    with count(MOST_QUERIES) as counted:
        assert browser.get(address).status_code == 200
    return len(counted)


def test_pages_need_as_many_queries_for_twelve_segments_as_for_one(
    many: list[Segment],
    family: ModelFamily,
    make_version: MakeVersion,
    evaluate: Evaluate,
    colleague: User,
    approver: User,
    django_assert_max_num_queries: Queries,
) -> None:
    versions = [make_version(segment) for segment in many]
    evaluate(*versions)
    browser = signed_in(approver)

    def counted(address: str) -> int:
        return queries_of(browser, address, django_assert_max_num_queries)

    one, twelve = counted(proposal(*versions[:1])), counted(proposal(*versions))
    assert twelve == one
    single = propose(actor=colleague, family=family, versions=versions[:1], reason="One")
    alone = counted(f"/promotions/{single.pk}/")
    several = propose(actor=colleague, family=family, versions=versions[1:], reason="Eleven")
    assert counted(f"/promotions/{several.pk}/") == alone
    for each in (single, several):
        approve(actor=approver, wave=each, digest=each.digest)
    assert counted(way_back(*many)) == counted(way_back(many[0]))
    assert counted("/promotions/") <= MOST_QUERIES


# deciding where it is listed


def test_an_approver_decides_in_the_list_and_stays_there(wave: Wave, approver: User, atlanta: Segment) -> None:
    browser = signed_in(approver)
    told = words(browser.get("/promotions/?mine=1"))
    assert "Mean MAE 9.00 → 6.00 min; the smallest gain is 3.00." in told
    assert "Approve and promote" in told
    yes = {"digest": wave.digest, "next": "/promotions/?mine=1"}
    response = browser.post(f"/promotions/{wave.pk}/approve/", yes, follow=True)
    assert response.redirect_chain == [("/promotions/?mine=1", 302)]
    assert "Approved: 1 champion moved." in words(response)
    assert champion_of(atlanta) == "v2"


def test_who_may_not_decide_has_no_buttons_in_the_list(wave: Wave, colleague: User) -> None:
    told = words(signed_in(colleague).get("/promotions/"))
    assert "July winds" in told
    assert "Approve and promote" not in told


def test_the_way_back_after_a_decision_leads_nowhere_else(wave: Wave, approver: User) -> None:
    away = {"digest": wave.digest, "next": "https://elsewhere.example/"}
    response = signed_in(approver).post(f"/promotions/{wave.pk}/approve/", away)
    assert response["Location"] == f"/promotions/{wave.pk}/"


def test_an_approver_reads_what_all_candidates_have_otherwise_in_one_line(
    many: list[Segment],
    family: ModelFamily,
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    colleague: User,
    approver: User,
) -> None:
    for segment in many[:7]:
        make_champion(segment)
    newer = [make_version(segment, parameters={"alpha": 2.0}, trained_from=date(2013, 5, 1)) for segment in many[:7]]
    evaluate(*newer)
    sent = propose(actor=colleague, family=family, versions=newer, reason="Seven")
    told = words(signed_in(approver).get(f"/promotions/{sent.pk}/"))
    assert "Trained on 1 Apr 2013 – 30 Jun 2013 1 May 2013 – 30 Jun 2013 7" in told
    assert "alpha 1.0 2.0 7" in told
    assert "These 5 gain least" in told
    assert "The other 2" in told


def test_a_card_is_filled_in_on_a_page_and_over_the_api(
    owner: User, stranger: User, family: ModelFamily, make_version: MakeVersion, atlanta: Segment
) -> None:
    ModelFamily.objects.filter(pk=family.pk).update(card_fields=["limits"])
    version = make_version(atlanta)
    address = f"/models/versions/{version.pk}/card/"
    page = signed_in(owner).get(f"/m/eta-trip/atlanta/v{version.number}/").content.decode()
    assert "the family asks for limits" in page
    assert address in page
    assert signed_in(stranger).get(address).status_code == 403
    assert "Asked for." in signed_in(owner).get(address).content.decode()
    signed_in(owner).post(address, {"limits": "Not at night."})
    version.refresh_from_db()
    assert version.card == {"limits": "Not at night."}
    body = {"card": {"limits": "", "purpose": "Pick-ups."}}
    answered = api(owner).put(f"/api/v1/versions/{version.pk}/card/", body, format="json")
    assert (answered.status_code, answered.json()["card"]) == (200, {"limits": "", "purpose": "Pick-ups."})
    assert api(stranger).put(f"/api/v1/versions/{version.pk}/card/", body, format="json").status_code == 403
