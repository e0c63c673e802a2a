"""Drift reports as their tools write them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.retraining.reports import READERS, read_report

EVIDENTLY = {
    "metrics": [],
    "tests": [
        {
            "name": "Share of Drifted Columns: Less 0.500",
            "description": "Share of Drifted Columns: Actual value 0.667 >= 0.500",
            "metric_config": {
                "params": {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": 0.5},
            },
            "status": "FAIL",
        },
        {
            "name": "Value Drift for column dist",
            "description": "Drift score is 0.00. The drift detection method is K-S p_value.",
            "metric_config": {
                "params": {
                    "type": "evidently:metric_v2:ValueDrift",
                    "column": "dist",
                    "method": "K-S p_value",
                    "threshold": 0.05,
                }
            },
            "status": "SUCCESS",
        },
    ],
}
TFDV = {
    "anomalyInfo": {
        "dist": {
            "description": "The approximate Jensen-Shannon divergence is 0.249518, above the threshold 0.05.",
            "severity": "ERROR",
            "reason": [{"type": "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"}],
        },
        "new": {"severity": "ERROR", "shortDescription": "New column", "reason": [{"type": "SCHEMA_NEW_COLUMN"}]},
    },
    "driftSkewInfo": [
        {
            "path": {"step": ["dist"]},
            "driftMeasurements": [{"type": "JENSEN_SHANNON_DIVERGENCE", "value": 0.2495, "threshold": 0.05}],
        }
    ],
}
TFDV_SNAKE = {
    "anomaly_info": {"dist": {"severity": "ERROR", "short_description": "High divergence", "reason": []}},
    "drift_skew_info": [{"path": {"step": ["dist"]}, "drift_measurements": [{"type": "L_INFTY", "value": 0.55}]}],
}
SAGEMAKER = {
    "violations": [
        {
            "feature_name": "dist",
            "constraint_check_type": "baseline_drift_check",
            "description": "Baseline drift distance: 0.31 exceeds threshold: 0.1",
        }
    ]
}


def test_evidentlys_verdict_is_read_and_not_computed_from_its_numbers() -> None:
    report = read_report("evidently", EVIDENTLY)
    assert [reading.alarm for reading in report.readings] == [True, False]
    assert (report.kind, report.is_alarm) == ("drift", True)
    assert report.readings[1].feature == "dist"
    assert report.readings[1].measure == "K-S p_value"
    assert report.summary == "Share of Drifted Columns: Actual value 0.667 >= 0.500"


def test_a_report_whose_checks_all_passed_is_no_alarm() -> None:
    fine = {"tests": [EVIDENTLY["tests"][1]]}
    report = read_report("evidently", fine)
    assert not report.is_alarm
    assert report.summary == "1 checks, none of them an alarm."


def test_a_schema_anomaly_of_tfdv_weighs_more_than_drift_beside_it() -> None:
    report = read_report("tfdv", TFDV)
    assert report.kind == "schema"
    assert {(one.feature, one.kind, one.alarm) for one in report.readings} == {
        ("dist", "drift", True),
        ("new", "schema", True),
        ("dist", "drift", False),
    }
    assert report.readings[2].value == 0.2495


def test_tfdv_is_read_in_both_spellings() -> None:
    report = read_report("tfdv", TFDV_SNAKE)
    assert report.readings[0].description == "High divergence"
    assert report.readings[1].measure == "L_INFTY"


def test_sagemakers_violations_are_alarms_and_an_empty_list_is_a_good_word() -> None:
    assert read_report("sagemaker", SAGEMAKER).readings[0].measure == "baseline_drift_check"
    assert not read_report("sagemaker", {"violations": []}).is_alarm


def test_the_plain_form_says_its_verdict_itself() -> None:
    plain = {"kind": "performance", "verdict": "alarm", "measure": "mae", "value": 12.5, "threshold": 10}
    reading = read_report("api", plain).readings[0]
    assert (reading.kind, reading.alarm, reading.value, reading.threshold) == ("performance", True, 12.5, 10.0)


BAD = [
    ("nagios", {}, "nagios"),
    ("evidently", [], "JSON object"),
    ("evidently", {"metrics": []}, "include_tests=True"),
    ("evidently", {"tests": [{"status": "MAYBE"}]}, "SUCCESS, FAIL"),
    ("evidently", {"tests": []}, "no finding"),
    ("evidently", {"tests": [{"status": "FAIL"}] * 501}, "500 findings"),
    ("tfdv", {"anomalies": {}}, "anomalyInfo"),
    ("tfdv", {"driftSkewInfo": 3}, "list"),
    ("sagemaker", {"version": 0}, "violations"),
    ("sagemaker", {"violations": [{}]}, "constraint_check_type"),
    ("api", {"kind": "mood", "verdict": "alarm"}, "drift, schema"),
    ("api", {"kind": "drift"}, "alarm, fine"),
]


@pytest.mark.parametrize(("source", "body", "word"), BAD, ids=range(len(BAD)))
def test_an_unknown_shape_is_refused_with_what_is_missing(source: str, body: Any, word: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_report(source, body)
    assert word in caught.value.message


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["tests", "status", "anomalyInfo", "reason", "path", "step", "violations", "kind", "verdict"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(READERS)), junk)
def test_whatever_is_sent_is_read_or_refused_with_a_sentence(source: str, body: Any) -> None:
    try:
        said = read_report(source, body).summary
    except Invalid as refused:
        said = refused.message
    assert said
