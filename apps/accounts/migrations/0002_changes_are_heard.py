"""The database says when tokens, people or memberships change, so that nobody remembers them too long."""

from django.db import migrations

SPEAK = """
CREATE FUNCTION accounts_say_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY accounts_changed;
    RETURN NULL;
END $$;

CREATE TRIGGER accounts_token_changed
    AFTER DELETE OR TRUNCATE OR UPDATE OF scopes, teams, families, expiry, user_id ON accounts_apitoken
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_say_changed();
CREATE TRIGGER accounts_user_changed AFTER DELETE OR UPDATE OF is_active, default_team_id, service_of_id ON accounts_user
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_say_changed();
CREATE TRIGGER accounts_membership_changed AFTER INSERT OR UPDATE OR DELETE ON accounts_membership
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_say_changed();
"""
BE_SILENT = """
DROP TRIGGER accounts_membership_changed ON accounts_membership;
DROP TRIGGER accounts_user_changed ON accounts_user;
DROP TRIGGER accounts_token_changed ON accounts_apitoken;
DROP FUNCTION accounts_say_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(SPEAK, BE_SILENT)]
