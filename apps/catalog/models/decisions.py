"""Why: decisions with their options, what was known when they were taken, and when we look again.

Each constraint carries the sentence a person reads, and as its code the field that the sentence belongs to.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.queries import teams_of, with_role
from apps.catalog.models.base import CompanyWide, Prose, Sourcing
from apps.catalog.models.tools import WEB_ADDRESS, Capability, Tool

if TYPE_CHECKING:
    from apps.accounts.models import User


class DecisionQuerySet(CompanyWide["Decision"]):
    def visible_to(self, user: User) -> Self:
        """One that is restricted is for its team, for who wrote, proposed or owns it, and for the board."""
        mine = Q(author=user) | Q(proposer=user) | Q(owner=user) | Q(team__in=teams_of(user).values("pk"))
        on_board = Q(Exists(with_role("board").filter(pk=user.pk)))
        return super().visible_to(user).filter(Q(visibility=Decision.Visibility.EVERYONE) | mine | on_board)

    def exceptions(self) -> Self:
        return self.filter(kind=Decision.Kind.EXCEPTION)

    def migrations(self) -> Self:
        """Accepted decisions that move everybody away from a tool."""
        return self.filter(moves_from__isnull=False, status=Decision.Status.ACCEPTED)

    def postponed(self) -> Self:
        """Waiting was the decision, whatever came of it; drafts and proposals are not decided."""
        decided = (Decision.Status.ACCEPTED, Decision.Status.SUPERSEDED, Decision.Status.CLOSED)
        return self.filter(sourcing=Sourcing.POSTPONE, status__in=decided)


class Decision(models.Model):
    """Why we build, buy, rent, take open source or wait: written down once, superseded rather than edited."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PROPOSED = "proposed", "Waiting for approval"
        ACCEPTED = "accepted"
        SUPERSEDED = "superseded"
        CLOSED = "closed"
        EXPIRED = "expired"

    class Kind(models.TextChoices):
        DECISION = "decision"
        EXCEPTION = "exception"

    class Visibility(models.TextChoices):
        EVERYONE = "everyone"
        TEAMS = "teams"

    class Trigger(models.TextChoices):
        MANUAL = "manual", "Somebody notices"
        SHIPS = "upstream-ships", "Upstream ships a feature gap"
        OFFERING = "offering-appears", "A managed offering appears"
        USAGE = "usage-over", "More users than a limit"
        COST = "cost-over", "It costs more a year than a limit"

    class Verdict(models.TextChoices):
        RIGHT = "right", "It was right"
        WRONG = "wrong", "It was wrong"
        TOO_EARLY = "too-early", "It came too early"
        TOO_LATE = "too-late", "It came too late"
        UNCLEAR = "unclear", "Still unclear"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.DRAFT: frozenset({Status.PROPOSED, Status.CLOSED}),
        Status.PROPOSED: frozenset({Status.DRAFT, Status.ACCEPTED, Status.CLOSED}),
        Status.ACCEPTED: frozenset({Status.SUPERSEDED, Status.CLOSED, Status.EXPIRED}),
        Status.SUPERSEDED: frozenset(),
        Status.CLOSED: frozenset(),
        Status.EXPIRED: frozenset(),
    }
    Sourcing = Sourcing
    NOT_DUE: ClassVar[dict[str, Any]] = {"due_since": None, "due_because": ""}

    number = models.PositiveIntegerField(unique=True)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.DECISION)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.DRAFT)
    sourcing = models.CharField(max_length=16, choices=Sourcing)
    capability = models.ForeignKey(Capability, models.PROTECT, related_name="decisions")
    context = Prose(blank=True)
    drivers = Prose(blank=True)
    outcome = Prose(blank=True)
    consequences = Prose(blank=True)
    confirmation = Prose(blank=True, help_text="How we will see that it is followed.")
    criteria = models.JSONField(default=list, blank=True, help_text='[{"name": "Learning cost", "weight": 3}]')
    known = models.JSONField(default=dict, blank=True, help_text="Facts about its tools when it was decided, frozen.")

    revisit_on = models.DateField(null=True, blank=True)
    trigger = models.CharField(max_length=300, blank=True, help_text="What would make us look again before that day.")
    trigger_kind = models.CharField(max_length=20, choices=Trigger, default=Trigger.MANUAL)
    trigger_tool = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="+")
    trigger_gap = models.ForeignKey("FeatureGap", models.PROTECT, null=True, blank=True, related_name="+")
    trigger_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Users, or money a year.")
    trigger_met_on = models.DateField(null=True, blank=True)
    weeks_saved = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Person-weeks not spent.")
    postponed_to = models.DateField(null=True, blank=True, help_text="Looked at when due, and put off to this day.")
    postponed_times = models.PositiveSmallIntegerField(default=0)
    due_since = models.DateField(null=True, blank=True, help_text="Since when its owner is reminded.")
    due_because = models.CharField(max_length=300, blank=True)

    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.EVERYONE, db_default="everyone")
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+")
    tool = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="exceptions")
    expires_on = models.DateField(null=True, blank=True, help_text="An exception always ends.")
    renews = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="renewed_by")
    moves_from = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="migrations")
    move_by = models.DateField(null=True, blank=True, help_text="The migration's deadline.")
    guide = models.URLField(blank=True, validators=[WEB_ADDRESS])

    verdict = models.CharField(max_length=16, choices=Verdict, blank=True)
    looking_back = Prose(blank=True)
    looked_back_on = models.DateField(null=True, blank=True)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey("approvals.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_on = models.DateField(null=True, blank=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="supersedes")
    closed_because = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(number__gt=0), name="decision_number_is_positive"),
            models.CheckConstraint(condition=~Q(title=""), name="decision_has_a_title"),
            models.CheckConstraint(
                condition=Q(status="draft") | ~Q(sourcing="postpone") | Q(revisit_on__isnull=False),
                name="postponed_decision_is_revisited",
                violation_error_code="revisit_on",
                violation_error_message="Waiting is a decision too: say on which day to look again.",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(status="closed") | Q(proposer__isnull=False),
                name="decision_has_a_proposer",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["accepted", "superseded"])
                | Q(decided_by__isnull=False, decided_on__isnull=False),
                name="accepted_decision_says_by_whom_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["accepted", "superseded"]) | ~Q(outcome=""),
                name="accepted_decision_says_what_was_decided",
                violation_error_code="outcome",
                violation_error_message="Write down what is decided before it is accepted.",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | (~Q(decided_by=F("author")) & ~Q(decided_by=F("proposer"))),
                name="nobody_decides_alone",
            ),
            models.CheckConstraint(
                condition=Q(status="superseded", superseded_by__isnull=False)
                | (~Q(status="superseded") & Q(superseded_by__isnull=True)),
                name="superseded_by_another_decision",
            ),
            models.CheckConstraint(
                condition=Q(superseded_by__isnull=True) | ~Q(superseded_by=F("id")), name="not_superseded_by_itself"
            ),
            models.CheckConstraint(
                condition=Q(status="closed") ^ Q(closed_because=""), name="closed_decision_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(kind="exception") | Q(expires_on__isnull=False),
                name="exception_expires",
                violation_error_code="expires_on",
                violation_error_message="An exception always ends: say on which day, within twelve months.",
            ),
            models.CheckConstraint(
                condition=~Q(kind="exception") | Q(tool__isnull=False),
                name="exception_names_its_tool",
                violation_error_code="tool",
                violation_error_message="Name the tool that the exception is about.",
            ),
            models.CheckConstraint(
                condition=~Q(kind="exception") | Q(team__isnull=False),
                name="exception_names_its_team",
                violation_error_code="team",
                violation_error_message="Name the team that may use it.",
            ),
            models.CheckConstraint(
                condition=Q(visibility="everyone") | Q(team__isnull=False),
                name="restricted_decision_names_its_team",
                violation_error_code="team",
                violation_error_message="Name the team that may see it.",
            ),
            models.CheckConstraint(
                condition=Q(moves_from__isnull=True) | Q(move_by__isnull=False),
                name="migration_has_a_deadline",
                violation_error_code="move_by",
                violation_error_message="A migration has a deadline: say by which day everybody has moved.",
            ),
            models.CheckConstraint(
                condition=Q(due_since__isnull=True) ^ ~Q(due_because=""), name="what_is_due_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.title}"

    @property
    def is_restricted(self) -> bool:
        return self.visibility == Decision.Visibility.TEAMS

    @property
    def label(self) -> str:
        """Its name in addresses and talk: ADR-0007."""
        return f"ADR-{self.number or 0:04}"

    @property
    def is_exception(self) -> bool:
        return self.kind == self.Kind.EXCEPTION

    @property
    def is_open(self) -> bool:
        """True unless it is superseded or closed."""
        return bool(self.ALLOWED[self.status])

    @property
    def look_again_on(self) -> date | None:
        return self.postponed_to or self.revisit_on

    @property
    def is_revisit_due(self) -> bool:
        waits = self.status in (self.Status.PROPOSED, self.Status.ACCEPTED)
        return waits and (self.due_since is not None or self.has_day_come(timezone.localdate()))

    def has_day_come(self, today: date) -> bool:
        """The day to look again is there, and nobody has looked since."""
        day = self.look_again_on
        looked = self.looked_back_on is not None and day is not None and self.looked_back_on >= day
        return day is not None and day <= today and not looked


class Option(models.Model):
    """One way that was considered: a tool of the catalog, or words such as “build it ourselves”."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="options")
    label = models.CharField(max_length=100)
    tool = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="options")
    sourcing = models.CharField(max_length=16, choices=Sourcing, blank=True)
    chosen = models.BooleanField(default=False)
    why = models.CharField(max_length=500, blank=True)
    scores = models.JSONField(default=dict, blank=True, help_text='{"Learning cost": 4}, from 0 to 5.')
    costs = models.JSONField(default=dict, blank=True, help_text="Inputs of its cost (catalog.costs).")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "label"], name="options_of_a_decision_differ"),
            models.UniqueConstraint(fields=["decision"], condition=Q(chosen=True), name="one_option_is_chosen"),
            models.CheckConstraint(condition=~Q(label=""), name="option_has_a_label"),
        ]

    def __str__(self) -> str:
        return self.label
