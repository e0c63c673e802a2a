"""Gates are pure: facts in, verdicts with a sentence out."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.registry.gates import (
    NO_CHAMPION,
    Compared,
    Facts,
    GateSpec,
    Outcome,
    Trained,
    check_gates,
    judge,
    objections,
    passes,
)

TRIO = tuple(GateSpec(kind) for kind in ("significance", "enough_data", "no_leakage"))
JULY = date(2013, 7, 1)
GOOD = Facts(
    candidate=Trained("v2", date(2013, 6, 30)),
    champion=Trained("v1", date(2013, 3, 31)),
    compared=Compared(JULY, date(2013, 7, 31), rows=92, days=30, difference=4.6, lower=3.1, upper=6.0),
    unit="min",
)
numbers = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
counts = st.integers(min_value=0, max_value=10_000)


def one(kind: str, facts: Facts, **settings: float) -> tuple[Outcome, str]:
    (verdict,) = judge(facts, [GateSpec(kind, settings)])
    return verdict.outcome, verdict.sentence


def changed(**chosen: object) -> Facts:
    assert GOOD.compared is not None
    return replace(GOOD, compared=replace(GOOD.compared, **chosen))  # type: ignore[arg-type]


def test_a_clear_winner_passes_every_gate() -> None:
    verdicts = judge(GOOD, TRIO)
    assert passes(verdicts)
    assert objections(verdicts) == ""
    assert verdicts[0].sentence == "It is 4.6 min better than v1 (90 % interval 3.1 to 6 min)."
    found = {"difference": 4.6, "lower": 3.1, "upper": 6.0, "margin": 0.0, "rows": 92, "days": 30}
    assert verdicts[0].numbers == found


@pytest.mark.parametrize(
    ("lower", "difference", "upper", "margin", "outcome"),
    [
        (0.1, 1.0, 2.0, 0.0, Outcome.PASS),
        (0.1, 1.0, 2.0, 0.1, Outcome.INCONCLUSIVE),
        (0.0, 1.0, 2.0, 0.0, Outcome.INCONCLUSIVE),
        (-1.0, 0.5, 2.0, 0.0, Outcome.INCONCLUSIVE),
        (-3.0, -2.0, -1.0, 0.0, Outcome.FAIL),
        (-3.0, -1.5, 0.0, 0.0, Outcome.FAIL),
        (None, 1.0, None, 0.0, Outcome.INCONCLUSIVE),
    ],
)
def test_better_means_that_the_lower_bound_clears_the_margin(
    lower: float | None, difference: float, upper: float | None, margin: float, outcome: Outcome
) -> None:
    facts = changed(lower=lower, difference=difference, upper=upper)
    assert one("significance", facts, margin=margin)[0] is outcome


def test_what_may_be_chance_says_what_is_not_proven() -> None:
    facts = changed(lower=-0.28, difference=3.33, upper=8.59)
    said = "It is 3.33 min better than v1, but that may be chance: more than 0.1 min is not proven"
    assert one("significance", facts, margin=0.1)[1] == f"{said} (90 % interval −0.28 to 8.59 min)."
    assert (
        "not better by more than 0.1 min (90 % interval −3 to 0.05 min)"
        in one("significance", changed(lower=-3.0, difference=-1.0, upper=0.05), margin=0.1)[1]
    )


def test_large_numbers_stay_readable() -> None:
    assert "12,346 min better" in one("significance", changed(lower=10_000.0, difference=12_345.6, upper=1e6))[1]


@given(lower=numbers, reach=st.floats(0, 1e6), margin=st.floats(0, 1e6))
def test_only_a_lower_bound_above_the_margin_passes(lower: float, reach: float, margin: float) -> None:
    facts = changed(lower=lower, difference=lower + reach / 2, upper=lower + reach)
    assert (one("significance", facts, margin=margin)[0] is Outcome.PASS) == (lower > margin)


@given(rows=counts, days=counts)
def test_little_data_is_inconclusive_and_never_a_failure(rows: int, days: int) -> None:
    outcome, sentence = one("enough_data", changed(rows=rows, days=days))
    assert outcome is (Outcome.PASS if rows >= 30 and days >= 10 else Outcome.INCONCLUSIVE)
    assert f"{rows} rows on {days} days" in sentence


@given(day=st.dates(date(2010, 1, 1), date(2016, 1, 1)), delay=st.integers(0, 60))
def test_training_ends_before_the_window_minus_the_label_delay(day: date, delay: int) -> None:
    facts = replace(GOOD, candidate=Trained("v2", day), label_delay_days=delay, champion=None)
    outcome, sentence = one("no_leakage", facts)
    assert (outcome is Outcome.PASS) == (day + timedelta(days=delay) < JULY)
    assert outcome is Outcome.PASS or f"{day:%-d %b %Y}" in sentence


def test_the_champion_may_not_have_seen_the_window_either() -> None:
    outcome, sentence = one("no_leakage", replace(GOOD, champion=Trained("v1", date(2013, 7, 2))))
    assert outcome is Outcome.FAIL
    assert sentence.startswith("v1 was trained through 2 Jul 2013")


def test_an_unknown_window_fails_and_a_baseline_has_none() -> None:
    assert one("no_leakage", replace(GOOD, candidate=Trained("v2", None)))[0] is Outcome.FAIL
    assert one("no_leakage", replace(GOOD, champion=Trained("v1", None)))[0] is Outcome.FAIL
    assert one("no_leakage", replace(GOOD, candidate=Trained("v2", None, imported=True)))[0] is Outcome.FAIL
    outcome, sentence = one("no_leakage", replace(GOOD, champion=Trained("v1", None, imported=True)))
    assert (outcome, "v1, which was imported" in sentence) == (Outcome.PASS, True)
    assert one("no_leakage", replace(GOOD, candidate=Trained("v2", None, untrained=True)))[0] is Outcome.PASS


def test_a_first_champion_has_nothing_to_be_better_than_but_may_not_leak() -> None:
    first = replace(GOOD, champion=None)
    said = [verdict.sentence for verdict in judge(first, TRIO)]
    assert said[:2] == [
        NO_CHAMPION,
        "It was evaluated on 92 rows on 30 days; there is no champion yet that could be kept.",
    ]
    assert passes(judge(first, TRIO))
    leaky = replace(first, candidate=Trained("v1", date(2013, 7, 31)))
    assert [verdict.outcome for verdict in judge(leaky, TRIO)] == [Outcome.PASS, Outcome.PASS, Outcome.FAIL]


@given(why=st.text(max_size=20))
def test_without_an_evaluation_nothing_passes(why: str) -> None:
    verdicts = judge(replace(GOOD, compared=None, why_not=why), TRIO)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.INCONCLUSIVE}
    assert all(verdict.sentence for verdict in verdicts)


@pytest.mark.parametrize(
    ("gates", "sentence"),
    [
        ([GateSpec("luck")], "no gate 'luck'"),
        ([GateSpec("significance", {"level": 0.9})], "has no setting 'level'"),
        ([GateSpec("significance", {"margin": -1})], "0 or more"),
        ([GateSpec("significance", {"margin": float("nan")})], "0 or more"),
        ([GateSpec("enough_data", {"rows": "many"})], "0 or more"),
        ([GateSpec("enough_data", {"rows": True})], "0 or more"),
        ([GateSpec("no_leakage"), GateSpec("no_leakage")], "each gate once"),
    ],
)
def test_gates_that_make_no_sense_are_refused(gates: list[GateSpec], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        check_gates(gates)
