"""Waves in stages: approved once, moved by a person or on a live value, visible while mixed, taken back in one go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals.models import Approval, Vote
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, Denied, Invalid
from apps.registry import queries
from apps.registry.actions import (
    SegmentSpec,
    add_segments,
    advance,
    advance_waves,
    approve,
    freeze,
    lift_freeze,
    post_live_value,
    propose,
    restore,
    rollback,
    set_gates,
    undo_wave,
    update_family,
    withdraw,
)
from apps.registry.gates import GateSpec
from apps.registry.models import Alias, ModelFamily, ModelVersion, Segment, Wave
from tests.registry.conftest import Evaluate, MakeVersion

CITIES = ("austin", "dallas", "denver", "miami")
StartWave = Callable[..., Wave]


@pytest.fixture
def cities(family: ModelFamily, admin: User) -> list[Segment]:
    wanted = [SegmentSpec(slug, slug.capitalize(), "US") for slug in CITIES]
    return sorted(add_segments(actor=admin, family=family, segments=wanted), key=lambda city: city.slug)


@pytest.fixture
def candidates(
    cities: list[Segment],
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    approver: User,
    owner: User,
) -> list[ModelVersion]:
    """Each city's v2, three minutes better than its champion v1. The family needs no approval, but may ask for one."""
    update_family(actor=approver, family=family, tier=3)
    champions = [make_version(city) for city in cities]
    evaluate(*champions)
    propose(actor=owner, family=family, versions=champions, reason="first ones")
    found = [make_version(city) for city in cities]
    evaluate(*found)
    return found


@pytest.fixture
def wave(candidates: list[ModelVersion], family: ModelFamily, owner: User) -> Wave:
    """One city has moved, two come next, then the last."""
    return propose(actor=owner, family=family, versions=candidates, reason="July winds", stages=[1, 3])


def serving(family: ModelFamily) -> dict[str, int]:
    """Number of the champion by city."""
    aliases = Alias.objects.filter(model__family=family, name="champion", model__segment__slug__in=CITIES)
    return dict(aliases.values_list("model__segment__slug", "version__number"))


def progress(wave: Wave, actor: User) -> str:
    return queries.wave_view(actor=actor, wave_id=wave.pk).progress.sentence


def test_a_wave_moves_stage_by_stage_and_shows_its_mixed_state(wave: Wave, family: ModelFamily, owner: User) -> None:
    assert (wave.status, wave.stages, wave.stage) == ("running", [1, 3, 4], 1)
    assert progress(wave, owner) == "1 new, 3 old"
    assert sorted(serving(family).values()) == [1, 1, 1, 2]
    wave = advance(actor=owner, wave=wave, stage=2, reason="The first one does well.")
    assert (wave.status, progress(wave, owner)) == ("running", "3 new, 1 old")
    wave = advance(actor=owner, wave=wave, stage=3)
    assert (wave.status, progress(wave, owner)) == ("applied", "4 new, 0 old")
    assert set(serving(family).values()) == {2}
    sentences = [event.sentence for event in AuditEvent.objects.of(wave).order_by("id")]
    assert [sentence.split(" of ")[0].split(" #")[0] for sentence in sentences] == [
        "proposed promotion",
        "moved the next stage",
        "moved the next stage",
    ]
    assert AuditEvent.objects.filter(action="registry.promoted", note="July winds").count() == 4


def test_the_cities_with_the_least_traffic_come_first(
    cities: list[Segment],
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    approver: User,
    owner: User,
) -> None:
    update_family(actor=approver, family=family, tier=3)
    versions = [make_version(city) for city in cities]
    for version, rows in zip(versions, (90, 40, 200, 60), strict=True):
        evaluate(version, rows=rows)
    wave = propose(actor=owner, family=family, versions=versions, reason="first ones", stages=[2])
    assert set(serving(family)) == {"dallas", "miami"}
    assert [stage.segments for stage in queries.wave_view(actor=owner, wave_id=wave.pk).stages] == [2, 2]


def test_a_second_click_moves_nothing_and_no_stage_is_left_out(wave: Wave, owner: User) -> None:
    advance(actor=owner, wave=wave, stage=2)
    with pytest.raises(Conflict, match="Stage 2 has moved already"):
        advance(actor=owner, wave=wave, stage=2)
    with pytest.raises(Invalid, match="It has 3 stages"):
        advance(actor=owner, wave=wave, stage=4)


