"""The new words of a decision stay as the old ones do; what was known stays once it is decided; an edition always."""

from django.db import migrations

REFUSE = """
DROP TRIGGER catalog_decision_words_stay ON catalog_decision;
CREATE TRIGGER catalog_decision_words_stay BEFORE UPDATE ON catalog_decision
    FOR EACH ROW WHEN (
        OLD.status <> 'draft'
        AND (OLD.number, OLD.kind, OLD.title, OLD.sourcing, OLD.capability_id, OLD.context, OLD.drivers, OLD.outcome,
             OLD.consequences, OLD.confirmation, OLD.criteria, OLD.revisit_on, OLD.trigger, OLD.trigger_kind,
             OLD.trigger_tool_id, OLD.trigger_gap_id, OLD.trigger_limit, OLD.team_id, OLD.tool_id, OLD.expires_on,
             OLD.renews_id, OLD.moves_from_id, OLD.move_by, OLD.author_id)
        IS DISTINCT FROM
            (NEW.number, NEW.kind, NEW.title, NEW.sourcing, NEW.capability_id, NEW.context, NEW.drivers, NEW.outcome,
             NEW.consequences, NEW.confirmation, NEW.criteria, NEW.revisit_on, NEW.trigger, NEW.trigger_kind,
             NEW.trigger_tool_id, NEW.trigger_gap_id, NEW.trigger_limit, NEW.team_id, NEW.tool_id, NEW.expires_on,
             NEW.renews_id, NEW.moves_from_id, NEW.move_by, NEW.author_id)
    )
    EXECUTE FUNCTION catalog_decision_words_stay();
CREATE FUNCTION catalog_known_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What was known when decision % was taken does not change any more.', OLD.number
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER catalog_known_stays BEFORE UPDATE ON catalog_decision
    FOR EACH ROW WHEN (OLD.status NOT IN ('draft', 'proposed') AND OLD.known IS DISTINCT FROM NEW.known)
    EXECUTE FUNCTION catalog_known_stays();
CREATE FUNCTION catalog_edition_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Edition % of the radar is published: it stays as it is.', OLD.name
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER catalog_edition_stays BEFORE UPDATE ON catalog_radaredition
    FOR EACH ROW EXECUTE FUNCTION catalog_edition_stays();
"""
ALLOW = """
DROP TRIGGER catalog_edition_stays ON catalog_radaredition;
DROP FUNCTION catalog_edition_stays();
DROP TRIGGER catalog_known_stays ON catalog_decision;
DROP FUNCTION catalog_known_stays();
DROP TRIGGER catalog_decision_words_stay ON catalog_decision;
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
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_whole_catalog")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
