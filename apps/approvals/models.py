"""Who must say yes, and who said what; blind to what is approved, which is a title and a digest here."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary


class Approval(models.Model):
    """A question to a team's leads and to named approvers; authors are excluded, the first no closes it."""

    class Status(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.OPEN: frozenset({Status.APPROVED, Status.REJECTED, Status.WITHDRAWN, Status.EXPIRED}),
        Status.APPROVED: frozenset(),
        Status.REJECTED: frozenset(),
        Status.WITHDRAWN: frozenset(),
        Status.EXPIRED: frozenset(),
    }

    title = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="sha256 of what is approved: a vote is bound to it.")
    team = models.ForeignKey(
        "accounts.Team",
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Its leads vote; none: only approvers do.",
    )
    approvers = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", help_text="Vote besides the leads.")
    excluded = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+", help_text="Authors never vote.")
    needed = models.PositiveSmallIntegerField(help_text="So many must say yes.")
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(needed__gte=1), name="an_approval_needs_somebody"),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="an_approval_is_bound_to_a_digest"
            ),
            models.CheckConstraint(
                condition=Q(status="open", closed_at=None) | (~Q(status="open") & Q(closed_at__isnull=False)),
                name="an_approval_is_open_or_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at")), name="an_approval_expires_after_opening"
            ),
        ]
        indexes = [models.Index(fields=["team"], condition=Q(status="open"), name="approval_open_of_team")]

    def __str__(self) -> str:
        return self.title

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug if self.team else "")


class Vote(models.Model):
    """What one person said; the database refuses to change or remove it."""

    class Verdict(models.TextChoices):
        YES = "yes"
        NO = "no"

    approval = models.ForeignKey(Approval, models.PROTECT, related_name="votes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=3, choices=Verdict)
    reason = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["approval", "user"], name="one_vote_per_person"),
            models.CheckConstraint(condition=Q(verdict__in=["yes", "no"]), name="a_vote_is_yes_or_no"),
            models.CheckConstraint(condition=Q(verdict="yes") | ~Q(reason=""), name="a_no_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.verdict}"
