"""What the database itself refuses."""

import pytest
from django.db import IntegrityError, connection, transaction

from apps.tracking.models import Run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'FINISHED'", "a_run_is_open_or_has_an_end"),
        ("ended_at = now()", "a_run_is_open_or_has_an_end"),
        ("status = 'DONE', ended_at = now()", "a_run_is_open_or_has_an_end"),
        ("id = '../etc'", "a_run_id_is_32_hex_digits"),
    ],
)
def test_a_run_without_sense_is_not_stored(run: Run, change: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE tracking_run SET {change}")


def test_two_runs_do_not_share_their_files(run: Run) -> None:
    with pytest.raises(IntegrityError, match="tree"):
        Run.objects.create(experiment=run.experiment, name="copy", user=run.user, tree=run.tree)
