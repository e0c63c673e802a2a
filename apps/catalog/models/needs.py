"""What people lack and use: feature gaps, requests for a tool, and who uses what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate

from apps.accounts.queries import team_ids_of
from apps.catalog.models.base import CompanyWide, Prose
from apps.catalog.models.tools import WEB_ADDRESS, Capability, Tool

if TYPE_CHECKING:
    from apps.accounts.models import User


class FeatureGap(models.Model):
    """“X can not do Y”: what a tool of ours lacks, how we live with it, and whether its makers will deliver it."""

    class Upstream(models.TextChoices):
        UNKNOWN = "unknown", "Not asked"
        OPEN = "open"
        PLANNED = "planned"
        SHIPPED = "shipped"
        REFUSED = "refused", "Will not come"

    tool = models.ForeignKey(Tool, models.PROTECT, related_name="gaps")
    title = models.CharField(max_length=200, help_text="What it can not do, in one sentence.")
    pain = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(5)], help_text="1 (a nuisance) to 5 (stops us)."
    )
    hurts = models.ManyToManyField("accounts.Team", related_name="+", blank=True)
    workaround = Prose(blank=True)
    upstream_url = models.URLField(blank=True, validators=[WEB_ADDRESS])
    upstream = models.CharField(max_length=16, choices=Upstream, default=Upstream.UNKNOWN)
    better = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="+")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_on = models.DateField(db_default=TruncDate(Now()))
    closed_on = models.DateField(null=True, blank=True)

    objects = CompanyWide.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="feature_gap_says_what_is_lacking"),
            models.UniqueConstraint(fields=["tool", "title"], name="a_gap_is_written_down_once"),
            models.CheckConstraint(condition=Q(pain__gte=1, pain__lte=5), name="pain_from_one_to_five"),
        ]

    def __str__(self) -> str:
        return self.title


class ToolRequest(models.Model):
    """“I want tool X”: why what we have does not do, and what came of it."""

    class Status(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"
        WITHDRAWN = "withdrawn"

    class Outcome(models.TextChoices):
        DECISION = "decision", "A decision is written"
        GAP = "gap", "Recorded as a feature gap"
        EXCEPTION = "exception", "An exception is asked for"
        DUPLICATE = "duplicate", "Somebody asked for it before"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.OPEN: frozenset({Status.ANSWERED, Status.WITHDRAWN}),
        Status.ANSWERED: frozenset(),
        Status.WITHDRAWN: frozenset(),
    }

    name = models.CharField(max_length=100, help_text="The tool that is wanted.")
    tool = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="requests")
    capability = models.ForeignKey(Capability, models.PROTECT, related_name="requests")
    need = Prose(help_text="What you want to do.")
    why_not_existing = Prose(help_text="What the tool that we have lacks.")
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+")
    people = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Who would have to learn it."
    )
    connects_to = models.CharField(max_length=300, blank=True, help_text="What it must exchange data with.")
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_on = models.DateField(db_default=TruncDate(Now()))
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    decision = models.ForeignKey("catalog.Decision", models.PROTECT, null=True, blank=True, related_name="requests")
    gap = models.ForeignKey(FeatureGap, models.PROTECT, null=True, blank=True, related_name="requests")
    duplicate_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="duplicates")
    answer = models.CharField(max_length=500, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    answered_on = models.DateField(null=True, blank=True)

    objects = CompanyWide.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(need="") & ~Q(why_not_existing=""), name="tool_request_says_what_is_lacking"
            ),
            models.CheckConstraint(
                condition=Q(status="answered") ^ Q(outcome=""), name="answered_tool_request_has_an_outcome"
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of__isnull=True) | ~Q(duplicate_of=F("id")), name="not_a_duplicate_of_itself"
            ),
            models.CheckConstraint(condition=Q(people__gte=1), name="somebody_would_learn_it"),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.team}"


class UsageQuerySet(CompanyWide["Usage"]):
    def visible_to(self, user: User) -> Self:
        """Uses by a family or pipeline that is restricted are seen by its team."""
        return super().visible_to(user).filter(Q(restricted=False) | Q(team__in=team_ids_of(user)))

    def live(self) -> Self:
        """Not ended."""
        return self.filter(until__isnull=True)


class Usage(models.Model):
    """Somebody uses a tool: said by a person (declared), or seen in a segment run's distributions (discovered)."""

    class Kind(models.TextChoices):
        FAMILY = "family", "Model family"
        PIPELINE = "pipeline"
        TEAM = "team"
        SERVICE = "service"

    class How(models.TextChoices):
        DECLARED = "declared"
        DISCOVERED = "discovered"

    tool = models.ForeignKey(Tool, models.PROTECT, related_name="usages")
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=200, help_text="Slug of the family, pipeline or team; a service's name.")
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+")
    how = models.CharField(max_length=16, choices=How, default=How.DECLARED)
    restricted = models.BooleanField(
        default=False, db_default=False, help_text="Only its team may know of it, as of whoever uses it."
    )
    version = models.CharField(max_length=64, blank=True)
    evidence = models.CharField(max_length=300, blank=True)
    since = models.DateField(db_default=TruncDate(Now()))
    last_seen = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)

    objects = UsageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="usage_names_who_uses"),
            models.UniqueConstraint(
                fields=["tool", "kind", "name", "how"],
                condition=Q(until__isnull=True),
                name="one_live_usage_of_a_tool",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="usage_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} in {self.name}"

    @property
    def who(self) -> str:
        """In a person's words: a team by its name."""
        return str(self.team) if self.kind == self.Kind.TEAM and self.team else self.name
