"""Models that a client logged to the company's own MLflow server: the pointer it sends is resolved by a worker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apps.core.errors import Missing
from apps.registry.actions import Origin
from apps.tracking import queries as tracking
from apps.transfers.queries import may_lie_elsewhere

if TYPE_CHECKING:
    from apps.mlflow_protocol.endpoints import Call

LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})")
OF_RUN = re.compile(r"(?:runs:/|mlflow-artifacts:/(?!/)).*", re.DOTALL)
RUN_ID = re.compile(r"[0-9a-f]{32}")


def origin_elsewhere(call: Call) -> Origin | None:
    """What the call names, if it is unknown here and a server is connected that may know it; asks no server yet."""
    source, run_id, model_id = call["source"], call["run_id"] or "", call["model_id"] or ""
    logged = LOGGED.fullmatch(source)
    if logged and logged[1] == model_id and not _is_logged_here(call, model_id):
        return Origin(source, run_ref=run_id, logged_model=model_id) if may_lie_elsewhere() else None
    of_run = OF_RUN.fullmatch(source) and RUN_ID.fullmatch(run_id) and run_id in source and not model_id
    if of_run and not _is_run_here(call, run_id):
        return Origin(source, run_ref=run_id) if may_lie_elsewhere() else None
    return None


def _is_logged_here(call: Call, model_id: str) -> bool:
    try:
        return bool(tracking.logged_model(actor=call.actor, pk=model_id))
    except Missing:
        return False


def _is_run_here(call: Call, run_id: str) -> bool:
    try:
        return bool(tracking.run(actor=call.actor, run_id=run_id))
    except Missing:
        return False
