"""What the company may use and why: capabilities, tools (the world's facts), positions and decisions (ours).

Each constraint carries the sentence a person reads, and as its code the field that the sentence belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from django.core.validators import MaxLengthValidator, URLValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

from apps.core.context import current

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST_TEXT = 20_000
"""Characters of one Markdown field."""


class Prose(models.TextField):
    """Markdown that a person wrote."""

    def __init__(self, **options: object) -> None:
        options.setdefault("validators", [MaxLengthValidator(LONGEST_TEXT)])
        super().__init__(**options)  # type: ignore[arg-type]


Row = TypeVar("Row", bound=models.Model, covariant=True)


class CompanyWide(models.QuerySet[Row]):
    """Rows that belong to no team: everybody reads them, a token narrowed to teams or families does not."""

    def visible_to(self, user: User) -> Self:
        credential = current().credential
        narrowed = credential is not None and credential.narrowed
        return self.all() if user.is_active and not narrowed else self.none()


class Sourcing(models.TextChoices):
    BUILD = "build"
    BUY = "buy"
    RENT = "rent"
    OPEN_SOURCE = "open-source", "Open source"
    POSTPONE = "postpone"


TOOL_SOURCING = [choice for choice in Sourcing.choices if choice[0] != Sourcing.POSTPONE]


class CapabilityQuerySet(CompanyWide["Capability"]):
    def in_order(self) -> Self:
        """As the work flows: data, build, ship, run, govern."""
        return self.alias(rank=Capability.rank("stage")).order_by("rank", "name")


class Capability(models.Model):
    """A need that tools serve, such as orchestration."""

    class Stage(models.TextChoices):
        DATA = "data"
        BUILD = "build"
        SHIP = "ship"
        RUN = "run"
        GOVERN = "govern"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100, unique=True)
    stage = models.CharField(max_length=16, choices=Stage)
    need = models.CharField(max_length=200, help_text="The need in words a manager understands.")

    objects = CapabilityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "capabilities"
        constraints = [models.CheckConstraint(condition=~Q(need=""), name="capability_names_its_need")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def rank(stage: str) -> models.Case:
        """The place of a stage in the flow of work; `stage` is the path to the column."""
        whens = [models.When(**{stage: value}, then=place) for place, value in enumerate(Capability.Stage.values)]
        return models.Case(*whens, default=len(whens), output_field=models.SmallIntegerField())


class ToolQuerySet(CompanyWide["Tool"]):
    def in_order(self) -> Self:
        """By capability as the work flows, the most recommended first, tools without a position last."""
        ranks = {"stage_rank": Capability.rank("capability__stage"), "ring_rank": Position.rank("position__ring")}
        return self.alias(**ranks).order_by("stage_rank", "capability__name", "ring_rank", "name")


class Tool(models.Model):
    """A fact sheet: what the world knows about a tool. The company's opinion is its Position."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    summary = models.CharField(max_length=280, help_text="One sentence: what it is.")
    capability = models.ForeignKey(Capability, models.PROTECT, related_name="tools")
    homepage = models.URLField(blank=True, validators=[URLValidator(schemes=["http", "https"])])
    licence = models.CharField(max_length=64, blank=True, help_text="SPDX name, for example Apache-2.0.")
    ecosystem = models.CharField(max_length=64, blank=True, help_text="For example AWS, Apache, Kubernetes.")
    sourcing = models.CharField(max_length=16, choices=TOOL_SOURCING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ToolQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(summary=""), name="tool_has_a_summary")]

    def __str__(self) -> str:
        return self.name


class Position(models.Model):
    """The company's opinion of a tool: one ring, an owner, what to use it for and what not."""

    class Ring(models.TextChoices):
        ADOPT = "adopt"
        TRIAL = "trial"
        ASSESS = "assess"
        HOLD = "hold"
        RETIRED = "retired"

    tool = models.OneToOneField(Tool, models.PROTECT, related_name="position")
    ring = models.CharField(max_length=16, choices=Ring)
    since = models.DateField(db_default=TruncDate(Now()), help_text="The day it came into this ring.")
    owner = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+")
    support = models.CharField(max_length=200, blank=True, help_text="Where to ask, for example a channel.")
    when_to_use = Prose(blank=True)
    when_not = Prose(blank=True)
    getting_started = Prose(blank=True)
    instead = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="replaces")
    next_review = models.DateField(null=True, blank=True)
    decision = models.ForeignKey("Decision", models.PROTECT, null=True, blank=True, related_name="positions")
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

    @staticmethod
    def rank(ring: str) -> models.Case:
        """The place of a ring, adopt first; `ring` is the path to the column."""
        whens = [models.When(**{ring: value}, then=place) for place, value in enumerate(Position.Ring.values)]
        return models.Case(*whens, default=len(whens), output_field=models.SmallIntegerField())


class Decision(models.Model):
    """Why we build, buy, rent, take open source or wait: written down once, superseded rather than edited."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PROPOSED = "proposed", "Waiting for approval"
        ACCEPTED = "accepted"
        SUPERSEDED = "superseded"
        CLOSED = "closed"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.DRAFT: frozenset({Status.PROPOSED, Status.CLOSED}),
        Status.PROPOSED: frozenset({Status.DRAFT, Status.ACCEPTED, Status.CLOSED}),
        Status.ACCEPTED: frozenset({Status.SUPERSEDED, Status.CLOSED}),
        Status.SUPERSEDED: frozenset(),
        Status.CLOSED: frozenset(),
    }
    Sourcing = Sourcing

    number = models.PositiveIntegerField(unique=True)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.DRAFT)
    sourcing = models.CharField(max_length=16, choices=Sourcing)
    capability = models.ForeignKey(Capability, models.PROTECT, related_name="decisions")
    context = Prose(blank=True)
    outcome = Prose(blank=True)
    revisit_on = models.DateField(null=True, blank=True)
    trigger = models.CharField(max_length=300, blank=True, help_text="What would make us look again before that day.")
    author = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    proposer = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_on = models.DateField(null=True, blank=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="supersedes")
    closed_because = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CompanyWide.as_manager()

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
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.title}"

    @property
    def label(self) -> str:
        """Its name in addresses and talk: ADR-0007."""
        return f"ADR-{self.number or 0:04}"

    @property
    def is_open(self) -> bool:
        """True unless it is superseded or closed."""
        return bool(self.ALLOWED[self.status])

    @property
    def is_revisit_due(self) -> bool:
        waits = self.status in (self.Status.PROPOSED, self.Status.ACCEPTED)
        return waits and self.revisit_on is not None and self.revisit_on <= timezone.localdate()


class Option(models.Model):
    """One way that was considered: a tool of the catalog, or words such as “build it ourselves”."""

    decision = models.ForeignKey(Decision, models.CASCADE, related_name="options")
    label = models.CharField(max_length=100)
    tool = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True, related_name="options")
    chosen = models.BooleanField(default=False)
    why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "label"], name="options_of_a_decision_differ"),
            models.UniqueConstraint(fields=["decision"], condition=Q(chosen=True), name="one_option_is_chosen"),
            models.CheckConstraint(condition=~Q(label=""), name="option_has_a_label"),
        ]

    def __str__(self) -> str:
        return self.label
