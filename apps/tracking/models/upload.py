"""Files that somebody sends before a version is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.core.context import current

if TYPE_CHECKING:
    from apps.accounts.models import User


class UploadQuerySet(models.QuerySet["Upload"]):
    def visible_to(self, user: User) -> UploadQuerySet:
        """Nobody else's, and nothing for a token of one run."""
        credential = current().credential
        return self.none() if credential and credential.run else self.filter(user=user)


class Upload(models.Model):
    """A tree that only its uploader sees, under an id that the uploader chose."""

    id = models.UUIDField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    tree = models.OneToOneField("artifacts.Tree", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = UploadQuerySet.as_manager()

    def __str__(self) -> str:
        return f"upload {self.pk}"
