"""What a rule of retention takes of runs. The app whose rule it is has asked, and records it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models.functions import Now

from apps.tracking.models import Run

# In the order in which MLflow calls a point the latest.
EARLIER = """
DELETE FROM tracking_metric AS point WHERE run_id = ANY(%s) AND EXISTS (
    SELECT 1 FROM tracking_metric AS later WHERE later.run_id = point.run_id AND later.key = point.key
    AND (later.step, later.timestamp, later.value) > (point.step, point.timestamp, point.value)
)
"""


@transaction.atomic
def thin_histories(*, runs: Sequence[str]) -> int:
    """Of these runs (ids) the last point of each metric stays; answers how many points went."""
    locked = Run.objects.filter(pk__in=runs).select_for_update(no_key=True).order_by("pk")
    ids = list(locked.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(EARLIER, [ids])
        gone = cursor.rowcount
    Run.objects.filter(pk__in=ids).update(history_cut_at=Now())
    return gone
