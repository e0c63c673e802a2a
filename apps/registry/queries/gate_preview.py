"""What other gates would say of today's candidates; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apps.registry.gates import GateSpec, Outcome, Verdict, check_gates, gates_for, outcome_of
from apps.registry.models import ModelFamily, ModelVersion
from apps.registry.models.family import CHAMPION
from apps.registry.queries.candidacies import Evidence, all_gates, candidacy, evidence_of
from apps.registry.queries.fleet import ScoreCell, VersionCell, candidates_of, score_of, version_cell


@dataclass(frozen=True)
class PreviewRow:
    """One segment's candidate: what the proposed gates say, and what the gates of now say.

    Without an evaluation that counts, both are None and `why_not` says why.
    """

    segment: str
    name: str
    candidate: VersionCell
    champion: VersionCell | None
    evaluation: ScoreCell | None
    outcome: Outcome | None
    now: Outcome | None
    verdicts: tuple[Verdict, ...]
    why_not: str

    @property
    def changes(self) -> bool:
        return self.outcome != self.now


@dataclass(frozen=True)
class GatePreview:
    """A row per candidate by segment name, and how many end how; `changed` counts who would end otherwise than now."""

    alias: str
    gates: tuple[GateSpec, ...]
    rows: tuple[PreviewRow, ...]
    passed: int
    inconclusive: int
    failed: int
    not_evaluated: int
    changed: int

    @property
    def sentence(self) -> str:
        if not self.rows:
            return "There is no candidate today that these rules could judge."
        count = f"{len(self.rows)} candidates" if len(self.rows) > 1 else "one candidate"
        ends = f"{self.passed} pass, {self.inconclusive} inconclusive, {self.failed} fail"
        rest = f", {self.not_evaluated} not evaluated" if self.not_evaluated else ""
        return f"These rules on today's {count}: {ends}{rest}."


def gate_preview(family: ModelFamily, gates: Sequence[GateSpec] | None = None, alias: str = CHAMPION) -> GatePreview:
    """`gates` are the proposed ones of all aliases; None takes those of now. Raises Invalid for gates without sense."""
    check_gates(gates or ())
    proposed = gates_for(all_gates(family) if gates is None else gates, alias)
    found = candidates_of(family, alias)
    evidence = evidence_of(family, alias, [v.model_id for v in found], [v.pk for v in found])
    rows = tuple(_row(evidence, replace(evidence, gates=proposed), version) for version in found)
    return _preview(alias, proposed, rows)


def _preview(alias: str, gates: tuple[GateSpec, ...], rows: tuple[PreviewRow, ...]) -> GatePreview:
    ends = Counter(row.outcome for row in rows)
    return GatePreview(
        alias=alias,
        gates=gates,
        rows=rows,
        passed=ends[Outcome.PASS],
        inconclusive=ends[Outcome.INCONCLUSIVE],
        failed=ends[Outcome.FAIL],
        not_evaluated=ends[None],
        changed=sum(row.changes for row in rows),
    )


def _row(now: Evidence, proposed: Evidence, version: ModelVersion) -> PreviewRow:
    judged, today = candidacy(proposed, version), candidacy(now, version)
    counts = judged.counts
    return PreviewRow(
        segment=version.model.its_segment.slug,
        name=version.model.its_segment.name,
        candidate=version_cell(version),
        champion=version_cell(judged.champion) if judged.champion else None,
        evaluation=score_of(judged.evaluation) if judged.evaluation else None,
        outcome=outcome_of(judged.verdicts) if counts else None,
        now=outcome_of(today.verdicts) if counts else None,
        verdicts=judged.verdicts if counts else (),
        why_not="" if counts else judged.refusal,
    )
