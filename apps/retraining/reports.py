"""Drift reports as their tools write them, read into one normal form; pure.

A verdict is read, never computed anew: whether a value lies on the wrong side of its threshold depends on the method
(a p-value drifts below it, a distance above), and the tool has decided that already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from apps.core.errors import Invalid

MOST_READINGS = 500
LONGEST_TEXT = 1_000


class Kind(StrEnum):
    """What a report says about the world."""

    DRIFT = "drift"
    SCHEMA = "schema"
    VOLUME = "volume"
    FRESHNESS = "freshness"
    PERFORMANCE = "performance"


WORST_FIRST = (Kind.SCHEMA, Kind.VOLUME, Kind.PERFORMANCE, Kind.FRESHNESS, Kind.DRIFT)
"""Of what one report says, this counts: on broken data nothing should be trained, whatever else has drifted."""


@dataclass(frozen=True)
class Reading:
    """One finding of a report. `alarm` is the tool's own verdict; numbers are None where it gives none."""

    kind: str
    alarm: bool
    feature: str = ""
    measure: str = ""
    value: float | None = None
    threshold: float | None = None
    description: str = ""


@dataclass(frozen=True)
class Report:
    """All findings; `kind` is that of the worst alarm, else of the first finding."""

    readings: tuple[Reading, ...]

    @property
    def alarms(self) -> tuple[Reading, ...]:
        return tuple(reading for reading in self.readings if reading.alarm)

    @property
    def is_alarm(self) -> bool:
        return bool(self.alarms)

    @property
    def kind(self) -> str:
        kinds = {reading.kind for reading in self.alarms or self.readings[:1]}
        return next((kind.value for kind in WORST_FIRST if kind in kinds), Kind.DRIFT.value)

    @property
    def summary(self) -> str:
        """A sentence for a list."""
        if not self.alarms:
            return f"{len(self.readings)} checks, none of them an alarm."
        first = self.alarms[0]
        what = first.description or f"{first.feature or 'It'} is {first.measure or first.kind}."
        more = f" And {len(self.alarms) - 1} more of {len(self.readings)}." if len(self.alarms) > 1 else ""
        return what[:300] + more

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(reading) for reading in self.readings]


def read_report(source: str, body: object) -> Report:
    """Raises Invalid that says what is missing, for a shape that is not the source's."""
    reader = READERS.get(source)
    if reader is None:
        raise Invalid(f"Signals come from {', '.join(sorted(READERS))}; {source!r} is none of them.", field="source")
    readings = reader(_object(body, "The report"))
    if not readings:
        raise Invalid(f"This {source} report holds no finding: send the report of a check that ran.", field="report")
    if len(readings) > MOST_READINGS:
        raise Invalid(f"A report may hold {MOST_READINGS} findings; this one holds {len(readings)}.", field="report")
    return Report(tuple(readings))


def _evidently(report: Mapping[str, Any]) -> list[Reading]:
    """Evidently ≥ 0.7: `tests[]` with status and `metric_config`; a report without tests has no verdict."""
    tests = report.get("tests")
    if not isinstance(tests, list):
        raise Invalid(
            "An Evidently report needs its 'tests': make it with Report(..., include_tests=True).", field="report"
        )
    return [_evidently_test(_object(test, "Each test")) for test in tests]


def _evidently_test(test: Mapping[str, Any]) -> Reading:
    status = _one_of(test, "status", ("SUCCESS", "FAIL", "WARNING", "ERROR", "SKIPPED"))
    params = _object(_object(test.get("metric_config") or {}, "metric_config").get("params") or {}, "params")
    return Reading(
        kind=Kind.DRIFT,
        alarm=status in ("FAIL", "ERROR"),
        feature=_text(params.get("column")),
        measure=_text(params.get("method") or str(params.get("type", "")).rpartition(":")[2]),
        threshold=_number(params.get("threshold")),
        description=_text(test.get("description") or test.get("name")),
    )


def _tfdv(report: Mapping[str, Any]) -> list[Reading]:
    """Anomalies as protobuf's JSON, in camelCase or snake_case; measurements below their threshold are no alarm."""
    anomalies = _either(report, "anomalyInfo", "anomaly_info")
    measured = _either(report, "driftSkewInfo", "drift_skew_info")
    if anomalies is None and measured is None:
        raise Invalid("TFDV's anomalies need 'anomalyInfo' or 'driftSkewInfo' (or in snake_case).", field="report")
    found = _object(anomalies or {}, "anomalyInfo")
    alarms = [_anomaly(feature, _object(what, "Each anomaly")) for feature, what in found.items()]
    return alarms + [one for info in _list(measured or [], "driftSkewInfo") for one in _measurements(info, found)]


