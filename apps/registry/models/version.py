"""A registered model and its immutable versions."""

from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.accounts.queries import teams_named
from apps.core.context import Boundary, current
from apps.core.errors import Conflict, Missing
from apps.registry.models.family import ModelFamily, Segment

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.artifacts.models import Tree


NAME_LENGTH = 256
"""MLflow's own limits, in characters."""
SOURCE_LENGTH = LONGEST_REASON = 500
LONGEST_RUN_REF = 32
LONGEST_LOGGED_MODEL = 64
LONGEST_ALIAS = 255
VERSION_DIGEST = "version.digest"
"""No alias has a dot."""
IS_PROMPT = "mlflow.prompt.is_prompt"
"""The tag by which MLflow tells its prompts from models: both lie in the same tables."""


class Stage(models.TextChoices):
    """MLflow's stages: deprecated there, served because clients still ask for them."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class ModelQuerySet(models.QuerySet["RegisteredModel"]):
    def visible_to(self, user: "User") -> "ModelQuerySet":
        """Members of visible families, and what stands alone: that is for everyone, as far as the token reaches."""
        return self.filter(_seen_through("", user))

    def living(self) -> "ModelQuerySet":
        """Not deleted; of the deleted ones only the history is left."""
        return self.filter(deleted_at=None)


def _seen_through(path: str, user: "User") -> Q:
    credential = current().credential
    alone = Q(**{f"{path}family": None})
    if not user.is_active:
        return Q(pk=None)
    if credential and credential.narrowed:
        alone &= Q(**{f"{path}team__in": teams_named(credential.teams).values("pk")})
    return alone | Q(**{f"{path}family__in": ModelFamily.objects.visible_to(user)})


class RegisteredModel(models.Model):
    """One segment's model, named `<family>.<segment>` as MLflow clients ask for it; or one that stands alone.

    A deleted model keeps its row, its versions and their history; its name can be used again by another row.
    """

    name = models.CharField(max_length=NAME_LENGTH)
    family = models.ForeignKey(ModelFamily, models.PROTECT, null=True, blank=True, related_name="registered_models")
    segment = models.ForeignKey(Segment, models.PROTECT, null=True, blank=True, related_name="models")
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, blank=True, related_name="+")
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict, blank=True, help_text="Texts by key.")
    created_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_number = models.PositiveIntegerField(default=0, editable=False, help_text="No version number comes twice.")

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(fields=["updated_at", "name"], condition=Q(deleted_at=None), name="models_by_last_change"),
            models.Index(OpClass(F("name"), "text_pattern_ops"), name="models_by_part_of_name"),
            GinIndex(OpClass(F("tags"), "jsonb_path_ops"), name="models_by_tag"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(deleted_at=None), name="living_models_differ_by_name"),
            models.UniqueConstraint(
                fields=["family", "segment"], condition=Q(deleted_at=None), name="one_living_model_per_segment"
            ),
            models.CheckConstraint(
                condition=Q(family=None, segment=None, team__isnull=False)
                | Q(family__isnull=False, segment__isnull=False, team=None),
                name="a_model_belongs_to_a_family_or_a_team",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_prompt(self) -> bool:
        return str(self.tags.get(IS_PROMPT)).lower() == "true"

    @property
    def prompt_mark(self) -> dict[str, bool]:
        """Goes into the audit of what happens to a prompt, of which webhooks hear by other words."""
        return {IS_PROMPT: True} if self.is_prompt else {}

    @property
    def boundary(self) -> Boundary:
        return self.family.boundary if self.family else Boundary(team=self.team.slug if self.team else "")

    @property
    def its_family(self) -> ModelFamily:
        """Raises Conflict where it stands alone."""
        if self.family is None:
            raise Conflict(f"{self.name} stands alone; only the models of a family are evaluated and promoted.")
        return self.family

    @property
    def its_segment(self) -> Segment:
        """Raises Conflict where it stands alone."""
        if self.segment is None:
            raise Conflict(f"{self.name} stands alone; only the models of a family have a segment.")
        return self.segment


class VersionQuerySet(models.QuerySet["ModelVersion"]):
    def visible_to(self, user: "User") -> "VersionQuerySet":
        return self.filter(_seen_through("model__", user))

    def living(self) -> "VersionQuerySet":
        """Neither deleted nor of a deleted model."""
        return self.filter(deleted_at=None, model__deleted_at=None)

    def whole(self) -> "VersionQuerySet":
        """With what its name, its boundary and its page need."""
        placed = self.select_related("model__family__team", "model__segment", "model__team")
        return placed.select_related("created_by", "run__user", "tree")


class ModelVersion(models.Model):
    """What was trained and what with.

    Once READY the database lets only description, tags, card and stage change. A deleted version keeps its row.
    Without a tree its files are elsewhere (`source` says where) or still on their way.
    """

    class Status(models.TextChoices):
        PENDING_REGISTRATION = "PENDING_REGISTRATION", "pending registration"
        READY = "READY", "ready"
        FAILED_REGISTRATION = "FAILED_REGISTRATION", "failed registration"

    class Kind(models.TextChoices):
        TRAINED = "trained"
        BASELINE = "baseline"
        IMPORTED = "imported"

    ALLOWED: ClassVar[dict[str, frozenset[str]]] = {
        Status.PENDING_REGISTRATION: frozenset({Status.READY, Status.FAILED_REGISTRATION}),
        Status.READY: frozenset(),
        Status.FAILED_REGISTRATION: frozenset(),
    }

    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=32, choices=Status, default=Status.PENDING_REGISTRATION)
    status_message = models.CharField(max_length=LONGEST_REASON, blank=True)
    kind = models.CharField(max_length=16, choices=Kind)
    stage = models.CharField(max_length=16, choices=Stage, default=Stage.NONE)
    run = models.ForeignKey("tracking.Run", models.PROTECT, null=True, blank=True, related_name="+")
    run_ref = models.CharField(
        max_length=LONGEST_RUN_REF, blank=True, help_text="The run's id as it was sent; may be elsewhere's."
    )
    run_link = models.CharField(max_length=SOURCE_LENGTH, blank=True)
    logged_model = models.CharField(
        max_length=LONGEST_LOGGED_MODEL, blank=True, help_text="Id of the logged model it came from."
    )
    source = models.CharField(max_length=SOURCE_LENGTH, blank=True, help_text="An opaque address; never fetched.")
    location = models.CharField(max_length=SOURCE_LENGTH, blank=True, help_text="Where files are that are not here.")
    tree = models.ForeignKey("artifacts.Tree", models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=64, blank=True)
    trained_from = models.DateField(null=True, blank=True)
    trained_through = models.DateField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    reported_params = models.JSONField(default=dict, blank=True, help_text="What training said about itself.")
    reported_metrics = models.JSONField(default=list, blank=True, help_text="As MLflow's metrics; decide nothing.")
    signature = models.JSONField(null=True, blank=True, help_text="Inputs and outputs, from its MLmodel file.")
    pipeline = models.CharField(max_length=100, blank=True)
    formats = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="The format of each file, by its path."
    )
    provenance = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="Commit, lock, data and seed it was made from."
    )
    origin = models.CharField(max_length=100, null=True, blank=True, unique=True)
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    description = models.TextField(blank=True)
    tags = models.JSONField(default=dict, blank=True, help_text="Texts by key.")
    card = models.JSONField(default=dict, blank=True, help_text="Texts by key: what it is for, its limits.")

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(
                fields=["model", "stage", "-number"], condition=Q(deleted_at=None), name="latest_version_of_a_stage"
            ),
            models.Index(fields=["-updated_at"], condition=Q(deleted_at=None), name="versions_by_last_change"),
            models.Index(fields=["-created_at"], condition=Q(deleted_at=None), name="versions_by_age"),
            models.Index(fields=["-number"], condition=Q(deleted_at=None), name="versions_by_number"),
            models.Index(OpClass(F("run_ref"), "varchar_pattern_ops"), name="versions_by_run"),
            models.Index(OpClass(F("source"), "varchar_pattern_ops"), name="versions_by_source"),
            GinIndex(OpClass(F("tags"), "jsonb_path_ops"), name="versions_by_tag"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_numbers_differ_per_model"),
            models.CheckConstraint(condition=Q(number__gte=1), name="version_numbers_start_at_1"),
            models.CheckConstraint(
                condition=Q(trained_from=None) | Q(trained_through__gte=F("trained_from")),
                name="training_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=~Q(status="READY") | Q(tree=None, digest="") | Q(tree__isnull=False) & ~Q(digest=""),
                name="a_ready_version_with_files_has_a_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    @property
    def alias_mark(self) -> dict[str, object]:
        """Goes into the audit beside an alias that points here now: which files these are, for webhooks to tell."""
        return {VERSION_DIGEST: self.digest, **self.model.prompt_mark}

    @property
    def label(self) -> str:
        return f"v{self.number}"

    @property
    def is_gone(self) -> bool:
        """Deleted, or of a deleted model."""
        return self.deleted_at is not None or self.model.deleted_at is not None

    @property
    def lost_its_files(self) -> bool:
        """To the family's rule of retention."""
        return self.tree is not None and self.tree.cut_at is not None

    @property
    def boundary(self) -> Boundary:
        return self.model.boundary

    @property
    def its_tree(self) -> "Tree":
        """Raises Missing where its files are not kept here."""
        if self.tree is None:
            raise Missing(f"The portal keeps no files of {self}; its source is {self.source or 'not known'}.")
        return self.tree
