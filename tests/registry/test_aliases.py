"""No way round: protected aliases move by promotion and rollback, whoever asks through whichever door."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Invalid, Missing
from apps.registry import queries
from apps.registry.actions import (
    AliasSpec,
    approve,
    create_model,
    create_version,
    delete_alias,
    freeze,
    lift_freeze,
    move_alias,
    propose,
    rename_model,
    restore,
    review_rollback,
    rollback,
    update_family,
)
from apps.registry.actions.versions import Origin
from apps.registry.models import Alias, AliasMove, Freeze, ModelFamily, ModelVersion, Segment, Wave
from tests.conftest import api
from tests.registry.conftest import Evaluate, MakeVersion


@pytest.fixture
def champion(make_champion: MakeVersion, atlanta: Segment) -> ModelVersion:
    return make_champion(atlanta)


@pytest.fixture
def worse(champion: ModelVersion, make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment) -> ModelVersion:
    """A candidate that no gate lets through."""
    version = make_version(atlanta)
    evaluate(version, mae=12.0)
    return version


@pytest.fixture
def better(champion: ModelVersion, make_version: MakeVersion, evaluate: Evaluate, atlanta: Segment) -> ModelVersion:
    version = make_version(atlanta)
    evaluate(version)
    return version


def serves(model: Any) -> int:
    found = queries.champion_of(model)
    assert found is not None
    return found.number


def test_the_sentence_names_the_gate_and_the_page(worse: ModelVersion, owner: User) -> None:
    with pytest.raises(Denied, match=r"3 min worse than v1.* See .*/m/eta-trip/atlanta/"):
        move_alias(actor=owner, version=worse, alias="champion")


def test_where_an_approval_is_missing_the_promotion_is_opened_once_and_found_again(
    better: ModelVersion, colleague: User, approver: User
) -> None:
    for _ in range(2):
        with pytest.raises(Denied, match=r"Promotion #\d+ waits for the approval of Approver: .*/promotions/\d+/"):
            move_alias(actor=colleague, version=better, alias="champion")
    wave = Wave.objects.get(status="proposed")
    approve(actor=approver, wave=wave, digest=wave.digest)
    assert serves(better.model) == 2
    assert move_alias(actor=colleague, version=better, alias="champion") is None


def test_where_the_rules_allow_it_at_once_it_is_promoted(
    better: ModelVersion, family: ModelFamily, approver: User, owner: User
) -> None:
    update_family(actor=approver, family=family, tier=3)
    better = ModelVersion.objects.whole().get(pk=better.pk)
    moved = move_alias(actor=owner, version=better, alias="champion", reason="mlflow")
    assert moved is not None
    assert (str(moved), moved.kind) == ("eta-trip.atlanta@champion: v1 → v2", "promotion")


def test_a_token_that_only_reads_moves_nothing_and_its_attempt_is_known(better: ModelVersion, owner: User) -> None:
    address = "/api/v1/models/eta-trip.atlanta/aliases/champion/"
    answer = api(owner, scope=["read"]).put(address, {"version": 2}, format="json")
    assert (answer.status_code, serves(better.model)) == (403, 1)
    assert AuditEvent.objects.get(action="registry.way_round_refused").credential


def test_a_champion_does_not_come_by_a_name(owner: User, family: ModelFamily, boston: Segment) -> None:
    """A model that stands alone has an alias `champion`, and then wants to be Boston's."""
    alone = create_model(actor=owner, name="mine")
    version = create_version(actor=owner, model=alone, origin=Origin("s3://bucket/x"))
    move_alias(actor=owner, version=version, alias="champion")
    with pytest.raises(Denied, match="one that was never promoted; delete it first"):
        rename_model(actor=owner, model=alone, name="eta-trip.boston")
    delete_alias(actor=owner, model=alone, alias="champion")
    assert rename_model(actor=owner, model=alone, name="eta-trip.boston").family == family


def test_other_aliases_move_freely_with_their_history(worse: ModelVersion, champion: ModelVersion, owner: User) -> None:
    move_alias(actor=owner, version=champion, alias="shadow")
    move_alias(actor=owner, version=worse, alias="shadow", reason="try it")
    assert move_alias(actor=owner, version=worse, alias="shadow") is None
    delete_alias(actor=owner, model=worse.model, alias="shadow")
    with pytest.raises(Missing, match="has no alias 'shadow'"):
        delete_alias(actor=owner, model=worse.model, alias="shadow")
    moves = [str(move).partition(": ")[2] for move in queries.alias_history(worse.model, "shadow")]
    assert moves == ["v2 → None", "v1 → v2", "None → v1"]