def test_one_approval_starts_the_wave_and_is_bound_to_its_stages(
    candidates: list[ModelVersion], family: ModelFamily, colleague: User, approver: User
) -> None:
    family = update_family(actor=approver, family=family, tier=1)
    wave = propose(actor=colleague, family=family, versions=candidates, reason="July winds", stages=[1])
    with pytest.raises(Conflict, match="no stage of it waits"):
        advance(actor=colleague, wave=wave, stage=1)
    assert set(serving(family).values()) == {1}
    wave = approve(actor=approver, wave=wave, digest=wave.digest)
    assert (wave.status, wave.stage) == ("running", 1)
    assert advance(actor=colleague, wave=wave, stage=2).status == "applied"


def test_who_may_go_on_and_who_may_not(
    wave: Wave, colleague: User, stranger: User, operator: User, admin: User, approver: User
) -> None:
    for outsider in (stranger, operator, admin):
        for verb in (
            lambda who: advance(actor=who, wave=wave, stage=2),
            lambda who: post_live_value(actor=who, wave=wave, value=1, through=timezone.now().date()),
            lambda who: undo_wave(actor=who, wave=wave, reason="mine"),
        ):
            with pytest.raises(Denied):
                verb(outsider)
    with pytest.raises(Denied, match="Only an approver"):
        undo_wave(actor=colleague, wave=wave, reason="mine")
    advance(actor=colleague, wave=wave, stage=2)
    undo_wave(actor=approver, wave=wave, reason="It is slow.")


@pytest.mark.parametrize("stages", [[3, 1], [0], [2, 2], list(range(1, 12))])
def test_stages_grow(candidates: list[ModelVersion], family: ModelFamily, owner: User, stages: list[int]) -> None:
    with pytest.raises(Invalid, match="growing numbers") as refused:
        propose(actor=owner, family=family, versions=candidates, reason="July", stages=stages)
    assert refused.value.field == "stages"


# --- live values ---


@pytest.fixture
def watched(candidates: list[ModelVersion], family: ModelFamily, owner: User) -> Wave:
    """Goes on by itself when production measures 7 minutes or less."""
    return propose(actor=owner, family=family, versions=candidates, reason="July", stages=[1], live_limit=7.0)


def test_a_live_value_that_keeps_the_limit_moves_the_next_stage(
    watched: Wave, family: ModelFamily, owner: User
) -> None:
    today = timezone.now().date()
    post_live_value(actor=owner, wave=watched, value=7.2, through=today)
    assert Wave.objects.get(pk=watched.pk).status == "running"
    view = queries.wave_view(actor=owner, wave_id=watched.pk)
    assert [live.objection for live in view.live_values] == ["7.2 min is worse than the limit of 7 min."]
    post_live_value(actor=owner, wave=watched, value=6.8, through=today, note="from the dashboard")
    assert Wave.objects.get(pk=watched.pk).status == "applied"
    assert set(serving(family).values()) == {2}


def test_a_live_value_before_the_stage_or_before_its_labels_starts_nothing(
    watched: Wave, family: ModelFamily, owner: User, approver: User
) -> None:
    today = timezone.now().date()
    update_family(actor=approver, family=family, label_delay_days=2)
    post_live_value(actor=owner, wave=watched, value=5, through=today - timedelta(days=3))
    post_live_value(actor=owner, wave=watched, value=5, through=today)
    assert advance_waves() == 0
    late, early = queries.wave_view(actor=owner, wave_id=watched.pk).live_values
    assert "before its labels could be known" in late.objection
    assert "before stage 1 began to serve" in early.objection
    with pytest.raises(Invalid, match="has not happened yet"):
        post_live_value(actor=owner, wave=watched, value=5, through=today + timedelta(days=2))
    with pytest.raises(Invalid, match="is a number"):
        post_live_value(actor=owner, wave=watched, value=float("nan"), through=today)


def test_a_stage_that_a_freeze_held_back_moves_when_it_is_over(
    watched: Wave, family: ModelFamily, owner: User, approver: User
) -> None:
    held = freeze(actor=approver, family=family, reason="Holidays.", until=timezone.now() + timedelta(days=1))
    post_live_value(actor=owner, wave=watched, value=5, through=timezone.now().date())
    assert advance_waves() == 0
    assert Wave.objects.get(pk=watched.pk).status == "running"
    lift_freeze(actor=approver, freeze=held)
    assert advance_waves() == 1
    assert Wave.objects.get(pk=watched.pk).status == "applied"
    assert advance_waves() == 0


