"""Who did what when: append only (the database refuses UPDATE and DELETE), and the outbox of everything announced."""

from django.db import models
from django.db.models import F, Func
from django.db.models.functions import Now
from django.db.models.lookups import LessThan

from apps.audit.words import sentence_of


class CurrentTransaction(Func):
    """The writing transaction's own number: ids are handed out before commit and are not commit order."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class OldestOpenTransaction(Func):
    """Everything below is committed or rolled back for good."""

    template = "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)"
    output_field = models.BigIntegerField()


def identity(target: models.Model) -> str:
    """How the audit names a thing: its primary key, or an `audit_id` where the key must not be shown."""
    return str(getattr(target, "audit_id", target.pk))


class EventQuerySet(models.QuerySet["AuditEvent"]):
    def of(self, target: models.Model) -> "EventQuerySet":
        return self.filter(target_type=target._meta.label_lower, target_id=identity(target))

    def settled(self) -> "EventQuerySet":
        """Only events that no slower transaction can still slip in before, in their final order."""
        return self.filter(LessThan(F("transaction"), OldestOpenTransaction())).order_by("transaction", "id")

    def after(self, transaction: int, event_id: int) -> "EventQuerySet":
        """What follows a cursor of (transaction, id)."""
        later = models.Q(transaction__gt=transaction) | models.Q(transaction=transaction, id__gt=event_id)
        return self.filter(later)


class AuditEvent(models.Model):
    """One decision or definition; actor and target are copied as words, so history outlives what it speaks of."""

    transaction = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    at = models.DateTimeField(db_default=Now(), help_text="When it happened; earlier than recorded_at only in imports.")
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=150, help_text="For reading; two people may share it.")
    actor_username = models.CharField(max_length=150, blank=True, help_text="What the actor signs in as.")
    door = models.CharField(max_length=16)
    credential = models.CharField(max_length=100, blank=True, help_text="Name of the API token used, if any.")
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    target_name = models.CharField(max_length=300)
    team = models.CharField(max_length=64, blank=True)
    family = models.CharField(max_length=64, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    note = models.TextField(blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_of_target"),
            models.Index(fields=["transaction", "id"], name="audit_outbox_order"),
            models.Index(fields=["family", "-id"], name="audit_of_family"),
            models.Index(fields=["actor_id", "-id"], name="audit_of_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.sentence}"

    @property
    def sentence(self) -> str:
        """What the actor did, without the actor's name: "promoted Trip ETA · Atlanta v3"."""
        return sentence_of(self.action).format(target=self.target_name)
