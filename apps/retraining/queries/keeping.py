"""What a rule of retention may take of a family's segment runs: logs, and attempts that another one followed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import F, Func, IntegerField, QuerySet

from apps.retraining.models import Attempt, SegmentRun

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily


class OctetLength(Func):
    """Bytes of a text."""

    function = "octet_length"
    output_field = IntegerField()


def logs_to_cut(family: ModelFamily, *, before: datetime) -> QuerySet[SegmentRun]:
    """Segment runs that are over and have a log, the oldest first."""
    over = SegmentRun.objects.filter(request__family=family, finished_at__lt=before)
    return over.exclude(log="").order_by("finished_at", "id")


def attempts_to_cut(family: ModelFamily, *, before: datetime) -> QuerySet[Attempt]:
    """Of segment runs that are over, all attempts but the last, the oldest first."""
    earlier = Attempt.objects.filter(segment_run__request__family=family, segment_run__finished_at__lt=before)
    return earlier.filter(number__lt=F("segment_run__attempt")).order_by("started_at", "id")
