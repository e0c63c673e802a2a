"""From facts and gates to verdicts; and which gates make sense."""

from collections.abc import Sequence

from apps.core.errors import Invalid
from apps.registry.gates.facts import Compared, Facts, GateSpec, Outcome, Verdict
from apps.registry.gates.kinds import (
    KINDS,
    Kind,
)

NOT_EVALUATED = "It has not been evaluated against the champion on the newest month."


def judge(facts: Facts, gates: Sequence[GateSpec]) -> list[Verdict]:
    """One verdict per gate, in the gates' order. Without an evaluation nothing passes."""
    if facts.compared is None:
        sentence = facts.why_not or NOT_EVALUATED
        return [Verdict(gate.kind, Outcome.INCONCLUSIVE, sentence) for gate in gates]
    return [_verdict(facts, facts.compared, gate) for gate in gates]


def _verdict(facts: Facts, compared: Compared, gate: GateSpec) -> Verdict:
    kind = KINDS[gate.kind]
    return Verdict(gate.kind, *kind.judge(facts, compared, kind.values(gate)))


def passes(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.outcome is Outcome.PASS for verdict in verdicts)


def objections(verdicts: Sequence[Verdict]) -> str:
    """Why not, in the gates' own sentences; empty when all pass."""
    return " ".join(verdict.sentence for verdict in verdicts if verdict.outcome is not Outcome.PASS)


def outcome_of(verdicts: Sequence[Verdict]) -> Outcome:
    """Of all gates together: one that fails decides, then one that is inconclusive."""
    found = {verdict.outcome for verdict in verdicts}
    return next((outcome for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE) if outcome in found), Outcome.PASS)


def gates_for(gates: Sequence[GateSpec], alias: str) -> tuple[GateSpec, ...]:
    """Those that guard this alias: its own ones take the place of those for all aliases, kind by kind."""
    own = {gate.kind for gate in gates if gate.alias == alias}
    return tuple(gate for gate in gates if gate.alias == alias or (not gate.alias and gate.kind not in own))


def check_gates(gates: Sequence[GateSpec]) -> None:
    """Raises Invalid for a gate or a setting that is not known, or a value that makes no sense."""
    places = [(gate.alias, gate.kind) for gate in gates]
    if len(set(places)) < len(places):
        raise Invalid("A family has each gate once, or once per alias.", field="gates")
    for gate in gates:
        _check_gate(gate)


def _check_gate(gate: GateSpec) -> None:
    if gate.kind not in KINDS:
        raise Invalid(f"There is no gate {gate.kind!r}; choose from {', '.join(KINDS)}.", field="gates")
    kind = KINDS[gate.kind]
    known = {setting.name for setting in kind.settings}
    for name in gate.settings:
        if name not in known:
            raise Invalid(f"The gate {gate.kind!r} has no setting {name!r}.", field=f"gates.{gate.kind}.{name}")
    _check_settings(gate, kind)


def _check_settings(gate: GateSpec, kind: Kind) -> None:
    for setting in kind.settings:
        field = f"gates.{gate.kind}.{setting.name}"
        if setting.name not in gate.settings and setting.is_required:
            raise Invalid(f"The gate {gate.kind!r} needs its setting {setting.name!r}.", field=field)
        if setting.name in gate.settings and (wrong := setting.objection(gate.settings[setting.name])):
            raise Invalid(wrong, field=field)
