"""What becomes of a proposal, for CI: passed, waiting or refused, as Markdown that a build's summary shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.registry.models import Wave

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apps.registry.queries import PromotionRow, WaveView

PASSED, WAITING, REFUSED = 200, 202, 409
"""As the answer's status says it."""
MOST_ROWS = 50
CODES = {Wave.Status.APPLIED: PASSED, Wave.Status.PROPOSED: WAITING, Wave.Status.RUNNING: WAITING}
WORDS = {
    Wave.Status.APPLIED: "promoted",
    Wave.Status.PROPOSED: "waits for approval",
    Wave.Status.RUNNING: "moves in stages; its next one waits",
    Wave.Status.REJECTED: "rejected",
    Wave.Status.WITHDRAWN: "withdrawn",
    Wave.Status.EXPIRED: "expired: nobody decided in time",
    Wave.Status.SUPERSEDED: "superseded: what it was judged against has changed",
    Wave.Status.UNDONE: "taken back",
}


@dataclass(frozen=True)
class Verdict:
    code: int
    text: str


def of_wave(view: WaveView, page: str) -> Verdict:
    """`page` is the address at which people decide."""
    wave = view.wave
    parts = [
        f"## {wave.family} → {wave.alias}: {WORDS[Wave.Status(wave.status)]}",
        f"[Promotion #{wave.pk}]({page}) of {wave.segments} segments: {view.progress.sentence}",
        f"> {_line(wave.note)}" if wave.note else "",
        f"Approved by {', '.join(view.approved_by)}." if view.approved_by else "",
        _table(view.rows),
        _refused({row.model: row.refusal for row in view.refused}),
    ]
    return Verdict(CODES.get(Wave.Status(wave.status), REFUSED), _joined(parts))


def of_refusal(family: str, message: str, errors: Mapping[str, str], *, waits: bool) -> Verdict:
    """Nothing is proposed: no candidate passes, or some are being evaluated first."""
    word = "being evaluated" if waits else "nothing to promote"
    return Verdict(WAITING if waits else REFUSED, _joined([f"## {family}: {word}", _line(message), _refused(errors)]))


def _table(rows: Iterable[PromotionRow]) -> str:
    """One line a segment, the worst first; the interval is that of the paired difference."""
    lines = ["| model | version | instead of | better by | 95 % interval | status |", "|---|---|---|---|---|---|"]
    lines += [_row(row) for row in list(rows)[:MOST_ROWS]]
    return "\n".join(lines) if len(lines) > 2 else ""


def _row(row: PromotionRow) -> str:
    score, champion = row.evaluation, row.champion
    gain = f"{score.difference:.3g}" if score and score.difference is not None else "–"
    known = score is not None and score.lower is not None and score.upper is not None
    interval = f"{score.lower:.3g} to {score.upper:.3g}" if known and score else "–"
    instead = f"v{champion.number}" if champion else "–"
    return f"| {row.model} | v{row.candidate.number} | {instead} | {gain} | {interval} | {row.status} |"


def _refused(errors: Mapping[str, str]) -> str:
    lines = [f"- **{model}**: {_line(sentence)}" for model, sentence in list(errors.items())[:MOST_ROWS]]
    return "\n".join(["Refused:", "", *lines]) if lines else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
