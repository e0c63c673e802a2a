"""The company's opinion of a tool, how it moves, and editions of the radar that stay as they were."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from apps.catalog.models.base import CompanyWide, Prose
from apps.catalog.models.tools import Tool


class Ring(models.TextChoices):
    ADOPT = "adopt"
    TRIAL = "trial"
    ASSESS = "assess"
    HOLD = "hold"
    RETIRED = "retired"


def rank_of_ring(ring: str) -> models.Case:
    """The place of a ring, adopt first; `ring` is the path to the column."""
    whens = [models.When(**{ring: value}, then=place) for place, value in enumerate(Ring.values)]
    return models.Case(*whens, default=len(whens), output_field=models.SmallIntegerField())


class Viewpoint(models.Model):
    """What one can think of a tool: of its position, and of a move that is proposed."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+")
    support = models.CharField(max_length=200, blank=True, help_text="Where to ask, for example a channel.")
    when_to_use = Prose(blank=True)
    when_not = Prose(blank=True)
    getting_started = Prose(blank=True)
    instead = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="+")
    next_review = models.DateField(null=True, blank=True)
    decision = models.ForeignKey("catalog.Decision", models.PROTECT, null=True, blank=True, related_name="%(class)ss")

    class Meta:
        abstract = True


class Position(Viewpoint):
    """The company's opinion of a tool: one ring, an owner, what to use it for and what not."""

    Ring = Ring

    tool = models.OneToOneField(Tool, models.PROTECT, related_name="position")
    ring = models.CharField(max_length=16, choices=Ring)
    since = models.DateField(db_default=TruncDate(Now()), help_text="The day it came into this ring.")
    experts = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", blank=True)
    reviewed_on = models.DateField(null=True, blank=True, help_text="When somebody last said that it still holds.")
    revision = models.PositiveIntegerField(default=1, help_text="Counts edits, so that nobody overwrites another's.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(ring="adopt") | Q(owner__isnull=False),
                name="adopted_tool_has_an_owner",
                violation_error_code="owner",
                violation_error_message="An adopted tool needs an owner: somebody who answers questions about it.",
            ),
            models.CheckConstraint(
                condition=~Q(ring="adopt") | ~Q(when_to_use=""),
                name="adopted_tool_says_when_to_use",
                violation_error_code="when_to_use",
                violation_error_message="Say what an adopted tool is to be used for.",
            ),
            models.CheckConstraint(
                condition=~Q(ring="hold") | ~Q(when_not=""),
                name="tool_on_hold_says_why_not",
                violation_error_code="when_not",
                violation_error_message="Say why a tool on hold is not to be used for anything new.",
            ),
            models.CheckConstraint(
                condition=Q(instead__isnull=True) | ~Q(instead=F("tool")),
                name="another_tool_instead",
                violation_error_code="instead",
                violation_error_message="A tool can not be used instead of itself; choose another one.",
            ),
            models.CheckConstraint(
                condition=Q(ring__in=["adopt", "trial", "assess", "hold", "retired"]), name="position_in_a_known_ring"
            ),
        ]

    def __str__(self) -> str:
        return self.tool.name

    @property
    def is_review_due(self) -> bool:
        return self.next_review is not None and self.next_review <= timezone.localdate()


class RingMove(Viewpoint):
    """A tool goes from one ring to another: proposed by anyone, applied when the board has said yes."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "Waiting for approval"
        APPLIED = "applied"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.PROPOSED: frozenset({Status.APPLIED, Status.REFUSED, Status.WITHDRAWN}),
        Status.APPLIED: frozenset(),
        Status.REFUSED: frozenset(),
        Status.WITHDRAWN: frozenset(),
    }

    tool = models.ForeignKey(Tool, models.PROTECT, related_name="moves")
    from_ring = models.CharField(max_length=16, choices=Ring, blank=True, help_text="Empty for a first position.")
    to_ring = models.CharField(max_length=16, choices=Ring)
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=16, choices=Status, default=Status.PROPOSED)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_on = models.DateField(db_default=TruncDate(Now()))
    approval = models.ForeignKey("approvals.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    applied_on = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text="Why it was refused or withdrawn.")

    objects = CompanyWide.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="ring_move_has_a_reason"),
            models.CheckConstraint(condition=~Q(to_ring=F("from_ring")), name="ring_move_moves"),
            models.UniqueConstraint(
                fields=["tool"], condition=Q(status="proposed"), name="one_open_ring_move_per_tool"
            ),
            models.CheckConstraint(
                condition=Q(status="applied") ^ Q(applied_on__isnull=True), name="applied_ring_move_has_its_day"
            ),
        ]
        indexes = [models.Index(fields=["applied_on"], condition=Q(status="applied"), name="ring_move_by_day")]

    def __str__(self) -> str:
        return f"{self.tool} to {self.to_ring}"

    @property
    def direction(self) -> str:
        """One of new, in (towards adopt), out."""
        if not self.from_ring:
            return "new"
        rings = Ring.values
        return "in" if rings.index(self.to_ring) < rings.index(self.from_ring) else "out"


class RadarEdition(models.Model):
    """The radar as it was on one day; the database refuses to change it."""

    name = models.SlugField(max_length=32, unique=True, help_text="For example 2026-11.")
    published_on = models.DateField(db_default=TruncDate(Now()))
    publisher = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    blips = models.JSONField(help_text="One object per tool: slug, name, ring, stage, capability.")

    objects = CompanyWide.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="radar_edition_has_a_name")]

    def __str__(self) -> str:
        return self.name
