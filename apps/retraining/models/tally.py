"""How many segment runs of a request are in which state: kept by the database, with each move."""

from typing import ClassVar

from django.db import models

from apps.retraining.models.request import RetrainingRequest
from apps.retraining.models.segment_run import SegmentRun


class Tally(models.Model):
    """A share of a request's counts; their sum is what counts, so a share alone may be below zero.

    Written only by triggers (see migration 0011): each transaction adds to a share that nobody else is writing, so
    that workers which end runs of one request at the same moment do not wait for each other.
    """

    STATUSES: ClassVar[tuple[str, ...]] = tuple(SegmentRun.Status.values)

    request = models.ForeignKey(RetrainingRequest, models.CASCADE, related_name="tallies")
    waiting = models.IntegerField()
    sent = models.IntegerField()
    running = models.IntegerField()
    succeeded = models.IntegerField()
    failed = models.IntegerField()
    cancelled = models.IntegerField()
    no_data = models.IntegerField()

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"a share of the counts of request #{self.request_id}"
