"""The database keeps how many segment runs of a request are in which state, in the transaction that moves them.

The share that is added to is one that nobody else has locked, or a new one: a mover never waits for another, and a
request has as many shares as transactions ever moved its runs at the same moment.
"""

import django.db.models.deletion
from django.db import migrations, models

STATUSES = ("waiting", "sent", "running", "succeeded", "failed", "cancelled", "no_data")
COLUMNS = ", ".join(STATUSES)
CHANGES = ", ".join(f"change.{status}" for status in STATUSES)
ADDED = ", ".join(f"{status} = {status} + change.{status}" for status in STATUSES)
SUMS = ", ".join(f"coalesce(sum(n) FILTER (WHERE status = '{status}'), 0) AS {status}" for status in STATUSES)
MOVED = " OR ".join(f"coalesce(sum(n) FILTER (WHERE status = '{status}'), 0) <> 0" for status in STATUSES)
NEW = "SELECT request_id, status, 1 AS n FROM new_runs"
OLD = "SELECT request_id, status, -1 AS n FROM old_runs"


def counting(name: str, moves: str, otherwise: str) -> str:
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change record;
BEGIN
    FOR change IN SELECT request_id, {SUMS} FROM ({moves}) moves GROUP BY request_id HAVING {MOVED} LOOP
        UPDATE retraining_tally SET {ADDED} WHERE id = (
            SELECT id FROM retraining_tally WHERE request_id = change.request_id
            ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        );
        {otherwise}
    END LOOP;
    RETURN NULL;
END $$;
"""  # noqa: S608 (nothing from outside)


NEW_SHARE = f"""IF NOT FOUND THEN
            INSERT INTO retraining_tally (request_id, {COLUMNS}) VALUES (change.request_id, {CHANGES});
        END IF;"""  # noqa: S608 (nothing from outside)
KEEP = f"""
{counting("retraining_count_added", NEW, NEW_SHARE)}
{counting("retraining_count_moved", f"{NEW} UNION ALL {OLD}", NEW_SHARE)}
-- Whoever deletes a request has deleted its shares already, and none may come back.
{counting("retraining_count_removed", OLD, "")}

CREATE TRIGGER retraining_runs_added AFTER INSERT ON retraining_segmentrun
    REFERENCING NEW TABLE AS new_runs FOR EACH STATEMENT EXECUTE FUNCTION retraining_count_added();
CREATE TRIGGER retraining_runs_moved AFTER UPDATE ON retraining_segmentrun
    REFERENCING OLD TABLE AS old_runs NEW TABLE AS new_runs
    FOR EACH STATEMENT EXECUTE FUNCTION retraining_count_moved();
CREATE TRIGGER retraining_runs_removed AFTER DELETE ON retraining_segmentrun
    REFERENCING OLD TABLE AS old_runs FOR EACH STATEMENT EXECUTE FUNCTION retraining_count_removed();

-- From here on nobody moves a run until this migration is over, so what is counted now is right.
INSERT INTO retraining_tally (request_id, {COLUMNS})
SELECT request_id, {SUMS} FROM (SELECT request_id, status, 1 AS n FROM retraining_segmentrun) moves
GROUP BY request_id;
"""  # noqa: S608 (nothing from outside)
STOP = """
DROP TRIGGER retraining_runs_added ON retraining_segmentrun;
DROP TRIGGER retraining_runs_moved ON retraining_segmentrun;
DROP TRIGGER retraining_runs_removed ON retraining_segmentrun;
DROP FUNCTION retraining_count_added();
DROP FUNCTION retraining_count_moved();
DROP FUNCTION retraining_count_removed();
"""


class Migration(migrations.Migration):
    dependencies = [("retraining", "0010_commands")]
    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("waiting", models.IntegerField()),
                ("sent", models.IntegerField()),
                ("running", models.IntegerField()),
                ("succeeded", models.IntegerField()),
                ("failed", models.IntegerField()),
                ("cancelled", models.IntegerField()),
                ("no_data", models.IntegerField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tallies",
                        to="retraining.retrainingrequest",
                    ),
                ),
            ],
            options={"verbose_name_plural": "tallies"},
        ),
        migrations.RunSQL(KEEP, STOP),
    ]
