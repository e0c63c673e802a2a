"""How many days a family keeps what, as it is chosen and looked at before it is a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta

from django.db import models
from django.utils import timezone

from apps.core.errors import Invalid
from apps.retention.models import LONGEST, SHORTEST, SHORTEST_FILES


class Kind(models.TextChoices):
    LOGS = "logs", "logs"
    ATTEMPTS = "attempts", "attempts"
    METRICS = "metrics", "metric points"
    FILES = "files", "files"


@dataclass(frozen=True)
class Terms:
    """Days; None keeps everything."""

    logs_days: int | None = None
    attempts_days: int | None = None
    metrics_days: int | None = None
    files_days: int | None = None

    def __iter__(self) -> Iterator[tuple[Kind, int | None]]:
        return ((kind, getattr(self, f"{kind}_days")) for kind in Kind)

    def __getitem__(self, kind: Kind) -> int | None:
        return getattr(self, f"{kind}_days")

    @property
    def told(self) -> dict[str, int | None]:
        """As the audit keeps it."""
        return asdict(self)

    @property
    def keeps_everything(self) -> bool:
        return all(days is None for _, days in self)

    def check(self) -> None:
        """Raises Invalid with a sentence per field."""
        errors = {
            f"{kind}_days": f"Between {shortest_of(kind)} and {LONGEST:,} days; nothing keeps them for good."
            for kind, days in self
            if days is not None and not shortest_of(kind) <= days <= LONGEST
        }
        if errors:
            raise Invalid(next(iter(errors.values())), errors=errors)


NAMES = tuple(Terms().told)


def shortest_of(kind: Kind) -> int:
    return SHORTEST_FILES if kind is Kind.FILES else SHORTEST


def before(days: int) -> datetime:
    """What happened earlier goes. Days are counted from the last midnight (UTC), so that what was looked at is still
    the same a moment later.
    """
    midnight = datetime.combine(timezone.now().astimezone(UTC).date(), time.min, tzinfo=UTC)
    return midnight - timedelta(days=days)
