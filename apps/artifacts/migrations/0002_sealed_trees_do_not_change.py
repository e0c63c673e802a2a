"""A sealed tree, its files and stored bytes never change: the database itself refuses."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION artifacts_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %: it is sealed and does not change.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER artifacts_blob_is_fixed BEFORE UPDATE ON artifacts_blob
    FOR EACH ROW EXECUTE FUNCTION artifacts_refuse_change();

CREATE TRIGGER artifacts_sealed_tree_is_fixed BEFORE UPDATE OR DELETE ON artifacts_tree
    FOR EACH ROW WHEN (OLD.sealed_at IS NOT NULL) EXECUTE FUNCTION artifacts_refuse_change();

-- FOR SHARE waits for a seal that is being set; the foreign key's own lock would not.
CREATE FUNCTION artifacts_refuse_if_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM artifacts_tree
        WHERE id IN (OLD.tree_id, NEW.tree_id) ORDER BY id FOR SHARE;
    IF EXISTS (SELECT 1 FROM artifacts_tree WHERE id IN (OLD.tree_id, NEW.tree_id) AND sealed_at IS NOT NULL) THEN
        RAISE EXCEPTION '% of a file: its tree is sealed and does not change.', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;

CREATE TRIGGER artifacts_sealed_files_are_fixed BEFORE INSERT OR UPDATE OR DELETE ON artifacts_treefile
    FOR EACH ROW EXECUTE FUNCTION artifacts_refuse_if_sealed();
"""
ALLOW = """
DROP TRIGGER artifacts_sealed_files_are_fixed ON artifacts_treefile;
DROP FUNCTION artifacts_refuse_if_sealed();
DROP TRIGGER artifacts_sealed_tree_is_fixed ON artifacts_tree;
DROP TRIGGER artifacts_blob_is_fixed ON artifacts_blob;
DROP FUNCTION artifacts_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("artifacts", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
