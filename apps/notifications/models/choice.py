"""What a person wants to be mailed, and where a team is told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.context import Boundary
from apps.core.sealed import SealedField


class Kind(models.TextChoices):
    """What a notice is about; a person chooses per kind."""

    APPROVALS = "approvals", "Something waits for my yes or no"
    ANSWERS = "answers", "What became of what I proposed"
    ROLLBACKS = "rollbacks", "A rollback that I should look at"


class MailChoice(models.Model):
    """One person's; who has none is mailed everything."""

    person = models.OneToOneField("accounts.User", models.CASCADE, related_name="+")
    unwanted = ArrayField(models.CharField(max_length=16, choices=Kind), default=list, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"mails of {self.person}"

    def wants(self, kind: str) -> bool:
        """True if a notice of this kind may be mailed now."""
        return kind not in self.unwanted and (self.muted_until is None or self.muted_until <= timezone.now())


class Channel(models.Model):
    """A team's channel in a chat, by the address of a Slack-compatible incoming webhook; without one it is off."""

    team = models.OneToOneField("accounts.Team", models.PROTECT, related_name="+")
    sealed_address = SealedField(blank=True, help_text="Encrypted: who knows it can post there.")
    host = models.CharField(max_length=253, blank=True, help_text="What may be shown of the address.")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"channel of {self.team}"

    @property
    def boundary(self) -> Boundary:
        return self.team.boundary