def test_without_a_live_value_no_clock_moves_anything(watched: Wave) -> None:
    Wave.objects.filter(pk=watched.pk).update(stage_at=timezone.now() - timedelta(days=30))
    assert advance_waves() == 0


# --- stopping, partial failure, taking back ---


def test_a_wave_under_way_is_stopped_and_what_has_moved_stays(wave: Wave, family: ModelFamily, owner: User) -> None:
    assert withdraw(actor=owner, wave=wave, reason="Enough.").status == "withdrawn"
    assert sorted(serving(family).values()) == [1, 1, 1, 2]
    assert not wave.promotions.filter(is_open=True).exists()


def test_cities_of_which_something_has_changed_are_listed_and_the_others_go(
    wave: Wave, family: ModelFamily, owner: User, approver: User
) -> None:
    set_gates(actor=approver, family=family, gates=[GateSpec("enough_data", {"rows": 5, "days": 2})])
    wave = advance(actor=owner, wave=wave, stage=2)
    assert (wave.status, progress(wave, owner)) == ("applied", "1 new, 0 old, 3 refused")
    assert {row.refusal for row in wave.promotions.filter(status="superseded")} == {
        "The gates of Trip ETA have changed since it was proposed."
    }


def test_undo_takes_back_only_cities_that_still_are_on_the_waves_version(
    wave: Wave, family: ModelFamily, owner: User, approver: User, make_version: MakeVersion, evaluate: Evaluate
) -> None:
    wave = advance(actor=owner, wave=advance(actor=owner, wave=wave, stage=2), stage=3)
    austin = Segment.objects.get(slug="austin")
    newer = make_version(austin)
    evaluate(newer, mae=3.0, champion_mae=6.0)
    propose(actor=owner, family=family, versions=[newer], reason="even better")
    done = undo_wave(actor=approver, wave=wave, reason="It is slow.")
    assert serving(family) == {"austin": 3, "dallas": 1, "denver": 1, "miami": 1}
    assert done.refused == {"eta-trip.austin": "Austin: the champion is v3, not v2; nothing to take back."}
    assert (Wave.objects.get(pk=wave.pk).status, done.rollback.wave_id) == ("undone", wave.pk)
    assert progress(wave, owner) == "0 new, 3 old, 1 moved on since"
    with pytest.raises(Conflict, match="there is nothing to take back"):
        undo_wave(actor=approver, wave=wave, reason="Again.")


def test_undoing_a_wave_under_way_withdraws_the_rest(wave: Wave, family: ModelFamily, approver: User) -> None:
    undo_wave(actor=approver, wave=wave, reason="It is slow.")
    assert set(serving(family).values()) == {1}
    assert sorted(wave.promotions.values_list("status", flat=True)) == ["undone"] + ["withdrawn"] * 3
    assert not wave.promotions.filter(is_open=True).exists()


def test_a_segment_of_an_open_wave_is_in_no_other(
    wave: Wave,
    candidates: list[ModelVersion],
    make_version: MakeVersion,
    evaluate: Evaluate,
    family: ModelFamily,
    owner: User,
) -> None:
    moved = wave.promotions.get(status="applied").candidate
    newer = make_version(moved.model.its_segment)
    evaluate(newer, mae=3.0, champion_mae=6.0)
    with pytest.raises(Conflict, match=f"part of promotion #{wave.pk}, which is still open"):
        propose(actor=owner, family=family, versions=[newer], reason="even better")


# --- the sum ---


def test_a_wave_may_not_make_the_weighted_sum_worse(
    candidates: list[ModelVersion],
    evaluate: Evaluate,
    make_version: MakeVersion,
    family: ModelFamily,
    approver: User,
    owner: User,
) -> None:
    set_gates(actor=approver, family=family, gates=[GateSpec("enough_data")])
    worse = make_version(candidates[0].model.its_segment)
    evaluate(worse, mae=12.0, rows=5_000)
    pair = [worse, *candidates[1:]]
    dry = queries.wave_dry_run(family, pair)
    assert dry.totals is not None
    assert (dry.totals.gain > 0, dry.totals.weighted_gain < 0) == (True, True)
    assert dry.refusal == "Together they would make the sum over all rows worse."
    assert dry.rows[0].model == worse.model.name
    with pytest.raises(Conflict, match="make the sum over all rows worse"):
        propose(actor=owner, family=family, versions=pair, reason="July")


