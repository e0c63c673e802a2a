"""Promotion: evaluated, judged, decided by somebody else, applied once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Membership, Team, User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Invalid, PortalError
from apps.registry.actions import (
    approve,
    expire_waves,
    move_alias,
    propose,
    reject,
    rollback,
    set_gates,
    set_labelled_until,
    update_family,
    withdraw,
)
from apps.registry.gates import GateSpec
from apps.registry.models import (
    Alias,
    AliasMove,
    Evaluation,
    GateResult,
    ModelFamily,
    ModelVersion,
    Promotion,
    RegisteredModel,
    Segment,
    Wave,
)
from apps.tracking.actions import ensure_experiment, log_metrics, open_run
from tests.conftest import api, signed_in
from tests.factories import put_into
from tests.registry.conftest import Evaluate, MakeVersion


def champion_of(segment: Segment) -> ModelVersion | None:
    alias = Alias.objects.filter(model__segment=segment, name="champion").select_related("version").first()
    return alias.version if alias else None


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


def test_a_lead_approves_and_the_alias_moves_with_its_evidence(
    wave: Wave, candidate: ModelVersion, approver: User, atlanta: Segment
) -> None:
    assert wave.status == "proposed"
    applied = approve(actor=approver, wave=wave, digest=wave.digest, note="looks right")
    assert applied.status == "applied"
    assert champion_of(atlanta) == candidate
    move = AliasMove.objects.filter(model=candidate.model).latest("id")
    assert (str(move), move.kind) == ("eta-trip.atlanta@champion: v1 → v2", "promotion")
    assert Evaluation.objects.get(promotions=move.promotion).candidate_metric == 6.0
    assert AuditEvent.objects.filter(action="registry.promoted", target_id=str(candidate.pk)).count() == 1


def test_what_the_gates_said_is_kept(wave: Wave) -> None:
    said = GateResult.objects.filter(promotion__wave=wave)
    assert [(result.kind, result.outcome) for result in said] == [
        ("significance", "pass"),
        ("enough_data", "pass"),
        ("no_leakage", "pass"),
    ]
    assert "3 min better than v1" in said[0].sentence
    with pytest.raises(DatabaseError, match="what a gate said stays"), transaction.atomic():
        said.update(outcome="fail")


def test_a_family_of_tier_3_promotes_at_once(
    candidate: ModelVersion, family: ModelFamily, approver: User, owner: User, atlanta: Segment
) -> None:
    family = update_family(actor=approver, family=family, tier=3)
    wave = propose(actor=owner, family=family, versions=[candidate], reason="better")
    assert wave.status == "applied"
    assert champion_of(atlanta) == candidate


def test_an_approver_named_by_the_family_may_decide(
    candidate: ModelVersion, family: ModelFamily, approver: User, colleague: User, stranger: User
) -> None:
    family = update_family(actor=approver, family=family, approvers=[stranger])
    wave = propose(actor=colleague, family=family, versions=[candidate], reason="better")
    assert approve(actor=stranger, wave=wave, digest=wave.digest).status == "applied"


# --- nobody approves their own ---


@pytest.fixture
def second_lead(team: Team) -> User:
    """So that a wave can be proposed at all: somebody else could approve it."""
    return put_into(team, User.objects.create_user("second-lead"), Membership.Role.LEAD)


def refused_as_author(lead: User, wave: Wave) -> None:
    with pytest.raises(Denied, match=r"You proposed this.*somebody else must approve it"):
        approve(actor=lead, wave=wave, digest=wave.digest)
    with pytest.raises(Denied):
        reject(actor=lead, wave=wave, digest=wave.digest, reason="no")
    assert Wave.objects.get(pk=wave.pk).status == "proposed"


def test_a_lead_does_not_approve_their_own_proposal(
    candidate: ModelVersion, family: ModelFamily, approver: User, second_lead: User
) -> None:
    wave = propose(actor=approver, family=family, versions=[candidate], reason="better")
    refused_as_author(approver, wave)
    assert approve(actor=second_lead, wave=wave, digest=wave.digest).status == "applied"


def test_a_lead_does_not_approve_a_version_they_made(
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    family: ModelFamily,
    approver: User,
    colleague: User,
    second_lead: User,
) -> None:
    version = make_version(atlanta, actor=approver)
    evaluate(version)
    refused_as_author(approver, propose(actor=colleague, family=family, versions=[version], reason="first"))


def test_a_lead_does_not_approve_what_ran_as_them(
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    family: ModelFamily,
    approver: User,
    colleague: User,
    second_lead: User,
) -> None:
    experiment = ensure_experiment(actor=approver, name="eta", team=family.team)
    version = make_version(atlanta, run=open_run(actor=approver, experiment=experiment, name="atlanta", tags={}))
    evaluate(version)
    refused_as_author(approver, propose(actor=colleague, family=family, versions=[version], reason="first"))


@pytest.mark.parametrize("part", ["proposed it", "registered it", "ran its training"])
def test_the_team_behind_a_service_account_does_not_approve_what_that_had_a_part_in(
    part: str,
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    family: ModelFamily,
    team: Team,
    approver: User,
    colleague: User,
    stranger: User,
) -> None:
    """Whoever holds its token is one of them; only who is named from outside the team is somebody else."""
    robot = User.objects.create_user("nightly", service_of=team)
    run = part == "ran its training" and open_run(
        actor=robot, experiment=ensure_experiment(actor=robot, name="eta", team=team), name="atlanta", tags={}
    )
    made = {"actor": robot} if part == "registered it" else {"run": run or None}
    version = make_version(atlanta, **made)
    evaluate(version)
    proposer = robot if part == "proposed it" else colleague
    with pytest.raises(Conflict, match="behind a service account stands its whole team"):
        propose(actor=proposer, family=family, versions=[version], reason="nightly")
    with pytest.raises(Denied, match="behind a service account"):
        move_alias(actor=approver, version=version, alias="champion")
    family = update_family(actor=approver, family=family, approvers=[stranger])
    wave = propose(actor=proposer, family=family, versions=[version], reason="nightly")
    refused_as_author(approver, wave)
    said = {"digest": wave.digest}
    assert api(approver).post(f"/api/v1/promotions/{wave.pk}/approve/", said, format="json").status_code == 403
    page = signed_in(approver).post(f"/promotions/{wave.pk}/approve/", said, follow=True)
    assert "somebody else must approve it" in page.content.decode()
    assert approve(actor=stranger, wave=wave, digest=wave.digest).status == "applied"


def test_a_service_account_approves_nothing(
    candidate: ModelVersion, family: ModelFamily, approver: User, colleague: User, team: Team
) -> None:
    robot = User.objects.create_user("nightly", service_of=team)
    family = update_family(actor=approver, family=family, approvers=[robot])
    wave = propose(actor=colleague, family=family, versions=[candidate], reason="better")
    with pytest.raises(Denied):
        approve(actor=robot, wave=wave, digest=wave.digest)


def test_a_proposal_that_nobody_could_approve_is_not_made(
    candidate: ModelVersion, family: ModelFamily, approver: User
) -> None:
    with pytest.raises(Conflict, match="This needs 1 to approve, and 0 could"):
        propose(actor=approver, family=family, versions=[candidate], reason="better")
    assert not Wave.objects.filter(proposer=approver).exists()


def test_two_approvals_are_two_people(
    candidate: ModelVersion, family: ModelFamily, approver: User, colleague: User, second_lead: User
) -> None:
    family = update_family(actor=approver, family=family, approvals_needed=2)
    wave = propose(actor=colleague, family=family, versions=[candidate], reason="better")
    assert approve(actor=approver, wave=wave, digest=wave.digest).status == "proposed"
    with pytest.raises(Conflict, match="You have answered this already"):
        approve(actor=approver, wave=wave, digest=wave.digest)
    assert approve(actor=second_lead, wave=wave, digest=wave.digest).status == "applied"


# --- evidence ---


def refusal(versions: list[ModelVersion], family: ModelFamily, actor: User) -> str:
    with pytest.raises(Conflict) as refused:
        propose(actor=actor, family=family, versions=versions, reason="better")
    return refused.value.message


def test_without_an_evaluation_nothing_is_promoted(
    make_version: MakeVersion, atlanta: Segment, family: ModelFamily, owner: User
) -> None:
    message = refusal([make_version(atlanta)], family, owner)
    assert message.startswith("Nothing can be promoted. eta-trip.atlanta: It has not been evaluated yet.")
    assert message.endswith("It is being evaluated now; propose it again when that is done.")
    assert [row.status for row in Evaluation.objects.all()] == ["waiting"]
    assert not Wave.objects.exists()


def test_a_metric_that_training_reported_changes_nothing(
    make_version: MakeVersion,
    make_champion: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    family: ModelFamily,
    owner: User,
) -> None:
    make_champion(atlanta)
    experiment = ensure_experiment(actor=owner, name="eta", team=family.team)
    run = open_run(actor=owner, experiment=experiment, name="atlanta", tags={})
    liar = make_version(atlanta, run=run)
    log_metrics(actor=owner, run=run, metrics={"mae": 0.01})
    assert "has not been evaluated" in refusal([liar], family, owner)
    evaluate(liar, mae=12.0)
    assert "3 min worse than v1" in refusal([liar], family, owner)


def test_a_candidate_that_may_be_better_by_chance_is_refused(
    make_champion: MakeVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    family: ModelFamily,
    owner: User,
) -> None:
    make_champion(atlanta)
    version = make_version(atlanta)
    evaluate(version, mae=8.8)
    assert "0.2 min better than v1, but that may be chance" in refusal([version], family, owner)


def test_a_training_window_that_contains_the_evaluation_month_is_refused(
    make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment, family: ModelFamily, owner: User
) -> None:
    leaky = make_version(atlanta, trained_through=date(2013, 7, 31))
    evaluate(leaky)
    assert "v1 was trained through 31 Jul 2013" in refusal([leaky], family, owner)


def test_an_unknown_training_window_is_refused(
    make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment, family: ModelFamily, owner: User
) -> None:
    imported = make_version(atlanta, kind="imported", trained_from=None, trained_through=None)
    evaluate(imported)
    assert "Nobody knows what v1 was trained on" in refusal([imported], family, owner)


def test_an_evaluation_of_an_older_month_does_not_count(
    candidate: ModelVersion, family: ModelFamily, approver: User, owner: User
) -> None:
    set_labelled_until(actor=approver, family=family, day=date(2013, 8, 31))
    assert "It was evaluated through 31 Jul 2013, and there are newer labels" in refusal([candidate], family, owner)


def test_evaluated_against_v1_while_the_champion_is_v3_is_refused(
    candidate: ModelVersion, make_champion: MakeVersion, family: ModelFamily, owner: User, atlanta: Segment
) -> None:
    make_champion(atlanta)
    message = refusal([candidate], family, owner)
    assert "It was evaluated against v1, the champion is v3: evaluate it again." in message


def test_the_champion_is_not_promoted_again(
    make_champion: MakeVersion, atlanta: Segment, family: ModelFamily, owner: User
) -> None:
    assert "v1 is the champion already" in refusal([make_champion(atlanta)], family, owner)


def test_the_cities_that_pass_go_and_the_others_are_kept_with_their_reason(
    candidate: ModelVersion,
    make_version: MakeVersion,
    boston: Segment,
    family: ModelFamily,
    colleague: User,
    approver: User,
    atlanta: Segment,
) -> None:
    unevaluated = make_version(boston)
    wave = propose(actor=colleague, family=family, versions=[unevaluated, candidate], reason="July winds")
    assert wave.segments == 1
    kept = wave.promotions.get(candidate=unevaluated)
    assert (kept.status, kept.refusal) == ("refused", "It has not been evaluated yet.")
    approve(actor=approver, wave=wave, digest=wave.digest)
    assert (champion_of(atlanta), champion_of(boston)) == (candidate, None)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"reason": " "}, "Say why"),
        ({"reason": "x" * 2_001}, "at most 2000"),
        ({"versions": []}, "between 1 and 1000"),
        ({"alias": "latest"}, "promotes to champion, not to 'latest'"),
    ],
)
def test_a_wrong_request_is_refused_with_its_field(
    candidate: ModelVersion, family: ModelFamily, owner: User, wrong: dict[str, Any], sentence: str
) -> None:
    request: dict[str, Any] = {"versions": [candidate], "reason": "better"} | wrong
    with pytest.raises(Invalid, match=sentence) as refused:
        propose(actor=owner, family=family, **request)
    assert refused.value.field in wrong


def test_two_versions_of_one_city_do_not_go_together(
    candidate: ModelVersion, make_version: MakeVersion, family: ModelFamily, owner: User, atlanta: Segment
) -> None:
    with pytest.raises(Invalid, match="one version per segment"):
        propose(actor=owner, family=family, versions=[candidate, make_version(atlanta)], reason="better")


# --- what has changed since ---


def test_what_was_approved_has_changed_since_it_was_looked_at(wave: Wave, approver: User) -> None:
    with pytest.raises(Conflict, match="has changed since you looked"):
        approve(actor=approver, wave=wave, digest="0" * 64)


def test_another_champion_supersedes_the_promotion_and_it_is_evaluated_again(
    candidate: ModelVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    atlanta: Segment,
    colleague: User,
    approver: User,
    second_lead: User,
) -> None:
    better = make_version(atlanta)
    evaluate(better)
    first = propose(actor=colleague, family=family, versions=[better], reason="better")
    approve(actor=approver, wave=first, digest=first.digest)
    evaluate(candidate)
    wave = propose(actor=colleague, family=family, versions=[candidate], reason="even better")
    rollback(actor=approver, family=family, versions=[better], reason="it is slow")
    with pytest.raises(Conflict, match="It was evaluated against v3, the champion is v1"):
        approve(actor=approver, wave=wave, digest=wave.digest)
    promotion = wave.promotions.get()
    assert promotion.status == "superseded"
    assert promotion.refusal == "It was evaluated against v3, the champion is v1."
    assert Wave.objects.get(pk=wave.pk).status == "superseded"
    champion = champion_of(atlanta)
    assert champion is not None
    assert champion.number == 1
    assert Evaluation.objects.filter(candidate=candidate, champion=champion).exists()


def test_other_gates_supersede_the_promotion(
    wave: Wave, family: ModelFamily, approver: User, second_lead: User, atlanta: Segment
) -> None:
    set_gates(actor=second_lead, family=family, gates=[GateSpec("significance", {"margin": 2.0})])
    with pytest.raises(Conflict, match="The gates of Trip ETA have changed"):
        approve(actor=approver, wave=wave, digest=wave.digest)
    champion = champion_of(atlanta)
    assert champion is not None
    assert champion.number == 1


# --- closing ---


def test_a_no_needs_a_reason_and_closes(wave: Wave, approver: User, colleague: User) -> None:
    with pytest.raises(Invalid, match="Say why not"):
        reject(actor=approver, wave=wave, digest=wave.digest, reason=" ")
    rejected = reject(actor=approver, wave=wave, digest=wave.digest, reason="wait for August")
    assert (rejected.status, rejected.note) == ("rejected", "wait for August")
    assert wave.promotions.get().status == "rejected"
    with pytest.raises(Conflict, match="rejected already"):
        approve(actor=approver, wave=wave, digest=wave.digest)
    with pytest.raises(Conflict, match="rejected already"):
        withdraw(actor=colleague, wave=wave)


def test_its_proposer_and_leads_withdraw(
    wave: Wave,
    candidate: ModelVersion,
    family: ModelFamily,
    colleague: User,
    owner: User,
    stranger: User,
    approver: User,
) -> None:
    for person in (owner, stranger):
        with pytest.raises(Denied, match="Only who proposed this"):
            withdraw(actor=person, wave=wave)
    assert withdraw(actor=colleague, wave=wave, reason="typo").status == "withdrawn"
    again = propose(actor=colleague, family=family, versions=[candidate], reason="better")
    assert withdraw(actor=approver, wave=again).status == "withdrawn"


@pytest.fixture
def time_passes(wave: Wave) -> Callable[[], None]:
    def pass_a_week() -> None:
        late = timezone.now() - timedelta(seconds=1)
        Wave.objects.filter(pk=wave.pk).update(expires_at=late)
        assert wave.approval is not None
        wave.approval.opened_at, wave.approval.expires_at = late - timedelta(days=7), late
        wave.approval.save()

    return pass_a_week


def test_what_nobody_decides_expires(
    wave: Wave, candidate: ModelVersion, approver: User, time_passes: Callable[[], None], atlanta: Segment
) -> None:
    assert expire_waves() == 0
    time_passes()
    with pytest.raises(Conflict, match="The time to answer this is over"):
        approve(actor=approver, wave=wave, digest=wave.digest)
    assert expire_waves() == 1
    assert expire_waves() == 0
    assert Wave.objects.get(pk=wave.pk).status == "expired"
    assert wave.promotions.get().status == "expired"
    event = AuditEvent.objects.get(action="registry.wave_expired")
    assert event.actor_username == "colleague"


def test_a_wave_of_somebody_who_left_expires_too(wave: Wave, colleague: User, time_passes: Callable[[], None]) -> None:
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    time_passes()
    assert expire_waves() == 1


# --- the same moment ---


def together(*calls: Callable[[], object]) -> list[object]:
    """All calls at the same moment, each with a connection of its own; a refusal is answered as itself."""

    def one(call: Callable[[], object]) -> object:
        try:
            return call()
        except PortalError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))


@pytest.mark.django_db(transaction=True)
def test_two_proposals_at_the_same_moment_make_one_wave(
    candidate: ModelVersion, family: ModelFamily, owner: User, colleague: User
) -> None:
    answers = together(
        *(
            lambda person=person: propose(actor=person, family=family, versions=[candidate], reason="better")
            for person in (owner, colleague) * 2
        )
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Refused"] * 3 + ["Wave"]
    assert Promotion.objects.filter(status="proposed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_with_the_same_key_is_one_proposal(
    candidate: ModelVersion, family: ModelFamily, owner: User
) -> None:
    answers = together(
        *[lambda: propose(actor=owner, family=family, versions=[candidate], reason="better", key="k1")] * 4
    )
    assert len({answer.pk for answer in answers if isinstance(answer, Wave)}) == 1
    assert all(isinstance(answer, Wave) for answer in answers)


def test_a_key_for_other_versions_is_refused(
    wave: Wave, candidate: ModelVersion, make_version: MakeVersion, family: ModelFamily, owner: User, boston: Segment
) -> None:
    withdraw(actor=wave.proposer, wave=wave)
    propose(actor=owner, family=family, versions=[candidate], reason="better", key="k1")
    with pytest.raises(Conflict, match="used the key 'k1' for other versions"):
        propose(actor=owner, family=family, versions=[make_version(boston)], reason="better", key="k1")


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_the_same_moment_apply_once(
    wave: Wave, candidate: ModelVersion, approver: User, second_lead: User, atlanta: Segment
) -> None:
    answers = together(
        *(lambda lead=lead: approve(actor=lead, wave=wave, digest=wave.digest) for lead in (approver, second_lead) * 2)
    )
    assert sum(isinstance(answer, Wave) for answer in answers) == 1
    assert all(isinstance(answer, Wave | Conflict) for answer in answers)
    assert AliasMove.objects.filter(after=candidate).count() == 1
    assert AuditEvent.objects.filter(action="registry.promoted", target_id=str(candidate.pk)).count() == 1
    assert champion_of(atlanta) == candidate


@pytest.mark.django_db(transaction=True)
def test_approval_and_rollback_at_the_same_moment_leave_a_history_without_a_gap(
    wave: Wave, candidate: ModelVersion, approver: User, family: ModelFamily, atlanta: Segment
) -> None:
    together(
        lambda: approve(actor=approver, wave=wave, digest=wave.digest),
        lambda: rollback(actor=approver, family=family, versions=[candidate], reason="it is slow"),
    )
    moves = list(AliasMove.objects.filter(model=candidate.model).order_by("id"))
    assert [move.before_id for move in moves[1:]] == [move.after_id for move in moves[:-1]]
    champion = champion_of(atlanta)
    assert champion is not None
    assert champion.pk == moves[-1].after_id


def test_only_one_wave_of_several_segments_is_open(
    candidate: ModelVersion,
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    colleague: User,
    boston: Segment,
) -> None:
    first = make_version(boston)
    evaluate(first)
    wave = propose(actor=colleague, family=family, versions=[candidate, first], reason="July winds")
    assert wave.segments == 2
    assert "It is part of promotion" in refusal([candidate], family, colleague)


# --- the database ---


def point(model: RegisteredModel, version: ModelVersion, refusal: str) -> None:
    """What no action does: an alias is moved by hand, and the commit (here: the check before it) refuses."""
    with transaction.atomic():
        Alias.objects.filter(model=model).update(version=version)
        with pytest.raises(DatabaseError, match=refusal):
            connection.check_constraints()
        transaction.set_rollback(True)


def test_the_database_keeps_aliases_and_their_history_together(
    candidate: ModelVersion, make_champion: MakeVersion, boston: Segment, approver: User
) -> None:
    point(candidate.model, candidate, "moves only together with its history")
    evaluation = Evaluation.objects.create(
        model=make_champion(boston).model,
        candidate=candidate,
        window_first=date(2013, 7, 1),
        window_last=date(2013, 7, 31),
        requested_by=approver,
    )
    with pytest.raises(DatabaseError, match="candidate_id_of_same_model"), transaction.atomic():
        connection.check_constraints()
    evaluation.delete()
    with pytest.raises(DatabaseError, match="has no gap"), transaction.atomic():
        AliasMove.objects.create(
            model=candidate.model, name="champion", before=None, after=candidate, kind="rollback", by=approver
        )
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        AliasMove.objects.update(reason="nothing happened")
    with pytest.raises(DatabaseError, match="append only"), transaction.atomic():
        AliasMove.objects.all()._raw_delete("default")


def test_the_database_allows_one_open_wave_per_city(wave: Wave) -> None:
    promotion = wave.promotions.get()
    other = Wave.objects.create(
        family=wave.family, reason="x", proposer=wave.proposer, segments=1, digest="x", expires_at=wave.expires_at
    )
    promotion.pk, promotion.wave = None, other
    with pytest.raises(DatabaseError, match="a_segment_is_in_one_open_wave"), transaction.atomic():
        promotion.save(force_insert=True)
