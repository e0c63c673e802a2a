"""Each kind of gate, passing, failing and inconclusive, with the sentence that people read."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.registry.gates import (
    KINDS,
    Against,
    Compared,
    Contents,
    Facts,
    GateSpec,
    Outcome,
    Signature,
    Trained,
    check_gates,
    judge,
)
from apps.registry.models import Gate

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
CONTRACT = Signature({"distance_mi": "double", "hour": "integer"}, "double")
KNOWN = {"commit": "3f2a91c", "clean": True, "lock_digest": "sha256:1", "data_digest": "sha256:2", "seed": 7}
SOUND = Contents(
    formats={"model.json": "json", "card.md": "text"},
    signature=Signature({"distance_mi": "double"}, "double"),
    card={"use": "Shown to riders.", "limits": "Not in snow."},
    provenance=KNOWN,
    parameters={"alpha": 1.0},
)
MEDIAN = Against(metric=9.0, difference=3.0, lower=1.0, upper=5.0)
FACTS = Facts(
    candidate=Trained("v2", date(2013, 6, 30), contents=SOUND),
    champion=Trained("v1", date(2013, 3, 31)),
    compared=Compared(
        date(2013, 7, 1), date(2013, 7, 31), 92, 30, 4.6, 3.1, 6.0, metric=6.0, baselines={"median": MEDIAN}
    ),
    unit="min",
    baselines=("median",),
    contract=CONTRACT,
    card_fields=("use", "limits"),
)


def one(kind: str, facts: Facts = FACTS, **settings: Any) -> tuple[Outcome, str]:
    (verdict,) = judge(facts, [GateSpec(kind, settings)])
    return verdict.outcome, verdict.sentence


def with_contents(**chosen: Any) -> Facts:
    return replace(FACTS, candidate=replace(FACTS.candidate, contents=replace(SOUND, **chosen)))


def against(difference: float, lower: float | None, upper: float | None) -> Facts:
    assert FACTS.compared is not None
    baseline = Against(metric=6.0 + difference, difference=difference, lower=lower, upper=upper)
    return replace(FACTS, compared=replace(FACTS.compared, baselines={"median": baseline}))


def test_every_kind_is_described_and_can_be_stored() -> None:
    assert set(Gate.Kind.values) == KINDS.keys()
    for kind in KINDS.values():
        assert kind.help.endswith(".")
        for setting in kind.settings:
            assert setting.help.endswith(".")
            assert setting.is_required or not setting.objection(setting.default)


@pytest.mark.parametrize("champion", [None, Trained("v1", date(2013, 3, 31))])
def test_a_sound_candidate_passes_every_kind_and_each_verdict_has_its_sentence(champion: Trained | None) -> None:
    gates = [GateSpec(kind, {"limit": 7.0} if kind == "threshold" else {}) for kind in KINDS]
    verdicts = judge(replace(FACTS, champion=champion), gates)
    assert {verdict.outcome for verdict in verdicts} == {PASS}
    assert all(verdict.sentence.endswith(".") for verdict in verdicts)


@pytest.mark.parametrize(
    ("facts", "chosen", "outcome", "sentence"),
    [
        (FACTS, {}, PASS, "It is 3 min better than the baseline median (90 % interval 1 to 5 min)."),
        (against(-0.5, -1.0, 0.2), {"margin": 0.5}, PASS, "It is 0.5 min worse than the baseline median"),
        (against(-0.5, -1.0, 0.2), {}, FAIL, "(90 % interval −1 to 0.2 min): the baseline may serve instead."),
        (against(-2.0, -3.0, -1.0), {"margin": 1.0}, FAIL, "(up to 1 min worse is allowed)"),
        (against(0.5, -1.0, 2.0), {"proof": "proven"}, INCONCLUSIVE, "that it is not worse is not proven."),
        (against(2.0, 1.0, 3.0), {"proof": "proven"}, PASS, "2 min better"),
        (against(-2.0, -3.0, -1.0), {"proof": "proven"}, FAIL, "2 min worse"),
        (against(2.0, None, None), {"proof": "proven"}, INCONCLUSIVE, "There are too few days"),
        (against(2.0, None, None), {}, PASS, "than the baseline median on 92 rows on 30 days."),
        (FACTS, {"baseline": "yesterday"}, INCONCLUSIVE, "did not measure the baseline 'yesterday', only median"),
    ],
)
def test_not_worse_than_the_baseline(facts: Facts, chosen: Any, outcome: Outcome, sentence: str) -> None:
    found, said = one("baseline", facts, **chosen)
    assert found is outcome
    assert sentence in said


def test_without_a_measured_baseline_nobody_knows_what_it_is_worth() -> None:
    assert FACTS.compared is not None
    bare = replace(FACTS, champion=None, compared=replace(FACTS.compared, baselines={}))
    outcome, sentence = one("baseline", bare)
    assert outcome is INCONCLUSIVE
    assert sentence.startswith("Its evaluation measured no baseline on these rows")


def test_a_first_version_that_is_worse_than_the_baseline_is_stopped_by_it() -> None:
    first = replace(against(-1.0, -2.0, -0.1), champion=None)
    outcomes = {gate.kind: one(gate.kind, first)[0] for gate in (GateSpec("significance"), GateSpec("baseline"))}
    assert outcomes == {"significance": PASS, "baseline": FAIL}


@given(difference=st.floats(-100, 100), margin=st.floats(0, 100))
def test_on_average_only_the_mean_decides(difference: float, margin: float) -> None:
    outcome = one("baseline", against(difference, difference - 1, difference + 1), margin=margin)[0]
    assert (outcome is PASS) == (difference >= -margin)


@pytest.mark.parametrize(
    ("lower_is_better", "limit", "outcome", "sentence"),
    [
        (True, 7.0, PASS, "It has 6 min on 92 rows on 30 days; at most 7 min is asked for."),
        (True, 5.0, FAIL, "It has 6 min on 92 rows on 30 days, but at most 5 min is asked for."),
        (False, 5.0, PASS, "at least 5 min is asked for."),
        (False, 7.0, FAIL, "but at least 7 min is asked for."),
    ],
)
def test_good_enough_keeps_a_limit(lower_is_better: bool, limit: float, outcome: Outcome, sentence: str) -> None:
    found, said = one("threshold", replace(FACTS, lower_is_better=lower_is_better), limit=limit)
    assert found is outcome
    assert sentence in said


@pytest.mark.parametrize(
    ("facts", "outcome", "sentence"),
    [
        (FACTS, PASS, "Its 1 input is served, and it answers double."),
        (with_contents(signature=Signature({"hour": "double"}, "double")), PASS, "served"),
        (with_contents(signature=Signature({"delay": "double"}, "double")), FAIL, "asks for delay, which serving"),
        (with_contents(signature=Signature({"hour": "string"}, "double")), FAIL, "wants hour as string, serving has"),
        (with_contents(signature=Signature({"hour": "integer"}, "long")), FAIL, "answers long, the contract says"),
        (with_contents(signature=None), INCONCLUSIVE, "It declares no signature: add signature.json"),
        (replace(FACTS, contract=None), INCONCLUSIVE, "The family has no serving contract yet"),
    ],
)
def test_inputs_are_among_those_of_the_contract(facts: Facts, outcome: Outcome, sentence: str) -> None:
    found, said = one("serving_contract", facts)
    assert found is outcome
    assert sentence in said


def test_an_undeclared_signature_may_fail() -> None:
    assert one("serving_contract", with_contents(signature=None), undeclared="fail")[0] is FAIL


@pytest.mark.parametrize(
    ("formats", "chosen", "outcome", "sentence"),
    [
        ({"model.json": "json"}, {}, PASS, "Its file is of allowed formats"),
        ({"model.json": "json", "a.pkl": "pickle"}, {}, FAIL, "It holds a pickle (a.pkl): whoever loads one runs"),
        ({"a.pkl": "pickle"}, {"pickle": "allow"}, PASS, "A pickle is among them (a.pkl), which this family allows."),
        ({"a.bin": "unknown"}, {}, FAIL, "a.bin is in no allowed format"),
        ({"model.onnx": "onnx"}, {"formats": ["json"]}, FAIL, "model.onnx is in no allowed format (json)."),
        ({}, {}, INCONCLUSIVE, "Nobody looked at the formats"),
    ],
)
def test_files_are_of_allowed_formats(formats: Any, chosen: Any, outcome: Outcome, sentence: str) -> None:
    found, said = one("files", with_contents(formats=formats), **chosen)
    assert found is outcome
    assert sentence in said


def test_the_card_says_what_the_family_asks_for() -> None:
    assert one("card")[1] == "Its card says use and limits."
    outcome, sentence = one("card", with_contents(card={"use": "Shown to riders.", "limits": "  "}))
    assert (outcome, sentence) == (
        FAIL,
        "Its card does not say limits; fill that in on its page, or once on the family's.",
    )
    assert one("card", replace(FACTS, card_fields=()))[0] is PASS


@pytest.mark.parametrize(
    ("tier", "missing", "outcome"),
    [
        (1, "tier", FAIL),
        (2, "tier", INCONCLUSIVE),
        (2, "fail", FAIL),
        (1, "inconclusive", INCONCLUSIVE),
        (1, "note", PASS),
    ],
)
def test_what_is_missing_to_make_it_again_is_named(tier: int, missing: str, outcome: Outcome) -> None:
    unclean = replace(with_contents(provenance=KNOWN | {"clean": False, "seed": None}), tier=tier)
    found, said = one("reproducible", unclean, missing=missing)
    assert found is outcome
    assert said == "It could not be made again: a clean commit and its seed are not known."


def test_a_seed_among_the_parameters_is_known() -> None:
    seeded = with_contents(provenance={**KNOWN, "seed": None}, parameters={"seed": 0})
    assert one("reproducible", seeded)[0] is PASS


def test_a_baseline_has_nothing_to_declare_or_to_make_again() -> None:
    bare = replace(FACTS, candidate=Trained("v2", None, untrained=True))
    kinds = ("serving_contract", "card", "reproducible", "no_leakage")
    assert {one(kind, bare)[0] for kind in kinds} == {PASS}


@pytest.mark.parametrize(
    ("kind", "chosen", "sentence"),
    [
        ("threshold", {}, "needs its setting 'limit'"),
        ("threshold", {"limit": None}, "limit must be a number"),
        ("threshold", {"limit": 10**400}, "limit must be a number"),
        ("baseline", {"baseline": 3}, "baseline must be a text"),
        ("baseline", {"proof": "maybe"}, "proof must be one of average, proven"),
        ("baseline", {"proof": []}, "proof must be one of"),
        ("files", {"formats": []}, "formats must be a list of 1 to 50 words"),
        ("files", {"formats": "json"}, "formats must be a list"),
        ("files", {"formats": [{"a": 1}]}, "formats must be a list"),
        ("files", {"formats": ["js\0on"]}, "formats must be a list"),
        ("card", {"fields": ["use"]}, "has no setting 'fields'"),
    ],
)
def test_settings_without_sense_are_refused(kind: str, chosen: Any, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        check_gates([GateSpec(kind, chosen)])