def _anomaly(feature: str, what: Mapping[str, Any]) -> Reading:
    reasons = [_object(reason, "Each reason") for reason in _list(what.get("reason") or [], "reason")]
    types = [str(reason.get("type", "")) for reason in reasons]
    return Reading(
        kind=_worst([_kind_of_anomaly(name) for name in types]),
        alarm=what.get("severity", "ERROR") == "ERROR",
        feature=_text(feature),
        measure=_text(types[0] if types else ""),
        description=_text(what.get("description") or _either(what, "shortDescription", "short_description")),
    )


def _kind_of_anomaly(name: str) -> str:
    if name.startswith("COMPARATOR_") and "NUM_EXAMPLES" not in name:
        return Kind.DRIFT
    return Kind.VOLUME if "NUM_EXAMPLES" in name else Kind.SCHEMA


def _measurements(info: object, alarmed: Mapping[str, Any]) -> list[Reading]:
    info = _object(info, "Each driftSkewInfo")
    steps = _list(_object(info.get("path") or {}, "path").get("step") or [], "step")
    feature = ".".join(map(str, steps))
    measured = _either(info, "driftMeasurements", "drift_measurements") or []
    return [
        Reading(
            kind=Kind.DRIFT,
            alarm=False,  # where it is one, TFDV says so in the anomalies
            feature=_text(feature),
            measure=_text(one.get("type")),
            value=_number(one.get("value")),
            threshold=_number(one.get("threshold")),
        )
        for one in (_object(each, "Each measurement") for each in _list(measured, "driftMeasurements"))
    ]


def _sagemaker(report: Mapping[str, Any]) -> list[Reading]:
    """Model Monitor's constraint_violations.json."""
    if "violations" not in report:
        raise Invalid("SageMaker's constraint_violations.json needs 'violations'.", field="report")
    violations = _list(report["violations"], "violations")
    return [_violation(_object(one, "Each violation")) for one in violations] or [Reading(Kind.DRIFT, alarm=False)]


def _violation(violation: Mapping[str, Any]) -> Reading:
    check = _text(violation.get("constraint_check_type"))
    if not check:
        raise Invalid("Each violation needs its 'constraint_check_type'.", field="report")
    return Reading(
        kind=Kind.DRIFT if check == "baseline_drift_check" else Kind.SCHEMA,
        alarm=True,
        feature=_text(violation.get("feature_name")),
        measure=check,
        description=_text(violation.get("description")),
    )


def _plain(report: Mapping[str, Any]) -> list[Reading]:
    """Our own form: kind, verdict ("alarm" or "fine"); feature, measure, value, threshold, description if known."""
    kind = _one_of(report, "kind", tuple(Kind))
    verdict = _one_of(report, "verdict", ("alarm", "fine"))
    return [
        Reading(
            kind=kind,
            alarm=verdict == "alarm",
            feature=_text(report.get("feature")),
            measure=_text(report.get("measure")),
            value=_number(report.get("value")),
            threshold=_number(report.get("threshold")),
            description=_text(report.get("description")),
        )
    ]


READERS: dict[str, Callable[[Mapping[str, Any]], list[Reading]]] = {
    "evidently": _evidently,
    "tfdv": _tfdv,
    "sagemaker": _sagemaker,
    "airflow": _plain,
    "api": _plain,
}
"""By the name of the source."""


def _worst(kinds: Sequence[str]) -> str:
    return next((kind for kind in WORST_FIRST if kind in kinds), Kind.SCHEMA)


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{what} has to be a JSON object.", field="report")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Invalid(f"'{what}' has to be a list.", field="report")
    return value


def _either(report: Mapping[str, Any], camel: str, snake: str) -> Any:
    return report.get(camel, report.get(snake))


def _one_of(report: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    value = report.get(name)
    if value not in choices:
        raise Invalid(f"'{name}' has to be one of {', '.join(choices)}.", field="report")
    return str(value)


def _text(value: object) -> str:
    return "" if value is None else str(value).replace("\0", "")[:LONGEST_TEXT]


def _number(value: object) -> float | None:
    """Numbers that JSON can not carry come as text, or are out of every scale; neither is worth a refusal."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or value != value:
        return None
    return float(value)