def test_an_alias_that_only_looks_like_the_champion_is_refused(champion: ModelVersion, owner: User) -> None:
    with pytest.raises(Invalid, match="too much like the protected 'champion'"):
        move_alias(actor=owner, version=champion, alias="Champion")


def test_the_database_refuses_to_set_or_remove_what_is_protected(worse: ModelVersion, owner: User) -> None:
    with pytest.raises(DatabaseError, match="moves only by promotion or rollback"), transaction.atomic():
        AliasMove.objects.create(
            model=worse.model, name="champion", before=serving(worse), after=worse, kind="set", by=owner
        )
    with transaction.atomic():
        Alias.objects.filter(model=worse.model).delete()
        with pytest.raises(DatabaseError, match="removed only together with its history"):
            connection.check_constraints()
        transaction.set_rollback(True)


def serving(version: ModelVersion) -> ModelVersion | None:
    return queries.champion_of(version.model)


# --- the order of aliases ---


@pytest.fixture
def staged(family: ModelFamily, approver: User) -> ModelFamily:
    """`staging` at once, then `champion` with an approval."""
    return update_family(actor=approver, family=family, aliases=[AliasSpec("staging", 0), AliasSpec("champion", 1)])


def test_a_version_reaches_the_champion_only_by_way_of_staging(
    better: ModelVersion, staged: ModelFamily, colleague: User, approver: User
) -> None:
    with pytest.raises(Conflict, match=r"v2 is not the staging \(nothing is yet\): promote it to staging first"):
        propose(actor=colleague, family=staged, versions=[better], reason="July")
    first = propose(actor=colleague, family=staged, versions=[better], reason="July", alias="staging")
    assert (first.status, first.approval) == ("applied", None)
    wave = propose(actor=colleague, family=staged, versions=[better], reason="July")
    assert (wave.status, serves(better.model)) == ("proposed", 1)
    approve(actor=approver, wave=wave, digest=wave.digest)
    assert serves(better.model) == 2


def test_what_left_staging_is_not_promoted_any_more(
    better: ModelVersion,
    staged: ModelFamily,
    make_version: MakeVersion,
    evaluate: Evaluate,
    atlanta: Segment,
    colleague: User,
    approver: User,
) -> None:
    propose(actor=colleague, family=staged, versions=[better], reason="July", alias="staging")
    newer = make_version(atlanta)
    evaluate(newer)
    propose(actor=colleague, family=staged, versions=[newer], reason="July", alias="staging")
    wave = propose(actor=colleague, family=staged, versions=[newer], reason="July")
    rollback(actor=approver, family=staged, versions=[newer], reason="It crashes.", alias="staging")
    with pytest.raises(Conflict, match=r"v3 is not the staging \(that is v2\)"):
        approve(actor=approver, wave=wave, digest=wave.digest)
    assert serves(newer.model) == 1


# --- what was the champion when ---


def test_what_was_champion_at_a_time_who_moved_it_and_on_which_evidence(
    better: ModelVersion, family: ModelFamily, colleague: User, approver: User
) -> None:
    before = timezone.now()
    wave = propose(actor=colleague, family=family, versions=[better], reason="July winds")
    approve(actor=approver, wave=wave, digest=wave.digest)
    then, now = (queries.alias_at(better.model, at) for at in (before, timezone.now()))
    assert (then.version and then.version.number, now.version and now.version.number) == (1, 2)
    assert now.sentence == "v2 was the champion of eta-trip.atlanta; Approver promoted it: July winds"
    assert (now.wave, now.approved_by, len(now.verdicts)) == (wave.pk, ("Approver",), 3)
    assert now.evaluation is not None
    nothing = queries.alias_at(better.model, before - timedelta(days=1))
    assert nothing.sentence == "Nothing was the champion of eta-trip.atlanta then."
    today = f"{timezone.now():%Y-%m-%d}"
    asked = api(colleague).get(f"/api/v1/models/eta-trip.atlanta/aliases/champion/?at={today}").json()
    assert (asked["version"]["number"], asked["promotion"], asked["sentence"]) == (2, wave.pk, now.sentence)
    wrong = api(colleague).get("/api/v1/models/eta-trip.atlanta/aliases/champion/?at=yesterday")
    assert (wrong.status_code, wrong.json()["field"]) == (400, "at")


# --- rollback ---


