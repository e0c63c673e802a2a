"""A signal: something the world says about the data of a family; many at once are one incident."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.retraining.reports import Kind

KINDS = [(kind.value, kind.value) for kind in Kind]
BLOCKING = (Kind.SCHEMA, Kind.VOLUME)
"""Nothing is trained on a window of which such a signal says that its data are broken."""


class Incident(models.Model):
    """More than a fifth of a family's segments say the same within a day: the cause lies upstream."""

    family = models.ForeignKey("registry.ModelFamily", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=KINDS)
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["family", "kind"], condition=Q(closed_at=None), name="one_open_incident_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by=None) | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="an_incident_is_closed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"the {self.kind} incident #{self.pk} of {self.family}"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary


class Signal(models.Model):
    """One report about one segment, or about all of a family; the same report again is the same signal."""

    family = models.ForeignKey("registry.ModelFamily", models.PROTECT, related_name="+")
    segment = models.ForeignKey("registry.Segment", models.PROTECT, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, choices=KINDS)
    is_alarm = models.BooleanField()
    summary = models.TextField()
    readings = models.JSONField()
    window_first = models.DateField(null=True, blank=True)
    window_last = models.DateField(null=True, blank=True)
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    digest = models.CharField(
        max_length=64, help_text="sha256 of the report as it was sent, and of when it was observed if that was said."
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, blank=True, related_name="signals")
    set_aside_at = models.DateTimeField(null=True, blank=True, help_text="It no longer keeps anything from training.")
    set_aside_because = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], condition=Q(settled_at=None), name="signals_to_settle"),
            models.Index(fields=["family", "-observed_at"], name="signals_of_a_family"),
            models.Index(
                fields=["family", "kind"], condition=Q(is_alarm=True, set_aside_at=None), name="signals_that_block"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["family", "segment", "digest"], nulls_distinct=False, name="a_report_is_stored_once"
            ),
            models.CheckConstraint(
                condition=Q(window_first=None) | Q(window_last__gte=F("window_first")), name="a_signals_window_has_days"
            ),
            models.CheckConstraint(
                condition=Q(set_aside_at=None) | ~Q(set_aside_because=""), name="setting_aside_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        about = f"{self.family}, {self.segment}" if self.segment else str(self.family)
        return f"the {self.kind} signal #{self.pk} of {about}"

    @property
    def blocks(self) -> bool:
        """It keeps its window from training, until somebody sets it aside."""
        return self.is_alarm and self.set_aside_at is None and self.kind in BLOCKING

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary
