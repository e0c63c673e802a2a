"""More of a ready version may change, deleting is final, and numbers go on from the highest."""

from django.db import migrations

MORE_IS_FREE = """
DROP TRIGGER registry_ready_version_stays ON registry_modelversion;
CREATE TRIGGER registry_ready_version_stays BEFORE UPDATE ON registry_modelversion FOR EACH ROW
    WHEN (OLD.status = 'READY' AND to_jsonb(NEW) - '{description,tags,card,stage,updated_at,deleted_at}'::text[]
        IS DISTINCT FROM to_jsonb(OLD) - '{description,tags,card,stage,updated_at,deleted_at}'::text[])
    EXECUTE FUNCTION registry_refuse('a ready version changes only its description, tags, card and stage');
CREATE TRIGGER registry_deleted_version_stays BEFORE UPDATE ON registry_modelversion FOR EACH ROW
    WHEN (OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION registry_refuse('a deleted version stays as it was');
CREATE TRIGGER registry_deleted_model_stays BEFORE UPDATE ON registry_registeredmodel FOR EACH ROW
    WHEN (OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION registry_refuse('a deleted model stays as it was');
CREATE TRIGGER registry_model_is_kept BEFORE DELETE ON registry_registeredmodel FOR EACH ROW
    EXECUTE FUNCTION registry_refuse('a model is kept with its history; set deleted_at');
"""
LESS_IS_FREE = """
DROP TRIGGER registry_model_is_kept ON registry_registeredmodel;
DROP TRIGGER registry_deleted_model_stays ON registry_registeredmodel;
DROP TRIGGER registry_deleted_version_stays ON registry_modelversion;
DROP TRIGGER registry_ready_version_stays ON registry_modelversion;
CREATE TRIGGER registry_ready_version_stays BEFORE UPDATE ON registry_modelversion FOR EACH ROW
    WHEN (OLD.status = 'READY' AND to_jsonb(NEW) - 'description' IS DISTINCT FROM to_jsonb(OLD) - 'description')
    EXECUTE FUNCTION registry_refuse('a ready version changes nothing but its description');
"""
COUNT_ON = """
UPDATE registry_registeredmodel AS model SET last_number = counted.highest
FROM (SELECT model_id, max(number) AS highest FROM registry_modelversion GROUP BY model_id) AS counted
WHERE counted.model_id = model.id
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0006_models_stand_alone")]
    operations = [
        migrations.RunSQL(MORE_IS_FREE, LESS_IS_FREE),
        migrations.RunSQL(COUNT_ON, migrations.RunSQL.noop),
    ]
