"""What has become of a segment run's time; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.retraining.models import SegmentRun


@dataclass(frozen=True)
class Phase:
    """The newest attempt's stretches of time; what is going on now has no end."""

    label: str
    start: datetime
    end: datetime | None
    seconds: float


def phases(run: "SegmentRun", now: datetime) -> list[Phase]:
    """In order; those that have not begun are left out."""
    known = [(label, at) for label, at in _between_tries(run) or _of_attempt(run) if at]
    ends = [*(at for _, at in known[1:]), run.finished_at]
    return [
        Phase(label, start, end, max(((end or now) - start).total_seconds(), 0.0))
        for (label, start), end in zip(known, ends, strict=True)
    ]


def _of_attempt(run: "SegmentRun") -> list[tuple[str, datetime | None]]:
    return [
        ("Waited for its turn", run.request.created_at),
        ("Waited for a worker", run.sent_at),
        ("Trained", run.started_at),
    ]


def _between_tries(run: "SegmentRun") -> list[tuple[str, datetime | None]]:
    """Empty unless an attempt has ended and the next has not begun."""
    if run.status not in ("waiting", "sent"):
        return []
    tried = list(run.attempts.all())[-1:]
    return [phase for one in tried for phase in (("Tried", one.started_at), ("Waits for its next try", one.ended_at))]
