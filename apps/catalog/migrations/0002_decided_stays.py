"""What was proposed, decided or closed keeps its words and options: the database itself refuses to change them."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION catalog_decision_words_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Decision % is %: only a draft can be edited.', OLD.number, OLD.status
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER catalog_decision_words_stay BEFORE UPDATE ON catalog_decision
    FOR EACH ROW WHEN (
        OLD.status <> 'draft'
        AND (OLD.number, OLD.title, OLD.sourcing, OLD.capability_id, OLD.context, OLD.outcome, OLD.revisit_on,
             OLD.trigger, OLD.author_id)
        IS DISTINCT FROM
            (NEW.number, NEW.title, NEW.sourcing, NEW.capability_id, NEW.context, NEW.outcome, NEW.revisit_on,
             NEW.trigger, NEW.author_id)
    )
    EXECUTE FUNCTION catalog_decision_words_stay();

CREATE FUNCTION catalog_options_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row catalog_option := COALESCE(NEW, OLD);
BEGIN
    IF EXISTS (SELECT 1 FROM catalog_decision WHERE id = row.decision_id AND status <> 'draft') THEN
        RAISE EXCEPTION 'The options of a decision change only while it is a draft.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN row;
END $$;
CREATE TRIGGER catalog_options_stay BEFORE INSERT OR UPDATE OR DELETE ON catalog_option
    FOR EACH ROW EXECUTE FUNCTION catalog_options_stay();
"""
ALLOW = """
DROP TRIGGER catalog_options_stay ON catalog_option;
DROP FUNCTION catalog_options_stay();
DROP TRIGGER catalog_decision_words_stay ON catalog_decision;
DROP FUNCTION catalog_decision_words_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
