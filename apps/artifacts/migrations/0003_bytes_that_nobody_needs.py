"""Bytes may leave the store; what they were stays, and the database refuses every other change, as before."""

from django.db import migrations, models

REFUSE = """
DROP TRIGGER artifacts_blob_is_fixed ON artifacts_blob;
CREATE TRIGGER artifacts_blob_is_fixed BEFORE UPDATE ON artifacts_blob
    FOR EACH ROW WHEN ((OLD.sha256, OLD.size) IS DISTINCT FROM (NEW.sha256, NEW.size))
    EXECUTE FUNCTION artifacts_refuse_change();

DROP TRIGGER artifacts_sealed_tree_is_fixed ON artifacts_tree;
CREATE TRIGGER artifacts_sealed_tree_is_kept BEFORE DELETE ON artifacts_tree
    FOR EACH ROW WHEN (OLD.sealed_at IS NOT NULL) EXECUTE FUNCTION artifacts_refuse_change();
CREATE TRIGGER artifacts_sealed_tree_is_fixed BEFORE UPDATE ON artifacts_tree
    FOR EACH ROW WHEN (
        OLD.sealed_at IS NOT NULL
        AND (OLD.id, OLD.sealed_at, OLD.digest, OLD.created_at)
            IS DISTINCT FROM (NEW.id, NEW.sealed_at, NEW.digest, NEW.created_at)
        OR OLD.cut_at IS NOT NULL AND NEW.cut_at IS DISTINCT FROM OLD.cut_at
    ) EXECUTE FUNCTION artifacts_refuse_change();
"""
AS_BEFORE = """
DROP TRIGGER artifacts_sealed_tree_is_kept ON artifacts_tree;
DROP TRIGGER artifacts_sealed_tree_is_fixed ON artifacts_tree;
CREATE TRIGGER artifacts_sealed_tree_is_fixed BEFORE UPDATE OR DELETE ON artifacts_tree
    FOR EACH ROW WHEN (OLD.sealed_at IS NOT NULL) EXECUTE FUNCTION artifacts_refuse_change();
DROP TRIGGER artifacts_blob_is_fixed ON artifacts_blob;
CREATE TRIGGER artifacts_blob_is_fixed BEFORE UPDATE ON artifacts_blob
    FOR EACH ROW EXECUTE FUNCTION artifacts_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("artifacts", "0002_sealed_trees_do_not_change")]

    operations = [
        migrations.AddField(
            model_name="blob",
            name="removed_at",
            field=models.DateTimeField(blank=True, editable=False, help_text="When they left the store.", null=True),
        ),
        migrations.AddField(
            model_name="blob",
            name="unneeded_since",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since when no tree whose files are kept names them.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="tree",
            name="cut_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="When its bytes were given up.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="blob",
            constraint=models.CheckConstraint(
                condition=models.Q(("removed_at", None), ("unneeded_since__isnull", False), _connector="OR"),
                name="only_unneeded_bytes_are_removed",
            ),
        ),
        migrations.RunSQL(REFUSE, AS_BEFORE),
    ]
