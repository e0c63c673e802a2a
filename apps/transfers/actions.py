"""Verbs of transfers: asked for with the version they are for, claimed by one worker at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Conflict
from apps.core.permissions import require
from apps.core.transitions import move
from apps.platforms.queries import connections
from apps.registry.actions import Origin, create_version, fail_registration
from apps.transfers.events import Event
from apps.transfers.models import Transfer

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.platforms.models import Connection
    from apps.registry.models import ModelVersion, RegisteredModel

LEASE = timedelta(seconds=60)
FIRST_WAIT = 5  # seconds; four times as long before each further try: five tries over half an hour
GONE = "The worker that copied the files is gone."


@dataclass(frozen=True)
class Claimed:
    """A transfer that this worker alone works on, with the number of its try as the fence."""

    transfer: Transfer
    attempt: int


@transaction.atomic
def register_from_elsewhere(
    *, actor: User, model: RegisteredModel, origin: Origin, description: str = "", tags: Mapping[str, str] | None = None
) -> ModelVersion:
    """A version that waits (PENDING_REGISTRATION) for its files, which a worker copies from a connected MLflow server.

    `origin` names a logged model (`models:/m-…`) or a run and its folder. Raises Conflict when no server is connected.
    """
    if not connections("mlflow").exists():
        raise Conflict("No MLflow server is connected here; a platform admin connects one.")
    waiting = "PENDING_REGISTRATION"
    told = {"description": description, "tags": tags, "status": waiting}
    version = create_version(actor=actor, model=model, origin=origin, **told)  # type: ignore[arg-type]
    ask_for_files(version=version, origin=origin, connection=None)
    return version


@transaction.atomic
def note_export(*, actor: User, connection: Connection) -> None:
    """Everything that this person may see is about to be copied to that server."""
    require(actor, "platforms.administer")
    record(actor=actor, action=Event.EXPORTED, target=connection)


def ask_for_files(*, version: ModelVersion, origin: Origin, connection: Connection | None) -> None:
    """In the transaction that makes the version; asking twice for one version is asking once."""
    place = {"logged_model": origin.logged_model, "run": origin.run_ref, "folder": _folder(origin)}
    Transfer.objects.get_or_create(version=version, defaults={**place, "connection": connection})
    ring("transfers.bring")


@transaction.atomic
def claim_transfer() -> Claimed | None:
    row = Transfer.objects.due().select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    if row is None:
        return None
    counts: dict[str, Any] = {"attempt": F("attempt") + 1, "tries_left": F("tries_left") - 1}
    move(row, Transfer.Status.WORKING, lease_until=Now() + LEASE, **counts)
    related = ("connection", "version__model__family__team", "version__model__team", "version__created_by")
    transfer = Transfer.objects.select_related(*related).get(pk=row.pk)
    return Claimed(transfer, transfer.attempt)


def renew(*, claimed: Claimed) -> bool:
    """Longer for the same worker; False when somebody else has it."""
    mine = Transfer.objects.filter(pk=claimed.transfer.pk, status=Transfer.Status.WORKING, attempt=claimed.attempt)
    return bool(mine.update(lease_until=Now() + LEASE))


@transaction.atomic
def finish(*, claimed: Claimed, connection: Connection) -> None:
    """The files are here, from that server. Raises Conflict for a worker that has lost its claim."""
    told: dict[str, Any] = {"lease_until": None, "problem": "", "connection": connection}
    move(claimed.transfer, Transfer.Status.DONE, guard={"attempt": claimed.attempt}, **told)


@transaction.atomic
def give_up(*, claimed: Claimed, reason: str, final: bool) -> None:
    """Tried again later, or for good: then the version is FAILED_REGISTRATION with the reason."""
    transfer = claimed.transfer
    over = final or transfer.tries_left <= 0
    status = Transfer.Status.FAILED if over else Transfer.Status.WAITING
    wait = timedelta(seconds=FIRST_WAIT * 4 ** (transfer.attempt - 1))
    later: dict[str, Any] = {} if over else {"next_at": Now() + wait}
    move(transfer, status, guard={"attempt": claimed.attempt}, lease_until=None, problem=reason, **later)
    if over:
        fail_registration(actor=transfer.version.created_by, version=transfer.version, reason=reason)


def take_back() -> int:
    """What lost workers had is worked on by others; answers how many."""
    lost = Transfer.objects.lost().select_related("version__created_by", "version__model__family__team")
    return sum(_take_back(transfer) for transfer in lost[:100])


def _take_back(transfer: Transfer) -> bool:
    try:
        give_up(claimed=Claimed(transfer, transfer.attempt), reason=GONE, final=False)
    except Conflict:  # it came back in the last moment
        return False
    return True


def _folder(origin: Origin) -> str:
    if origin.source.startswith("runs:/"):
        return origin.source.removeprefix("runs:/").partition("/")[2]
    return "" if origin.source.startswith("models:/") else origin.source
