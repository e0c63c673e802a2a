from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("retraining", "0007_policies_on_a_metric"),
    ]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="release",
            field=models.CharField(
                blank=True, db_default="", help_text="Version and fingerprint of the code it runs.", max_length=64
            ),
        ),
    ]
