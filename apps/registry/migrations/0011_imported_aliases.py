"""What an alias pointed to in another registry: its first move here, to a version that was imported with its files."""

from django.db import migrations, models

IMPORTED = """
CREATE FUNCTION registry_import_comes_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM registry_aliasmove WHERE model_id = NEW.model_id AND name = NEW.name)
        OR NOT EXISTS (
            SELECT 1 FROM registry_modelversion
            WHERE id = NEW.after_id AND kind = 'imported' AND status = 'READY' AND tree_id IS NOT NULL
        ) THEN
        RAISE EXCEPTION 'An alias is imported once, before any other move, to an imported version with its files.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER registry_imported_alias_comes_first BEFORE INSERT ON registry_aliasmove FOR EACH ROW
    WHEN (NEW.kind = 'imported') EXECUTE FUNCTION registry_import_comes_first();
"""
ANY = """
DROP TRIGGER registry_imported_alias_comes_first ON registry_aliasmove;
DROP FUNCTION registry_import_comes_first();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0010_serving")]
    operations = [
        migrations.AlterField(
            "aliasmove",
            "kind",
            models.CharField(
                choices=[
                    ("promotion", "Promotion"),
                    ("rollback", "Rollback"),
                    ("set", "Set"),
                    ("removed", "Removed"),
                    ("imported", "Imported"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            "aliasmove",
            models.CheckConstraint(
                condition=models.Q(("kind", "imported"), _negated=True) | models.Q(("before", None)),
                name="an_import_never_moves_an_alias_away",
            ),
        ),
        migrations.RunSQL(IMPORTED, ANY),
    ]
