"""A model family: the same model for many segments of one dimension, and the rules its versions are promoted by."""

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.accounts.queries import team_ids_of
from apps.core.context import Boundary, current

if TYPE_CHECKING:
    from apps.accounts.models import User

CHAMPION = "champion"
TIERS_WITH_APPROVAL = (1, 2)
"""A version of these tiers is promoted only after somebody else has said yes."""

RESOLVE_CACHE_SECONDS = 60
NO_DIMENSION, WHOLE = "none", "all"
"""Slugs of the dimension of families that have none, and of its one segment."""


class Dimension(models.Model):
    """What segments are: cities, countries, customers."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class SegmentQuerySet(models.QuerySet["Segment"]):
    def served(self) -> "SegmentQuerySet":
        """Without those that only a fallback order leads to."""
        return self.filter(is_fallback=False)


class Segment(models.Model):
    """One city; its place is for maps and may be unknown.

    One that `is_fallback` stands for many, a region or all: its model is trained on the data of many segments, and
    serves those that have none of their own. No fleet counts it.
    """

    dimension = models.ForeignKey(Dimension, models.PROTECT, related_name="segments")
    slug = models.SlugField(max_length=64)
    name = models.CharField(max_length=100)
    region = models.CharField(max_length=100, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    is_fallback = models.BooleanField(default=False, db_default=False)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["dimension", "slug"], name="segments_differ_within_a_dimension"),
            models.CheckConstraint(
                condition=Q(latitude=None, longitude=None) | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="a_segment_lies_on_earth",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FamilyQuerySet(models.QuerySet["ModelFamily"]):
    def visible_to(self, user: "User") -> "FamilyQuerySet":
        """Active people see families for everyone and their teams' own; a narrowed token sees only its part."""
        if not user.is_active:
            return self.none()
        named = (ModelFamily.approvers.through, ModelFamily.on_call.through)
        approves, on_call = (people.objects.filter(user=user).values("modelfamily") for people in named)
        mine = Q(team__in=team_ids_of(user)) | Q(pk__in=approves) | Q(pk__in=on_call)
        seen = self.filter(Q(visibility=ModelFamily.Visibility.EVERYONE) | mine)
        credential = current().credential
        if credential is None or not credential.narrowed:
            return seen
        return seen.filter(Q(team__slug__in=credential.teams) | Q(slug__in=credential.families))

    def locked(self) -> "FamilyQuerySet":
        """One writer per family: settings, gates and aliases stand still while promotions are judged and applied."""
        return self.select_for_update(no_key=True, of=("self",)).select_related("team")


class ModelFamily(models.Model):
    """One model for many segments: owner, metric, evaluator, and how much care a promotion needs."""

    class Direction(models.TextChoices):
        LOWER = "lower", "lower is better"
        HIGHER = "higher", "higher is better"

    class Visibility(models.TextChoices):
        EVERYONE = "everyone"
        TEAMS = "teams"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+")
    approvers = models.ManyToManyField("accounts.User", related_name="+", blank=True)
    on_call = models.ManyToManyField("accounts.User", related_name="+", blank=True)
    tier = models.PositiveSmallIntegerField(default=3)
    dimension = models.ForeignKey(Dimension, models.PROTECT, related_name="families")
    metric = models.CharField(max_length=64)
    unit = models.CharField(max_length=32, blank=True)
    direction = models.CharField(max_length=8, choices=Direction, default=Direction.LOWER)
    evaluator = models.CharField(max_length=64, blank=True)
    baselines = ArrayField(
        models.CharField(max_length=64),
        default=list,
        db_default=[],
        blank=True,
        help_text="Names of the evaluator's baselines that candidates are held against; pages show the first.",
    )
    serving_contract = models.JSONField(
        null=True, blank=True, help_text='What serving has: {"inputs": {"distance_mi": "double"}, "output": "double"}.'
    )
    fallback_order = ArrayField(
        models.CharField(max_length=64),
        default=list,
        db_default=[],
        blank=True,
        help_text="Where resolve looks when a segment has no champion: region, global, or the slug of a segment.",
    )
    resolve_cache_seconds = models.PositiveIntegerField(default=RESOLVE_CACHE_SECONDS, db_default=RESOLVE_CACHE_SECONDS)
    card_fields = ArrayField(
        models.CharField(max_length=64),
        default=list,
        db_default=[],
        blank=True,
        help_text="What a version's card has to say; what the tier asks for if nothing is named.",
    )
    card = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="What is true of all its versions: texts by name."
    )
    label_delay_days = models.PositiveSmallIntegerField(default=0)
    labelled_until = models.DateField(null=True, blank=True)
    freshness_days = models.PositiveSmallIntegerField(default=90)
    visibility = models.CharField(max_length=16, choices=Visibility, default=Visibility.EVERYONE)
    approvals_needed = models.PositiveSmallIntegerField(null=True, blank=True)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = FamilyQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "model families"
        constraints = [
            models.CheckConstraint(condition=Q(tier__range=(1, 4)), name="tiers_are_1_to_4"),
            models.CheckConstraint(condition=Q(approvals_needed__lte=5), name="at_most_5_approvals"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.team.slug, family=self.slug)

    @property
    def has_dimension(self) -> bool:
        """False for one model for all, whose only segment is WHOLE."""
        return self.dimension.slug != NO_DIMENSION

    @property
    def experiment(self) -> str:
        """Name of the tracking experiment that its training runs are in."""
        return f"{self.slug}-retraining"

    @property
    def approvals(self) -> int:
        """How many people must say yes to a wave: the family's own number, else by tier."""
        if self.approvals_needed is not None:
            return self.approvals_needed
        return 1 if self.tier in TIERS_WITH_APPROVAL else 0

    def approvals_for(self, alias: str) -> int:
        """How many people must say yes before this alias moves: its own number, else the family's."""
        own = next((row.approvals_needed for row in self.protected_aliases.all() if row.name == alias), None)
        return self.approvals if own is None else own

    @property
    def alias_names(self) -> list[str]:
        """Its protected aliases in their order: `staging` before `champion`."""
        return [row.name for row in self.protected_aliases.all()]

    def age_of(self, trained_through: date | None) -> int | None:
        """Days from a model's last day of training to the newest day with labels; never from the wall clock."""
        if self.labelled_until is None or trained_through is None:
            return None
        return (self.labelled_until - trained_through).days


class ProtectedAlias(models.Model):
    """An alias that moves only by promotion or rollback; a version holds the one before it in the order first."""

    family = models.ForeignKey(ModelFamily, models.CASCADE, related_name="protected_aliases")
    name = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField()
    approvals_needed = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many people must say yes; the family's own number if not said."
    )

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "protected aliases"
        constraints = [
            models.UniqueConstraint(fields=["family", "name"], name="a_family_protects_an_alias_once"),
            models.UniqueConstraint(
                fields=["family", "position"],
                name="protected_aliases_have_an_order",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=Q(approvals_needed__lte=5), name="at_most_5_approvals_of_an_alias"),
        ]

    def __str__(self) -> str:
        return self.name
