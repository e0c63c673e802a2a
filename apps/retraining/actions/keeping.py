"""What a rule of retention takes of segment runs. The app whose rule it is has asked, and records it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Now

from apps.retraining.models import Attempt, SegmentRun
from apps.retraining.queries.keeping import OctetLength, attempts_to_cut, logs_to_cut

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily


@transaction.atomic
def cut_logs(*, family: ModelFamily, before: datetime, most: int) -> tuple[int, int]:
    """Of at most so many segment runs; answers of how many, and the bytes. One that runs again meanwhile is left."""
    found = logs_to_cut(family, before=before).select_for_update(no_key=True, skip_locked=True, of=("self",))
    runs = SegmentRun.objects.filter(pk__in=list(found.values_list("pk", flat=True)[:most]))
    size = runs.aggregate(size=Sum(OctetLength("log"), default=0))["size"]
    return runs.update(log="", log_cut_at=Now()), size


@transaction.atomic
def cut_attempts(*, family: ModelFamily, before: datetime, most: int) -> int:
    """At most so many; answers how many. The last of each segment run stays."""
    found = attempts_to_cut(family, before=before).select_for_update(skip_locked=True, of=("self",))
    rows = list(found.values_list("pk", "segment_run")[:most])
    SegmentRun.objects.filter(pk__in={run for _, run in rows}).update(attempts_cut_at=Now())
    return Attempt.objects.filter(pk__in=[pk for pk, _ in rows]).delete()[0]