def test_a_dry_run_tells_how_many_may_win_by_chance(candidates: list[ModelVersion], family: ModelFamily) -> None:
    dry = queries.wave_dry_run(family, candidates)
    assert (len(dry.rows), dry.false_winners, dry.refusal) == (4, 0.2, "")


# --- what an approver sees ---


def test_an_approver_sees_what_differs_and_signs_of_a_wrong_tier(
    candidates: list[ModelVersion],
    family: ModelFamily,
    colleague: User,
    approver: User,
    make_version: MakeVersion,
    evaluate: Evaluate,
) -> None:
    family = update_family(actor=approver, family=family, tier=1)
    other = make_version(candidates[0].model.its_segment, parameters={"alpha": 2.0}, trained_through=date(2013, 6, 29))
    evaluate(other)
    wave = propose(actor=colleague, family=family, versions=[other], reason="July")
    view = queries.wave_view(actor=approver, wave_id=wave.pk)
    changes: Any = [(row.name, row.champion, row.candidate) for row in view.worst[0].parameter_changes]
    assert changes == [("alpha", 1.0, 2.0)]
    window = [(row.name, row.champion, row.candidate) for row in view.worst[0].window_changes]
    assert window == [("trained through", "2013-06-30", "2013-06-29")]
    assert (view.hints, view.may_decide) == ((), True)
    approve(actor=approver, wave=wave, digest=wave.digest)
    hints = queries.wave_view(actor=approver, wave_id=wave.pk).hints
    assert [hint.partition(". ")[0] for hint in hints] == [
        "The only answer so far came within 30 seconds of the question"
    ]
    _say_yes_often(wave, approver)
    assert "The last 51 answers were all yes." in queries.approval_hints(family)[-1]


def _say_yes_often(wave: Wave, user: User) -> None:
    """Fifty older questions of the same family, each answered after an hour."""
    hour_ago = timezone.now() - timedelta(hours=1)
    for _ in range(50):
        asked = wave.approval
        assert asked is not None
        asked.pk = None
        asked.save(force_insert=True)
        Approval.objects.filter(pk=asked.pk).update(opened_at=hour_ago)
        Wave.objects.create(
            family=wave.family, reason="x", proposer=user, segments=1, digest="x", approval=asked,
            status="applied", closed_at=hour_ago, expires_at=hour_ago,
        )  # fmt: skip
        Vote.objects.create(approval=asked, user=user, verdict="yes")


def test_no_verb_asks_or_writes_city_by_city(
    family: ModelFamily, admin: User, approver: User, owner: User, make_version: MakeVersion, evaluate: Evaluate
) -> None:
    """As many statements for thirty cities as for three."""
    update_family(actor=approver, family=family, tier=3)

    def statements(many: int) -> dict[str, int]:
        wanted = [SegmentSpec(f"c{many}-{n}", f"C{many}-{n}") for n in range(many)]
        cities = add_segments(actor=admin, family=family, segments=wanted)
        first, second, third = ([make_version(city) for city in cities] for _ in range(3))
        taken: dict[str, int] = {}

        def counted(verb: str, act: Callable[[], Any]) -> Any:
            with CaptureQueriesContext(connection) as asked:
                done = act()
            taken[verb] = len(asked)
            return done

        evaluate(*first)
        counted("first", lambda: propose(actor=owner, family=family, versions=first, reason="x"))
        evaluate(*second)
        counted("propose", lambda: propose(actor=owner, family=family, versions=second, reason="x"))
        back: dict[str, Any] = {"actor": approver, "family": family, "versions": second, "reason": "x"}
        counted("roll back", lambda: rollback(**back))
        counted("restore", lambda: restore(**back))
        evaluate(*third)
        staged = counted("stage", lambda: propose(actor=owner, family=family, versions=third, reason="x", stages=[1]))
        counted("advance", lambda: advance(actor=owner, wave=staged, stage=2))
        counted("look", lambda: queries.wave_view(actor=owner, wave_id=staged.pk))
        done = counted("undo", lambda: undo_wave(actor=approver, wave=staged, reason="x"))
        assert len(done.moves) == many
        return taken

    assert statements(30) == statements(3)
