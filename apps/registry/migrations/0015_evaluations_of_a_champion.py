import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

OWN_INDEX = "registry_evaluation_champion_id_e842e22c"
"""Of the foreign key; the new index begins with the same column."""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("registry", "0014_covered_indexes"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="evaluation",
            index=models.Index(fields=["champion", "window_last", "id"], name="evaluations_of_a_champion"),
        ),
        # Django would drop the foreign key for that and check every row again, while writers wait.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {OWN_INDEX}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {OWN_INDEX} ON registry_evaluation (champion_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="evaluation",
                    name="champion",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.modelversion",
                    ),
                )
            ],
        ),
    ]