def test_who_is_on_call_goes_back_alone_and_somebody_else_reviews_it(
    better: ModelVersion, family: ModelFamily, colleague: User, approver: User, stranger: User
) -> None:
    update_family(actor=approver, family=family, on_call=[stranger])
    wave = propose(actor=colleague, family=family, versions=[better], reason="July winds")
    approve(actor=approver, wave=wave, digest=wave.digest)
    freeze(actor=approver, family=family, reason="Holidays.", until=timezone.now() + timedelta(days=1))
    done = rollback(actor=stranger, family=family, versions=[better], reason="It is three, and it is wrong.")
    assert serves(better.model) == 1
    assert list(queries.rollbacks_to_review(approver)) == [done.rollback]
    assert not queries.rollbacks_to_review(stranger).exists()
    with pytest.raises(Denied, match="Only somebody else"):
        review_rollback(actor=stranger, rollback=done.rollback)
    assert review_rollback(actor=approver, rollback=done.rollback, note="Right.").reviewed_by == approver
    with pytest.raises(Conflict, match="reviewed this already"):
        review_rollback(actor=colleague, rollback=done.rollback)
    assert not queries.rollbacks_to_review(approver).exists()


def test_only_what_was_champion_before_is_restored(
    better: ModelVersion,
    champion: ModelVersion,
    worse: ModelVersion,
    family: ModelFamily,
    colleague: User,
    approver: User,
) -> None:
    wave = propose(actor=colleague, family=family, versions=[better], reason="July winds")
    approve(actor=approver, wave=wave, digest=wave.digest)
    with pytest.raises(Conflict, match=f"{worse.label} never was the champion; propose its promotion"):
        restore(actor=approver, family=family, versions=[worse], reason="why not")
    restore(actor=approver, family=family, versions=[champion], reason="It was better.")
    assert serves(better.model) == 1
    with pytest.raises(Conflict, match="v1 is the champion already"):
        restore(actor=approver, family=family, versions=[champion], reason="It was better.")
    restore(actor=approver, family=family, versions=[better], reason="No, it was not.")
    assert serves(better.model) == better.number


def test_what_serving_can_not_feed_any_more_does_not_serve_again(
    make_champion: MakeVersion, atlanta: Segment, family: ModelFamily, approver: User
) -> None:
    """The old model asks for a column that serving has dropped meanwhile."""
    columns = [{"name": name, "type": "double"} for name in ("distance_mi", "wind")]
    signature = json.dumps({"inputs": columns, "outputs": [{"type": "double"}]})
    make_champion(atlanta, files={"signature.json": signature})
    newer = make_champion(atlanta)
    contract = {"inputs": {"distance_mi": "double"}, "output": "double"}
    family = update_family(actor=approver, family=family, serving_contract=contract)
    with pytest.raises(Conflict, match=r"v1 can not serve again. .*asks for wind, which serving does not have"):
        rollback(actor=approver, family=family, versions=[newer], reason="It is slow.")
    assert serves(newer.model) == newer.number


# --- freeze ---


@pytest.mark.parametrize("everywhere", [True, False])
def test_a_freeze_stops_proposals_and_approvals_and_says_why_until_when(
    better: ModelVersion, family: ModelFamily, colleague: User, approver: User, admin: User, everywhere: bool
) -> None:
    wave = propose(actor=colleague, family=family, versions=[better], reason="July winds")
    until = timezone.now() + timedelta(days=2)
    who, what = (admin, None) if everywhere else (approver, family)
    held = freeze(actor=who, family=what, reason="Marathon weekend.", until=until)
    for verb in (
        lambda: propose(actor=colleague, family=family, versions=[better], reason="July winds"),
        lambda: approve(actor=approver, wave=wave, digest=wave.digest),
    ):
        with pytest.raises(Conflict, match=r"is frozen until \d+ \w+ \d{4}, \d\d:\d\d UTC by \w+: Marathon weekend"):
            verb()
    assert queries.freeze_on(family) == held
    lift_freeze(actor=who, freeze=held)
    assert queries.freeze_on(family) is None
    assert approve(actor=approver, wave=wave, digest=wave.digest).status == "applied"
    with pytest.raises(Conflict, match="over already"):
        lift_freeze(actor=who, freeze=held)


def test_a_freeze_needs_a_reason_and_an_end_and_ends_by_itself(family: ModelFamily, approver: User) -> None:
    soon = timezone.now() + timedelta(days=1)
    with pytest.raises(Invalid, match="Say why"):
        freeze(actor=approver, family=family, reason=" ", until=soon)
    for wrong in (timezone.now() - timedelta(hours=1), timezone.now() + timedelta(days=100)):
        with pytest.raises(Invalid, match="within the next 92 days"):
            freeze(actor=approver, family=family, reason="x", until=wrong)
    held = freeze(actor=approver, family=family, reason="x", until=soon)
    hour = timedelta(hours=1)
    Freeze.objects.filter(pk=held.pk).update(at=timezone.now() - 2 * hour, expires_at=timezone.now() - hour)
    assert queries.freeze_on(family) is None
