"""How far the audit has been read: one row, and whoever holds its lock reads on."""

from django.db import models


class Cursor(models.Model):
    """The last event that became deliveries, by its place in commit order."""

    name = models.CharField(max_length=32, primary_key=True)
    transaction = models.BigIntegerField(default=0)
    event = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.transaction}/{self.event}"
