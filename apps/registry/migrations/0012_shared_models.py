"""Segments that stand for many, and evaluations beside the model that is shared by many.

Both columns come with a default, so nothing is rewritten; the new constraint stands before the old one goes.
"""

import django.db.models.deletion
from django.db import migrations, models

RIVALS = models.Q(champion=None) | models.Q(shared=None)


class Migration(migrations.Migration):
    dependencies = [("registry", "0011_imported_aliases")]
    operations = [
        migrations.AddField("segment", "is_fallback", models.BooleanField(default=False, db_default=False)),
        migrations.AddField(
            "evaluation",
            "shared",
            models.ForeignKey(
                "registry.ModelVersion", django.db.models.deletion.PROTECT, null=True, blank=True, related_name="+"
            ),
        ),
        migrations.AddConstraint(
            "evaluation",
            models.UniqueConstraint(
                fields=["candidate", "champion", "shared", "window_first", "window_last", "evaluator_version"],
                nulls_distinct=False,
                name="each_evaluation_is_made_once",
            ),
        ),
        migrations.AddConstraint(
            "evaluation", models.CheckConstraint(condition=RIVALS, name="an_evaluation_has_at_most_one_rival")
        ),
        migrations.RemoveConstraint("evaluation", "the_same_evaluation_is_made_once"),
    ]
