"""A wave: one decision about the promotion of one city or two hundred, bound to what was evaluated."""

from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.core.context import Boundary
from apps.registry.models.evaluation import Evaluation
from apps.registry.models.family import CHAMPION, ModelFamily
from apps.registry.models.gate import Gate
from apps.registry.models.version import ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from apps.accounts.models import User


class WaveQuerySet(models.QuerySet["Wave"]):
    def visible_to(self, user: "User") -> "WaveQuerySet":
        return self.filter(family__in=ModelFamily.objects.visible_to(user))

    def overdue(self) -> "WaveQuerySet":
        return self.filter(status=Wave.Status.PROPOSED, expires_at__lte=Now())

    def whole(self) -> "WaveQuerySet":
        return self.select_related("family__team", "proposer", "approval")


class Wave(models.Model):
    """One reason, one approval, one digest over all that is promoted with it.

    `stages` are numbers of cities, counted together: [5, 50, 200] moves 5, then 45 more, then the other 150. Without
    stages all move at once.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "waiting for approval"
        RUNNING = "running"
        APPLIED = "applied"
        UNDONE = "undone"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"
        SUPERSEDED = "superseded"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.PROPOSED: frozenset(
            {
                Status.RUNNING,
                Status.APPLIED,
                Status.REJECTED,
                Status.WITHDRAWN,
                Status.EXPIRED,
                Status.SUPERSEDED,
            }
        ),
        Status.RUNNING: frozenset({Status.RUNNING, Status.APPLIED, Status.WITHDRAWN, Status.UNDONE}),
        Status.APPLIED: frozenset({Status.UNDONE}),
        Status.UNDONE: frozenset(),
        Status.REJECTED: frozenset(),
        Status.WITHDRAWN: frozenset(),
        Status.EXPIRED: frozenset(),
        Status.SUPERSEDED: frozenset(),
    }
    OPEN: ClassVar[tuple[str, ...]] = (Status.PROPOSED, Status.RUNNING)

    family = models.ForeignKey(ModelFamily, models.PROTECT, related_name="waves")
    alias = models.CharField(max_length=64, default=CHAMPION)
    reason = models.TextField()
    proposer = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    status = models.CharField(max_length=16, choices=Status, default=Status.PROPOSED)
    segments = models.PositiveIntegerField(help_text="How many cities are in it; the refused ones do not count.")
    approval = models.OneToOneField("approvals.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    stages = ArrayField(models.PositiveIntegerField(), default=list, blank=True)
    stage = models.PositiveSmallIntegerField(default=0, help_text="How many stages have moved.")
    stage_at = models.DateTimeField(null=True, blank=True, help_text="When the newest stage moved.")
    live_limit = models.FloatField(
        null=True,
        blank=True,
        help_text="A live value at least this good starts the next stage; without it a person does.",
    )
    digest = models.CharField(max_length=64)
    key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001  most have none
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True)

    objects = WaveQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["family", "proposer", "key"], name="a_proposal_is_made_once_per_key"),
            models.UniqueConstraint(
                fields=["family"],
                condition=Q(status__in=["proposed", "running"], segments__gt=1),
                name="one_open_wave_of_several_segments",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["proposed", "running"], closed_at=None)
                | ~Q(status__in=["proposed", "running"]) & Q(closed_at__isnull=False),
                name="a_wave_is_open_or_closed",
            ),
        ]

    def __str__(self) -> str:
        cities = "1 segment" if self.segments == 1 else f"{self.segments} segments"
        return f"promotion #{self.pk} of {self.family} to {self.alias} ({cities})"

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def last_stage(self) -> int:
        return max(1, len(self.stages))


class Promotion(models.Model):
    """One city of a wave: this candidate instead of this champion, because of this evaluation.

    `binding` is the digest of all that was looked at; if it is another one when the alias should move, it does not.
    """

    class Status(models.TextChoices):
        PROPOSED = "proposed", "waiting for approval"
        APPLIED = "applied"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        SUPERSEDED = "superseded"
        EXPIRED = "expired"
        REFUSED = "refused"
        UNDONE = "undone"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.PROPOSED: frozenset(
            {Status.APPLIED, Status.REJECTED, Status.WITHDRAWN, Status.SUPERSEDED, Status.EXPIRED}
        ),
        Status.APPLIED: frozenset({Status.UNDONE}),
        Status.UNDONE: frozenset(),
        Status.REJECTED: frozenset(),
        Status.WITHDRAWN: frozenset(),
        Status.EXPIRED: frozenset(),
        Status.SUPERSEDED: frozenset(),
        Status.REFUSED: frozenset(),
    }

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="promotions")
    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="promotions")
    alias = models.CharField(max_length=64, default=CHAMPION, help_text="The wave's; here for the constraint.")
    candidate = models.ForeignKey(ModelVersion, models.PROTECT, related_name="promotions")
    champion = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    before = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="+", help_text="What held the alias."
    )
    evaluation = models.ForeignKey(Evaluation, models.PROTECT, null=True, blank=True, related_name="promotions")
    status = models.CharField(max_length=16, choices=Status, default=Status.PROPOSED)
    binding = models.CharField(max_length=64, blank=True)
    refusal = models.TextField(blank=True)
    stage = models.PositiveSmallIntegerField(default=1)
    is_open = models.BooleanField(default=False, help_text="Its wave is open: no other may have this segment.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["wave", "model"], name="a_model_is_once_in_a_wave"),
            models.UniqueConstraint(fields=["model"], condition=Q(is_open=True), name="a_segment_is_in_one_open_wave"),
            models.CheckConstraint(condition=~Q(status="proposed") | Q(is_open=True), name="what_is_proposed_is_open"),
            models.CheckConstraint(
                condition=Q(status="refused") | Q(evaluation__isnull=False) & ~Q(binding=""),
                name="no_promotion_without_its_evaluation",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["refused", "superseded"]) | ~Q(refusal=""), name="a_refusal_says_why"
            ),
            models.CheckConstraint(
                condition=Q(champion=None) | ~Q(candidate=F("champion")), name="nobody_replaces_themselves"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} to {self.alias}"

    @property
    def boundary(self) -> Boundary:
        return self.model.boundary


class GateResult(models.Model):
    """What a gate said about a promotion when it was proposed, with its numbers; the database keeps it as it is."""

    class Outcome(models.TextChoices):
        PASS = "pass"  # noqa: S105  a verdict, no password
        FAIL = "fail"
        INCONCLUSIVE = "inconclusive"

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="gate_results")
    kind = models.CharField(max_length=32, choices=Gate.Kind)
    outcome = models.CharField(max_length=16, choices=Outcome)
    sentence = models.TextField()
    numbers = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["promotion", "kind"], name="a_gate_speaks_once_per_promotion")]

    def __str__(self) -> str:
        return self.sentence


class LiveValue(models.Model):
    """What somebody measured in production while a stage was serving; it is stored whatever it says."""

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="live_values")
    stage = models.PositiveSmallIntegerField()
    value = models.FloatField(help_text="In the unit of the family's metric.")
    through = models.DateField(help_text="The newest day that it was measured on.")
    note = models.TextField(blank=True)
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.value:g} of {self.wave}"

    @property
    def boundary(self) -> Boundary:
        return self.wave.boundary
