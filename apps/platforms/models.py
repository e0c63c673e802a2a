"""Connections to platforms that somebody else runs. Only these addresses are called, never one of a request."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Now

from apps.core.permissions import allowed
from apps.core.sealed import SealedField
from apps.platforms.kinds import Kind, kind_of
from apps.platforms.probing import TITLES
from apps.platforms.templating import LONGEST_TEMPLATE

if TYPE_CHECKING:
    from apps.accounts.models import User


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible_to(self, user: "User") -> "ConnectionQuerySet":
        """Addresses inside the company are for those who look after them."""
        return self if allowed(user, "platforms.administer") else self.none()


class Connection(models.Model):
    """A platform's name here, its address, the portal's own credential for it, and how it answered when last tested."""

    class Health(models.TextChoices):
        UNTESTED = "untested", "not tested"
        WELL = "well", "answers"
        TROUBLE = "trouble", "does not answer as it should"

    name = models.SlugField(max_length=64, unique=True)
    kind = models.CharField(max_length=16, help_text="Of `kinds.KINDS`, or of a package that was installed once.")
    address = models.CharField(max_length=500)
    sealed_secret = SealedField(blank=True, help_text="Encrypted: a token, or user:password; never shown.")
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    health = models.CharField(max_length=16, choices=Health, default=Health.UNTESTED, db_default=Health.UNTESTED)
    trouble = models.CharField(
        max_length=16,
        blank=True,
        db_default="",
        help_text="The part that is wrong: address, tls, auth …",
    )
    said = models.TextField(blank=True, db_default="", help_text="What the last test found, in a sentence.")
    version = models.CharField(max_length=64, blank=True, db_default="", help_text="Of the platform, as it says.")
    tested_at = models.DateTimeField(null=True, blank=True)
    heard_until = models.DateTimeField(
        null=True, blank=True, help_text="What happened on the platform is known until then."
    )

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def about(self) -> Kind:
        """What its kind is for, and how it is talked to."""
        return kind_of(self.kind)

    @property
    def wrong(self) -> str:
        """The part that the last test found wrong, as a title; empty where nothing was."""
        return TITLES.get(self.trouble, self.trouble)

    @property
    def signs_in(self) -> bool:
        """True where a credential is stored."""
        return bool(self.sealed_secret)


class OutsideLink(models.Model):
    """A link from pages of the portal to another product of the company: a template, filled in by each page."""

    class Page(models.TextChoices):
        SEGMENT = "segment", "Segments"
        REQUEST = "request", "Requests"
        SEGMENT_RUN = "segment_run", "Segment runs"
        RUN = "run", "Runs"
        VERSION = "version", "Versions"

    name = models.CharField(max_length=60, unique=True)
    template = models.CharField(max_length=LONGEST_TEMPLATE)
    pages = models.JSONField(default=list, blank=True, help_text="Where it is shown; empty: wherever it can be filled.")
    connection = models.ForeignKey(
        Connection,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only for what ran there.",
    )
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_on(self) -> str:
        """The pages' names, or "" for all."""
        return ", ".join(self.Page(page).label for page in self.pages)
