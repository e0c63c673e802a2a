"""A worker as it last reported itself."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Worker(models.Model):
    """A Celery worker as it last reported itself."""

    name = models.CharField(max_length=200, unique=True)
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=200)
    queues = ArrayField(models.CharField(max_length=64))
    slots = models.PositiveIntegerField(default=1, help_text="How many runs it works on at a time.")
    isolation = models.TextField(blank=True, help_text="Empty where training code runs as another user, else why not.")
    release = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Version and fingerprint of the code it runs."
    )
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    stopped_at = models.DateTimeField(null=True, blank=True)
    draining_since = models.DateTimeField(
        null=True, blank=True, help_text="It ends what it runs and takes nothing more, until it is put back to work."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
