"""What families, waves and promotions are already, said in the new columns."""

from django.db import migrations

PROTECTED = """
INSERT INTO registry_protectedalias (family_id, name, position)
SELECT family.id, alias.name, alias.n - 1
FROM registry_modelfamily family, unnest(family.protected_aliases) WITH ORDINALITY AS alias(name, n);
"""
OPEN = """
UPDATE registry_promotion SET before_id = champion_id, is_open = (status = 'proposed');
UPDATE registry_wave SET stage = 1, stage_at = closed_at WHERE status = 'applied';
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_promotion_in_order_and_stages")]
    operations = [
        migrations.RunSQL(PROTECTED, migrations.RunSQL.noop),
        migrations.RunSQL(OPEN, migrations.RunSQL.noop),
    ]
