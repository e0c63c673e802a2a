"""Connections to platforms that somebody else runs. Only these addresses are called, never one of a request."""

from django.db import models
from django.db.models.functions import Now

from apps.core.sealed import SealedField


class Connection(models.Model):
    """A platform's name here, its address, and the portal's own credential for it."""

    class Kind(models.TextChoices):
        MLFLOW = "mlflow", "MLflow server"

    name = models.SlugField(max_length=64, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    address = models.CharField(max_length=500)
    sealed_secret = SealedField(blank=True, help_text="Encrypted: a token, or user:password; never shown.")
    created_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
