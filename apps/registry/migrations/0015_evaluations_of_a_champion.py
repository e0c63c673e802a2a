import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


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
        ),
    ]
