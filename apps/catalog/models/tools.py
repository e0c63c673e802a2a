"""The world's facts: needs, and the tools that serve them."""

from __future__ import annotations

import re
from datetime import date
from typing import Self

from django.core.validators import URLValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.catalog.models.base import TOOL_SOURCING, CompanyWide


def normal_name(distribution: str) -> str:
    """As PyPI compares them: case, dots and underscores do not tell two names apart."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


WEB_ADDRESS = URLValidator(schemes=["http", "https"])


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
        from apps.catalog.models.positions import rank_of_ring

        ranks = {"stage_rank": Capability.rank("capability__stage"), "ring_rank": rank_of_ring("position__ring")}
        return self.alias(**ranks).order_by("stage_rank", "capability__name", "ring_rank", "name")


class Tool(models.Model):
    """A fact sheet: what the world knows about a tool. The company's opinion is its Position.

    `unverified` names the fields that nobody here has checked yet. Dates by word (`milestones`), figures (`traction`),
    other companies' rings (`others`) and managed offerings are lists of facts, each with its day where known.
    """

    class FoundationStage(models.TextChoices):
        SANDBOX = "sandbox"
        INCUBATING = "incubating"
        GRADUATED = "graduated"
        TOP_LEVEL = "top-level", "Top level"
        ARCHIVED = "archived"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    summary = models.CharField(max_length=280, blank=True, help_text="One sentence: what it is.")
    capability = models.ForeignKey(Capability, models.PROTECT, related_name="tools")
    homepage = models.URLField(blank=True, validators=[WEB_ADDRESS])
    repo = models.URLField(blank=True, validators=[WEB_ADDRESS])
    licence = models.CharField(max_length=64, blank=True, help_text="SPDX name, for example Apache-2.0.")
    ecosystem = models.CharField(max_length=64, blank=True, help_text="For example AWS, Apache, Kubernetes.")
    vendor = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Who sells or steers it, for example Databricks.",
    )
    sourcing = models.CharField(max_length=16, choices=TOOL_SOURCING)
    foundation = models.CharField(max_length=64, blank=True)
    foundation_stage = models.CharField(max_length=16, choices=FoundationStage, blank=True)
    milestones = models.JSONField(default=dict, blank=True, help_text='{"graduated": "2026-07-24"}')
    offerings = models.JSONField(default=list, blank=True, help_text='[{"name": "Amazon MWAA", "ended": null}]')
    pypi_name = models.CharField(
        max_length=100, blank=True, help_text="Its distributions on PyPI, apart by spaces, to discover use."
    )
    latest_version = models.CharField(max_length=32, blank=True)
    released_on = models.DateField(null=True, blank=True, help_text="Its newest release, to the month at least.")
    traction = models.JSONField(default=dict, blank=True)
    others = models.JSONField(default=list, blank=True, help_text='[{"who": …, "ring": …, "on": "2023-04"}]')
    learning_days_low = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Days until one can use it.")
    learning_days_high = models.PositiveSmallIntegerField(null=True, blank=True)
    unverified = models.JSONField(default=list, blank=True)
    written_here = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="Facts that a person of ours wrote or confirmed: imports leave them.",
    )
    source = models.CharField(max_length=200, blank=True, help_text="Where the facts come from.")
    gone_from_source = models.BooleanField(default=False, help_text="The last import of its source had it no more.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ToolQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(learning_days_low__isnull=True, learning_days_high__isnull=True)
                | Q(learning_days_low__isnull=False, learning_days_low__lte=F("learning_days_high"))
                & Q(learning_days_high__isnull=False),
                name="learning_days_are_a_range",
                violation_error_code="learning_days_high",
                violation_error_message="Give both ends of the range, the smaller one first.",
            ),
        ]
        indexes = [models.Index(fields=["pypi_name"], condition=~Q(pypi_name=""), name="tool_by_distribution")]

    def __str__(self) -> str:
        return self.name

    def is_ours(self, fact: str) -> bool:
        """A person here wrote or confirmed it: with a tool that no file brought, everything that it says."""
        return fact in self.written_here or (not self.source and bool(getattr(self, fact)))

    @property
    def distributions(self) -> list[str]:
        """Names on PyPI in their one normal form."""
        return [normal_name(name) for name in self.pypi_name.split()]

    @property
    def live_offerings(self) -> list[str]:
        """Managed offerings that have not ended."""
        return [offering["name"] for offering in self.offerings if not offering.get("ended")]

    @property
    def stage_since(self) -> date | None:
        """When it reached its foundation's stage, where that is known."""
        day = self.milestones.get(self.foundation_stage)
        return date.fromisoformat(day) if day else None
