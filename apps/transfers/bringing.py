"""Copies a version's files from an MLflow server: asks, downloads, digests, seals. Outside of any transaction."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction

from apps.artifacts.actions import add_files, create_tree
from apps.artifacts.paths import check_path
from apps.core.errors import Conflict, PortalError, Unavailable
from apps.platforms.calling import Unknown
from apps.platforms.mlflow import Found, MlflowServer, RemoteFile
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.queries import connections, mlflow_server
from apps.registry.actions import finish_registration
from apps.transfers import actions
from apps.transfers.models import Transfer

if TYPE_CHECKING:
    from apps.platforms.models import Connection

log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """Another worker has taken over."""


def bring_next() -> bool:
    """Brings the files of one version; True if there was one."""
    claimed = actions.claim_transfer()
    if claimed is None:
        return False
    try:
        _bring(claimed)
    except (LeaseLost, Conflict) as error:
        log.warning("transfers.claim_lost", transfer=claimed.transfer.pk, error=str(error))
    except (Unreachable, Unavailable) as error:
        actions.give_up(claimed=claimed, reason=str(error), final=False)
    except (Refused, PortalError) as error:
        actions.give_up(claimed=claimed, reason=str(error), final=True)
    return True


def _bring(claimed: actions.Claimed) -> None:
    transfer = claimed.transfer
    connection, found = _find(transfer)
    server = mlflow_server(connection)
    files = server.files(_place(transfer, found))
    if not files:
        raise Refused(f"{server.address} has no files there: was the model logged completely?")
    folder = Path(tempfile.mkdtemp(prefix="transfer-", dir=_scratch()))
    try:
        local = {file.path: _download(claimed, server, file, folder, number) for number, file in enumerate(files)}
        tree = create_tree()
        add_files(tree=tree, files=local)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with transaction.atomic():
        actions.finish(claimed=claimed, connection=connection)
        version = transfer.version
        reported: dict[str, Any] = {
            "params": dict(found.params),
            "metrics": list(found.metrics),
            "run_ref": found.run_id,
        }
        finish_registration(actor=version.created_by, version=version, tree=tree, **reported)


def _find(transfer: Transfer) -> tuple[Connection, Found]:
    """The connection whose server knows it. Raises Refused when none does."""
    asked = [transfer.connection] if transfer.connection else list(connections("mlflow"))
    for connection in asked:
        server = mlflow_server(connection)
        try:
            known = server.logged_model(transfer.logged_model) if transfer.logged_model else server.run(transfer.run)
        except Unknown:
            continue
        return connection, known
    what = transfer.logged_model or f"run {transfer.run}"
    raise Refused(f"None of the connected MLflow servers ({', '.join(map(str, asked))}) knows {what}.")


def _place(transfer: Transfer, found: Found) -> str:
    """The artifact URI of what is wanted: of the logged model, of the run's folder, or as it was named."""
    if transfer.logged_model or not transfer.folder:
        return found.artifact_uri
    if ":" not in transfer.folder:
        return f"{found.artifact_uri.rstrip('/')}/{check_path(transfer.folder)}"
    root, below = found.artifact_uri.rstrip("/"), transfer.folder.rstrip("/")
    if below != root and not below.startswith(f"{root}/"):
        raise Refused(f"{transfer.folder} is not below the files of run {transfer.run}, {root}.")
    return f"{root}/{check_path(below.removeprefix(f'{root}/'))}" if below != root else root


def _download(claimed: actions.Claimed, server: MlflowServer, file: RemoteFile, folder: Path, number: int) -> Path:
    check_path(file.path)
    local = folder / str(number)
    with local.open("wb") as to:
        server.download(file, to)
    if file.size and local.stat().st_size != file.size:
        raise Unreachable(f"{file.path} broke off: {local.stat().st_size} of {file.size} bytes arrived.")
    if not actions.renew(claimed=claimed):
        raise LeaseLost
    return local


def _scratch() -> Path:
    scratch = Path(settings.VAR_DIR) / "transfers"
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch
