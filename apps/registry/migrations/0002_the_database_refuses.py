"""What was evaluated, decided and moved stays as it was, and rows of one model point only to that model's versions."""

from django.db import migrations

IMMUTABLE = """
CREATE FUNCTION registry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %.', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER registry_ready_version_stays BEFORE UPDATE ON registry_modelversion FOR EACH ROW
    WHEN (OLD.status = 'READY' AND to_jsonb(NEW) - 'description' IS DISTINCT FROM to_jsonb(OLD) - 'description')
    EXECUTE FUNCTION registry_refuse('a ready version changes nothing but its description');
CREATE TRIGGER registry_ready_version_is_kept BEFORE DELETE ON registry_modelversion FOR EACH ROW
    WHEN (OLD.status = 'READY') EXECUTE FUNCTION registry_refuse('a ready version is kept');
CREATE TRIGGER registry_done_evaluation_stays BEFORE UPDATE OR DELETE ON registry_evaluation FOR EACH ROW
    WHEN (OLD.status = 'done') EXECUTE FUNCTION registry_refuse('a done evaluation stays as it is');
CREATE TRIGGER registry_gate_result_stays BEFORE UPDATE OR DELETE ON registry_gateresult FOR EACH ROW
    EXECUTE FUNCTION registry_refuse('what a gate said stays as it is');
CREATE TRIGGER registry_alias_move_stays BEFORE UPDATE OR DELETE ON registry_aliasmove FOR EACH ROW
    EXECUTE FUNCTION registry_refuse('the history of aliases is append only');
"""
MUTABLE = """
DROP TRIGGER registry_ready_version_stays ON registry_modelversion;
DROP TRIGGER registry_ready_version_is_kept ON registry_modelversion;
DROP TRIGGER registry_done_evaluation_stays ON registry_evaluation;
DROP TRIGGER registry_gate_result_stays ON registry_gateresult;
DROP TRIGGER registry_alias_move_stays ON registry_aliasmove;
DROP FUNCTION registry_refuse();
"""

# A move begins where the last one ended, and at commit every alias stands where its last move put it.
HISTORY = """
CREATE FUNCTION registry_last_move(of_model bigint, of_name text) RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT after_id FROM registry_aliasmove WHERE model_id = of_model AND name = of_name ORDER BY id DESC LIMIT 1
$$;

CREATE FUNCTION registry_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.before_id IS DISTINCT FROM registry_last_move(NEW.model_id, NEW.name) THEN
        RAISE EXCEPTION 'The history of an alias has no gap: a move begins where the last one ended.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER registry_alias_history_has_no_gap BEFORE INSERT ON registry_aliasmove
    FOR EACH ROW EXECUTE FUNCTION registry_no_gap();

CREATE FUNCTION registry_alias_has_its_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    points_to bigint := (SELECT version_id FROM registry_alias WHERE id = NEW.id);
BEGIN
    IF points_to IS NOT NULL AND points_to IS DISTINCT FROM registry_last_move(NEW.model_id, NEW.name) THEN
        RAISE EXCEPTION 'An alias moves only together with its history.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER registry_alias_moves_with_history AFTER INSERT OR UPDATE ON registry_alias
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_alias_has_its_move();
"""
NO_HISTORY = """
DROP TRIGGER registry_alias_moves_with_history ON registry_alias;
DROP FUNCTION registry_alias_has_its_move();
DROP TRIGGER registry_alias_history_has_no_gap ON registry_aliasmove;
DROP FUNCTION registry_no_gap();
DROP FUNCTION registry_last_move(bigint, text);
"""

OF_THE_SAME_MODEL = [
    ("alias", "version_id"),
    ("aliasmove", "before_id"),
    ("aliasmove", "after_id"),
    ("evaluation", "candidate_id"),
    ("evaluation", "champion_id"),
    ("promotion", "candidate_id"),
    ("promotion", "champion_id"),
]
SAME_MODEL = (
    "ALTER TABLE registry_modelversion ADD CONSTRAINT registry_version_of_model UNIQUE (id, model_id);"
    + "".join(
        f"ALTER TABLE registry_{table} ADD CONSTRAINT registry_{table}_{column}_of_same_model "
        f"FOREIGN KEY ({column}, model_id) REFERENCES registry_modelversion (id, model_id) DEFERRABLE INITIALLY DEFERRED;"
        for table, column in OF_THE_SAME_MODEL
    )
)
ANY_MODEL = (
    "".join(
        f"ALTER TABLE registry_{table} DROP CONSTRAINT registry_{table}_{column}_of_same_model;"
        for table, column in OF_THE_SAME_MODEL
    )
    + "ALTER TABLE registry_modelversion DROP CONSTRAINT registry_version_of_model;"
)


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [
        migrations.RunSQL(IMMUTABLE, MUTABLE),
        migrations.RunSQL(HISTORY, NO_HISTORY),
        migrations.RunSQL(SAME_MODEL, ANY_MODEL),
    ]
