"""An alias points to a living version, whoever of two was faster; a copy knows where the first files are."""

from django.db import migrations, models

# FOR SHARE waits for a deletion that is being written; the foreign key's own lock would not.
LIVING = """
CREATE FUNCTION registry_alias_needs_living_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM registry_modelversion WHERE id = NEW.version_id AND deleted_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'An alias points to no deleted version.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER registry_alias_points_to_the_living BEFORE INSERT OR UPDATE ON registry_alias
    FOR EACH ROW EXECUTE FUNCTION registry_alias_needs_living_version();

CREATE FUNCTION registry_deleted_version_has_no_alias() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM registry_alias WHERE version_id = NEW.id) THEN
        RAISE EXCEPTION 'A version that an alias points to is not deleted.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER registry_deleted_version_without_alias AFTER UPDATE ON registry_modelversion FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION registry_deleted_version_has_no_alias();
"""
ANY = """
DROP TRIGGER registry_deleted_version_without_alias ON registry_modelversion;
DROP FUNCTION registry_deleted_version_has_no_alias();
DROP TRIGGER registry_alias_points_to_the_living ON registry_alias;
DROP FUNCTION registry_alias_needs_living_version();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0008_gates_and_contents")]
    operations = [
        migrations.AddField(
            "modelversion",
            "location",
            models.CharField(blank=True, default="", help_text="Where files are that are not here.", max_length=500),
            preserve_default=False,
        ),
        migrations.RunSQL(LIVING, ANY),
    ]
