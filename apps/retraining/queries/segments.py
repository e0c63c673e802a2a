"""What is known about segments before they are retrained: what runs, what was, and what speaks against it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate

from apps.retraining.models import BLOCKING, Pipeline, RetrainingRequest, SegmentRun, Signal
from apps.retraining.plans import Window as TrainingWindow

if TYPE_CHECKING:
    from apps.registry.models import ModelFamily, Segment


def being_retrained(family: "ModelFamily") -> set[str]:
    """Slugs of the family's segments with an open run."""
    return set(SegmentRun.objects.open().filter(request__family=family).values_list("segment__slug", flat=True))


def blocking_signals(family: "ModelFamily", segments: "Sequence[Segment]", window: TrainingWindow) -> QuerySet[Signal]:
    """Alarms about schema or volume of days that would be trained on, unless somebody has set them aside.

    A signal that names no window is about the day it was observed on; a training window that nobody knows has all.
    """
    alarms = Signal.objects.filter(family=family, kind__in=BLOCKING, is_alarm=True, set_aside_at=None)
    about = alarms.filter(Q(segment=None) | Q(segment__in=segments)).select_related("segment")
    days = about.annotate(
        first=Coalesce("window_first", TruncDate("observed_at")), last=Coalesce("window_last", TruncDate("observed_at"))
    )
    if window.last:
        days = days.filter(first__lte=window.last)
    return days.filter(last__gte=window.first) if window.first else days


def last_retrained(family: "ModelFamily", pipeline: Pipeline) -> dict[str, datetime]:
    """When each segment, by slug, last got a version of this pipeline, or was asked for one."""
    runs = SegmentRun.objects.filter(request__family=family, request__pipeline=pipeline).exclude(status="cancelled")
    asked = dict(runs.order_by().values_list("segment__slug").annotate(last=Max("request__created_at")))
    waiting = RetrainingRequest.objects.waiting_for_approval().filter(family=family, pipeline=pipeline)
    for request in waiting.order_by("id"):
        asked |= dict.fromkeys(request.plan["segments"], request.created_at)
    return asked
