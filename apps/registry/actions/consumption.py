"""Who uses which version: counted beside the requests, and said by who serves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, InterfaceError, connection

from apps.core.errors import Invalid
from apps.core.permissions import require
from apps.registry.models import Consumption, ModelVersion
from apps.registry.tally import Tally, Use

if TYPE_CHECKING:
    from apps.accounts.models import User

log = structlog.get_logger(__name__)
LONGEST_PLACE = 100
_tally = Tally()


def count_resolved(*, actor: User, versions: Sequence[int]) -> None:
    """These versions (by id) were handed out as what serves; written by `write_uses` later."""
    _tally.add(Use(version, actor.pk, Consumption.Kind.RESOLVED.value) for version in versions)


def count_download(*, actor: User, version: int) -> None:
    """A file of this version (by id) was downloaded; written by `write_uses` later."""
    _tally.add([Use(version, actor.pk, Consumption.Kind.DOWNLOADED.value)])


def write_uses() -> None:
    """Writes what was counted; what the database does not take now waits for the next time."""
    uses = _tally.take()
    try:
        _add(uses)
    except (DatabaseError, InterfaceError) as error:
        log.warning("consumption.waits", error=type(error).__name__, uses=len(uses))
        _tally.put_back(uses)


def report_serving(*, actor: User, version: ModelVersion, place: str) -> None:
    """ "I serve this version there": applied is not serving. Said again, it counts again. Raises Invalid."""
    require(actor, "registry.report_serving", version)
    if not place.strip() or len(place) > LONGEST_PLACE or not place.isprintable():
        said = f"Say where it is served in 1 to {LONGEST_PLACE} characters, such as 'eta-api, eu-1'."
        raise Invalid(said, field="place")
    _add(Counter([Use(version.pk, actor.pk, Consumption.Kind.SERVED.value, place.strip())]))


def _add(uses: Counter[Use]) -> None:
    """One statement, in one order everywhere: two processes that count the same would otherwise wait for each other."""
    if not uses:
        return
    rows = sorted(uses.items())
    columns = (
        [use.version for use, _ in rows],
        [use.user for use, _ in rows],
        [use.kind for use, _ in rows],
        [use.place for use, _ in rows],
        [times for _, times in rows],
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_consumption AS known (version_id, user_id, kind, place, times)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[])"
            " ON CONFLICT (version_id, user_id, kind, place)"
            " DO UPDATE SET times = known.times + excluded.times, last_at = now()",
            columns,
        )
