"""Four eyes in the database: authors never vote, votes never change, and nothing is approved without them."""

from django.db import migrations

GUARD = """
CREATE FUNCTION approvals_votes_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A vote is final: % is refused.', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER approvals_votes_are_final BEFORE UPDATE OR DELETE ON approvals_vote
    FOR EACH ROW EXECUTE FUNCTION approvals_votes_are_final();

-- FOR SHARE waits for an end that is being set; the foreign key's own lock would not.
CREATE FUNCTION approvals_check_vote() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE question approvals_approval%ROWTYPE;
BEGIN
    SELECT * INTO question FROM approvals_approval WHERE id = NEW.approval_id FOR SHARE;
    IF question.status <> 'open' THEN
        RAISE EXCEPTION 'The approval is closed: no vote is taken.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.user_id = question.opened_by_id OR EXISTS (
        SELECT 1 FROM approvals_approval_excluded WHERE approval_id = NEW.approval_id AND user_id = NEW.user_id
    ) THEN
        RAISE EXCEPTION 'An author does not vote.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_check_vote BEFORE INSERT ON approvals_vote
    FOR EACH ROW EXECUTE FUNCTION approvals_check_vote();

CREATE FUNCTION approvals_check_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'open' THEN
        RAISE EXCEPTION 'The approval is closed and does not change.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.digest <> OLD.digest OR NEW.needed <> OLD.needed OR NEW.team_id <> OLD.team_id
        OR NEW.opened_by_id <> OLD.opened_by_id THEN
        RAISE EXCEPTION 'What was asked does not change.' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.status = 'approved' AND NEW.needed > (
        SELECT count(*) FROM approvals_vote WHERE approval_id = NEW.id AND verdict = 'yes'
    ) THEN
        RAISE EXCEPTION 'Not enough people have said yes.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_check_end BEFORE UPDATE ON approvals_approval
    FOR EACH ROW EXECUTE FUNCTION approvals_check_end();
"""
UNGUARD = """
DROP TRIGGER approvals_check_end ON approvals_approval;
DROP FUNCTION approvals_check_end();
DROP TRIGGER approvals_check_vote ON approvals_vote;
DROP FUNCTION approvals_check_vote();
DROP TRIGGER approvals_votes_are_final ON approvals_vote;
DROP FUNCTION approvals_votes_are_final();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
