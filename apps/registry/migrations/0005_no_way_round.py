"""One open wave per segment; and aliases that the family protects move by promotion and rollback, whatever asks."""

from django.db import migrations, models

SAME_MODEL = (
    "ALTER TABLE registry_promotion ADD CONSTRAINT registry_promotion_before_id_of_same_model "
    "FOREIGN KEY (before_id, model_id) REFERENCES registry_modelversion (id, model_id) DEFERRABLE INITIALLY DEFERRED;"
)
ANY_MODEL = "ALTER TABLE registry_promotion DROP CONSTRAINT registry_promotion_before_id_of_same_model;"

# Nobody sets or removes a protected alias; and what is removed has a move that says so.
PROTECTION = """
CREATE FUNCTION registry_protected_moves_by_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind IN ('set', 'removed') AND EXISTS (
        SELECT 1 FROM registry_registeredmodel model JOIN registry_protectedalias alias USING (family_id)
        WHERE model.id = NEW.model_id AND alias.name = NEW.name
    ) THEN
        RAISE EXCEPTION 'A protected alias moves only by promotion or rollback.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER registry_protected_alias_moves_by_rule BEFORE INSERT ON registry_aliasmove
    FOR EACH ROW EXECUTE FUNCTION registry_protected_moves_by_rule();

CREATE FUNCTION registry_alias_is_removed_with_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF registry_last_move(OLD.model_id, OLD.name) IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM registry_alias WHERE model_id = OLD.model_id AND name = OLD.name) THEN
        RAISE EXCEPTION 'An alias is removed only together with its history.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER registry_alias_removed_with_history AFTER DELETE ON registry_alias
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_alias_is_removed_with_history();
"""
NO_PROTECTION = """
DROP TRIGGER registry_alias_removed_with_history ON registry_alias;
DROP FUNCTION registry_alias_is_removed_with_history();
DROP TRIGGER registry_protected_alias_moves_by_rule ON registry_aliasmove;
DROP FUNCTION registry_protected_moves_by_rule();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_what_is_open_and_protected_now")]
    operations = [
        migrations.RemoveConstraint(
            model_name="promotion",
            name="one_open_promotion_per_alias",
        ),
        migrations.RemoveConstraint(
            model_name="wave",
            name="one_open_wave_of_several_segments",
        ),
        migrations.RemoveConstraint(
            model_name="wave",
            name="a_wave_is_open_or_closed",
        ),
        migrations.RemoveField(
            model_name="modelfamily",
            name="protected_aliases",
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_open", True)), fields=("model",), name="a_segment_is_in_one_open_wave"
            ),
        ),
        migrations.AddConstraint(
            model_name="promotion",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("status", "proposed"), _negated=True), ("is_open", True), _connector="OR"),
                name="what_is_proposed_is_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="wave",
            constraint=models.UniqueConstraint(
                condition=models.Q(("segments__gt", 1), ("status__in", ["proposed", "running"])),
                fields=("family",),
                name="one_open_wave_of_several_segments",
            ),
        ),
        migrations.AddConstraint(
            model_name="wave",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("status__in", ["proposed", "running"])),
                    models.Q(
                        models.Q(("status__in", ["proposed", "running"]), _negated=True), ("closed_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="a_wave_is_open_or_closed",
            ),
        ),
        migrations.RunSQL(SAME_MODEL, ANY_MODEL),
        migrations.RunSQL(PROTECTION, NO_PROTECTION),
    ]
