"""Pure: from the registry's rows to what is counted, filtered, sorted and drawn."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from apps.core.errors import Invalid
from apps.dashboard.fleet import (
    MEASURES,
    Heat,
    Row,
    State,
    Wanted,
    chips,
    chosen,
    heat,
    judged,
    made_by,
    summarised,
    ticked,
    wanted,
)
from apps.dashboard.fleet.heat import SHAPES
from apps.dashboard.fleet.rows import WHISKER_WIDTH
from apps.dashboard.spreadsheet import HEAD, as_csv
from apps.registry.gates import Outcome, Verdict
from apps.registry.queries import FleetRow, ScoreCell, VersionCell
from apps.retraining.queries import Alarm, LastRun

JULY = (date(2013, 7, 1), date(2013, 7, 31))


def version(number: int, pk: int = 0) -> VersionCell:
    made = datetime(2013, 7, 2, tzinfo=UTC)
    return VersionCell(pk or number, number, "trained", date(2013, 1, 1), date(2013, 3, 31), made, None)


def score(candidate: float, champion: float | None = None, *, status: str = "done", baseline: float = 7.0) -> ScoreCell:
    gain = None if champion is None else champion - candidate
    low, high = (None, None) if gain is None else (gain - 0.5, gain + 0.5)
    return ScoreCell(1, status, *JULY, candidate, champion, baseline, gain, low, high, 90, 20, "")


def verdict(outcome: Outcome) -> Verdict:
    return Verdict("significance", outcome, f"It is {outcome}.", {"difference": 1.0})


def cell(slug: str = "atlanta", **chosen: object) -> FleetRow:
    """A champion v1 with an error of 9 minutes in July; no candidate."""
    usual: dict[str, object] = {
        "segment": slug, "name": slug.title(), "region": "GA", "latitude": None, "longitude": None,
        "model": f"eta-trip.{slug}", "champion": version(1), "age_days": 122, "is_fresh": False,
        "evaluated": score(8.0), "newest": score(9.0), "candidate": None, "comparison": None, "verdicts": (),
        "refusal": "", "open_wave": None,
    }  # fmt: skip
    return FleetRow(**usual | chosen)  # type: ignore[arg-type]


def competing(slug: str = "atlanta", mae: float = 6.0, **chosen: object) -> FleetRow:
    """As above, with a candidate v2 that passes."""
    usual: dict[str, object] = {
        "candidate": version(2),
        "comparison": score(mae, 9.0),
        "verdicts": (verdict(Outcome.PASS),),
    }
    return cell(slug, **usual | chosen)


def row(given: FleetRow, *, lower_is_better: bool = True, **chosen: object) -> Row:
    return judged([given], lower_is_better=lower_is_better, **chosen)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (cell(), State.NONE),
        (competing(), State.PASSES),
        (competing(open_wave=3, refusal="It is part of promotion #3."), State.PROPOSED),
        (competing(verdicts=(verdict(Outcome.FAIL), verdict(Outcome.INCONCLUSIVE)), refusal="Worse."), State.FAILS),
        (competing(verdicts=(verdict(Outcome.INCONCLUSIVE),), refusal="May be chance."), State.INCONCLUSIVE),
        (competing(comparison=score(0, status="running"), refusal="Not finished."), State.EVALUATING),
        (competing(comparison=None, verdicts=(), refusal="Not evaluated yet."), State.NOT_EVALUATED),
        (
            competing(verdicts=(Verdict("significance", Outcome.INCONCLUSIVE, "Old."),), refusal="Evaluate it again."),
            State.NOT_EVALUATED,
        ),
    ],
)
def test_a_row_says_what_is_known_of_its_candidate(given: FleetRow, state: State) -> None:
    assert row(given).state is state


def test_a_champion_is_measured_against_the_plain_baseline() -> None:
    told = row(cell())
    assert (told.newest, told.baseline, told.gap) == (9.0, 7.0, 2.0)
    assert told.is_worse
    assert told.is_much_worse
    assert told.against_baseline
    assert (told.against_baseline.arrow, told.against_baseline.word) == ("▲", "worse")


def test_a_score_that_is_higher_than_the_baseline_is_better_where_higher_is_better() -> None:
    told = row(cell(), lower_is_better=False)
    assert told.gap == -2.0
    assert told.against_baseline
    assert (told.against_baseline.arrow, told.against_baseline.word) == ("▲", "better")


def test_a_champion_without_a_check_of_its_own_is_measured_by_the_comparison() -> None:
    assert row(competing(newest=None)).newest == 9.0


def test_an_outdated_comparison_measures_nobody() -> None:
    outdated = competing(newest=None, verdicts=(), refusal="There are newer labels: evaluate it again.")
    told = row(outdated)
    assert (told.newest, told.gain, told.candidate_metric, told.whisker) == (None, None, None, None)


def test_a_gain_is_said_in_the_direction_of_the_metric() -> None:
    told = row(competing())
    assert told.gain == 3.0
    assert told.against_champion
    assert (told.against_champion.arrow, told.against_champion.word) == ("▼", "better")


def test_what_passes_says_on_how_much_and_what_does_not_says_why() -> None:
    assert row(competing()).why == "90 rows on 20 days"
    failing = competing(verdicts=(verdict(Outcome.FAIL),), refusal="It is worse than v1.")
    assert row(failing).why == "It is worse than v1."


def test_an_empty_segment_says_how_its_last_run_ended() -> None:
    empty = cell(champion=None, evaluated=None, newest=None, age_days=None, is_fresh=None, model="")
    ended = LastRun(1, "no_data", "Only 2 of the 60 rows needed.", 60.0)
    assert row(empty, runs={"atlanta": ended}).why == "Only 2 of the 60 rows needed."
    assert row(empty, runs={"atlanta": LastRun(1, "running", "", None)}).why == ""


def test_the_widest_intervals_are_cut_off_instead_of_flattening_the_others() -> None:
    rows = judged([competing(f"c{n}", 8.0) for n in range(9)] + [competing("far", -20.0)], lower_is_better=True)
    assert [row.whisker and row.whisker.beyond for row in rows] == [""] * 9 + ["right"]
    assert all(row.whisker and 0 < row.whisker.mark <= WHISKER_WIDTH for row in rows)


def test_two_segments_of_one_name_are_told_apart() -> None:
    rows = judged(
        [cell("houston-hobby", name="Houston"), cell("houston", name="Houston"), cell()], lower_is_better=True
    )
    assert [row.own_name for row in rows] == ["houston-hobby", "houston", "Atlanta"]
    cells = drawn("baseline", *rows).groups[0].cells
    assert [one.name for one in cells] == ["houston-hobby", "houston", "Atlanta"]
    assert cells[0].says.startswith("Houston, GA; v1")


def fleet() -> list[Row]:
    cells = [
        cell("albany", newest=score(7.1), age_days=30, is_fresh=True),
        competing("boston", region="MA"),
        competing("chicago", 12.0, newest=score(12.0), verdicts=(verdict(Outcome.FAIL),), refusal="Worse."),
        cell("denver", champion=None, evaluated=None, newest=None, age_days=None, is_fresh=None),
    ]
    return judged(cells, lower_is_better=True)


def names(rows: list[Row]) -> list[str]:
    return [row.cell.segment for row in rows]


def test_the_worst_champion_comes_first_and_the_empty_cells_last() -> None:
    assert names(chosen(fleet(), Wanted())) == ["chicago", "boston", "albany", "denver"]


def test_rows_without_the_value_come_last_whichever_way_round() -> None:
    assert names(chosen(fleet(), Wanted(order="gain"))) == ["chicago", "boston", "albany", "denver"]
    assert names(chosen(fleet(), Wanted(order="-gain"))) == ["boston", "chicago", "albany", "denver"]


def test_regions_keep_the_order_inside() -> None:
    assert names(chosen(fleet(), Wanted(by_region=True))) == ["chicago", "albany", "denver", "boston"]


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("passes", ["boston"]),
        ("fails", ["chicago"]),
        ("empty", ["denver"]),
        ("stale", ["chicago", "boston"]),
        ("worse-than-baseline", ["chicago", "boston", "albany"]),
    ],
)
def test_a_filter_leaves_its_rows(state: str, left: list[str]) -> None:
    assert names(chosen(fleet(), Wanted(state=state))) == left


def test_every_word_of_a_search_must_be_in_name_slug_or_region() -> None:
    assert names(chosen(fleet(), Wanted(text="BOST ma"))) == ["boston"]
    assert names(chosen(fleet(), Wanted(text="bost ga"))) == []


def test_only_candidates_that_a_request_made_are_left() -> None:
    assert names(made_by(fleet(), {fleet()[1].cell.candidate.id})) == ["boston", "chicago"]  # type: ignore[union-attr]
    assert names(made_by(fleet(), {99})) == []


def test_chips_count_and_leave_out_what_finds_nothing() -> None:
    found = {chip.value: chip.count for chip in chips(fleet(), Wanted(state="proposed"))}
    worse = {"worse-than-baseline": 3, "much-worse": 2}
    assert found == {"": 4, "passes": 1, "fails": 1, "proposed": 0, "stale": 2, "empty": 1, **worse}


def test_the_summary_counts_and_means_the_measured_champions() -> None:
    told = summarised(fleet())
    assert (told.segments, told.champions, told.empty, told.measured) == (4, 3, 1, 3)
    assert (told.worse, told.much_worse, told.stale) == (3, 2, 2)
    assert (told.passes, told.refused, told.candidates) == (1, 1, 2)


def test_a_champion_that_nobody_measured_is_counted() -> None:
    told = summarised(judged([cell(newest=None)], lower_is_better=True))
    assert (told.measured, told.unmeasured) == (0, 1)


@pytest.mark.parametrize(
    "query",
    [
        {"state": "bad"}, {"sort": "mood"}, {"show": "mood"}, {"view": "globe"}, {"request": "two"},
        {"request": "9" * 30}, {"over": "much"}, {"over": "nan"}, {"over": "1e9"}, {"tick": "all"}, {"tick": "-3"},
    ],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_answered_with_a_sentence(query: dict[str, str]) -> None:
    with pytest.raises(Invalid, match=r"There is no|A request has a number|Say a number|Say how many"):
        wanted(query)


@pytest.mark.parametrize(("percent", "left"), [("0", 3), ("10", 2), ("50", 1), ("-100", 3), ("200", 0)])
def test_only_champions_that_are_over_their_own_baseline_by_that_much_are_left(percent: str, left: int) -> None:
    assert len(chosen(fleet(), wanted({"over": percent}))) == left


def test_the_worst_of_what_is_shown_comes_first() -> None:
    assert names(chosen(fleet(), wanted({"show": "age"}))) == ["boston", "chicago", "albany", "denver"]
    assert names(chosen(fleet(), wanted({"show": "champion"}))) == ["boston", "chicago", "albany", "denver"]
    scores = judged([cell("low", newest=score(0.2)), cell("high", newest=score(0.9))], lower_is_better=False)
    assert names(chosen(scores, wanted({"show": "metric"}))) == ["low", "high"]


def test_the_first_ones_come_ticked_or_those_that_pass() -> None:
    worst = wanted({"tick": "2"})
    assert ticked(chosen(fleet(), worst), worst) == {"chicago", "boston"}
    passing = wanted({"tick": "passes"})
    assert ticked(chosen(fleet(), passing), passing) == {"boston"}
    assert not ticked(fleet(), Wanted())


# the map


def drawn(measure: str, *rows: Row, **chosen: object) -> Heat:
    return heat(rows or fleet(), MEASURES[measure], **{"by_region": False, "ticked": (), "unit": "min"} | chosen)  # type: ignore[arg-type]


def told_by(found: Heat) -> dict[str, tuple[str, str]]:
    return {one.slug: (one.shape, one.number) for group in found.groups for one in group.cells}


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ("baseline", ["▲ +1 %", "◆ +29 %", "■ +71 %", "○ –"]),
        ("champion", ["○ –", "● −33 %", "◆ +33 %", "○ –"]),
        ("metric", ["▲ 7.10", "◆ 9.00", "■ 12.00", "○ –"]),
        ("age", ["● 30 d", "▲ 122 d", "▲ 122 d", "○ –"]),
    ],
)
def test_a_cell_has_a_shape_and_a_number(measure: str, told: list[str]) -> None:
    """Of albany, boston, chicago and denver."""
    assert [" ".join(one) for one in told_by(drawn(measure)).values()] == told


def test_runs_and_alarms_are_drawn() -> None:
    runs = {"a": LastRun(1, "failed", "It crashed.", 7_300.0), "b": LastRun(2, "running", "", None)}
    alarms = {"b": (Alarm(1, "drift", "wind"), Alarm(2, "volume", "half"))}
    rows = judged([cell("a"), cell("b"), cell("c")], lower_is_better=True, runs=runs, alarms=alarms, retraining={"b"})
    assert told_by(drawn("run", *rows)) == {"a": ("◆", "2 h"), "b": ("◇", "now"), "c": ("○", "–")}
    assert told_by(drawn("signals", *rows)) == {"a": ("●", "0"), "b": ("◆", "2"), "c": ("●", "0")}
    cells = drawn("baseline", *rows).groups[0].cells
    assert [one.marks for one in cells] == ["✗", "↻ !", ""]
    assert "its last run failed: It crashed." in cells[0].says
    assert "drift alarm: wind; volume alarm: half" in cells[1].says


def test_a_score_that_is_lower_than_its_baseline_is_worse() -> None:
    found = drawn("baseline", row(cell(newest=score(0.5, baseline=0.8)), lower_is_better=False))
    assert told_by(found) == {"atlanta": ("◆", "−38 %")}


def test_a_baseline_of_zero_has_no_percent() -> None:
    assert told_by(drawn("baseline", row(cell(newest=score(0.5, baseline=0.0))))) == {"atlanta": ("■", "∞")}
    assert told_by(drawn("baseline", row(cell(newest=score(0.0, baseline=0.0))))) == {"atlanta": ("●", "0 %")}


def test_a_cell_says_all_that_is_known_of_its_segment() -> None:
    said = {one.slug: one.says for one in drawn("baseline").groups[0].cells}
    assert said["boston"] == "MA; v1, 122 days old; 9.00 min, 2.00 worse than the baseline; candidate v2: passed"
    assert said["denver"] == "GA; no champion yet"


def test_the_legend_has_what_is_there_and_counts_it() -> None:
    found = drawn("baseline")
    assert [(key.tone, key.count) for key in found.legend] == [("dire", 1), ("bad", 1), ("warn", 1), ("idle", 1)]
    assert found.marks == [("✓", "its candidate passed")]


def test_regions_are_groups_of_cells() -> None:
    rows = chosen(fleet(), Wanted(by_region=True))
    found = drawn("baseline", *rows, by_region=True, ticked={"boston"})
    assert [(group.name, [one.slug for one in group.cells]) for group in found.groups] == [
        ("GA", ["chicago", "albany", "denver"]),
        ("MA", ["boston"]),
    ]
    assert [one.slug for group in found.groups for one in group.cells if one.is_ticked] == ["boston"]


def test_no_two_tones_share_a_shape() -> None:
    assert len(set(SHAPES.values())) == len(SHAPES)
    assert {tone for measure in MEASURES.values() for tone in measure.words} <= set(SHAPES)


# the file


def test_the_file_has_a_line_per_row_and_no_formula() -> None:
    evil = replace(fleet()[0], cell=replace(fleet()[0].cell, name="=HYPERLINK(1)"))
    lines = as_csv([evil, *fleet()[1:]]).splitlines()
    assert lines[0] == ",".join(HEAD)
    assert lines[1].startswith("albany,'=HYPERLINK(1),GA,v1,2013-03-31,30,8.0,2013-07-01,2013-07-31,7.1,7.0,")
    assert lines[2].endswith("v2,6.0,3.0,2.5,3.5,90,20,passes,90 rows on 20 days")
    assert len(lines) == 5
