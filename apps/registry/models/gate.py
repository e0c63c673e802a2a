"""A gate: a rule that candidates of a family must pass, as data."""

from django.db import models

from apps.registry.models.family import ModelFamily


class Gate(models.Model):
    """Guards one protected alias, or ("") all of them; what kinds and settings mean stands in `gates.KINDS`."""

    class Kind(models.TextChoices):
        SIGNIFICANCE = "significance", "better than the champion"
        BASELINE = "baseline", "not worse than the baseline"
        THRESHOLD = "threshold", "good enough"
        ENOUGH_DATA = "enough_data", "enough data"
        NO_LEAKAGE = "no_leakage", "no leakage"
        SERVING_CONTRACT = "serving_contract", "fits the serving contract"
        FILES = "files", "files of allowed formats"
        CARD = "card", "card filled in"
        REPRODUCIBLE = "reproducible", "reproducible"

    family = models.ForeignKey(ModelFamily, models.CASCADE, related_name="gates")
    alias = models.CharField(
        max_length=64, blank=True, db_default="", help_text="The alias it guards; empty: every protected one."
    )
    kind = models.CharField(max_length=32, choices=Kind)
    settings = models.JSONField(default=dict, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["family", "alias", "kind"], name="an_alias_has_each_gate_once")]

    def __str__(self) -> str:
        return self.get_kind_display()
