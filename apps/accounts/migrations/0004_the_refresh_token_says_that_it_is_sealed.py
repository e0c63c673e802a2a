from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def name_it_as_it_is(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Between two releases 0003 made `refresh_token`, and later `sealed_refresh_token`."""
    with editor.connection.cursor() as cursor:
        columns = editor.connection.introspection.get_table_description(cursor, "accounts_identity")
        if "refresh_token" in {column.name for column in columns}:
            cursor.execute("ALTER TABLE accounts_identity RENAME COLUMN refresh_token TO sealed_refresh_token")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_single_sign_on")]

    operations = [migrations.RunPython(name_it_as_it_is, migrations.RunPython.noop)]
