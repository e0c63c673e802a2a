"""The error family in MLflow's accent: `{"error_code", "message"}`.

The client tries 408, 429 and every 5xx again for minutes and swallows the sentence, so a user's error is none of them.
"""

from __future__ import annotations

import structlog
from django.db import InterfaceError, OperationalError
from django.http import JsonResponse

from apps.core.errors import Conflict, Denied, Exists, Invalid, Missing, PortalError, Unavailable
from apps.core.web import DATABASE_AWAY, RETRY_AFTER_SECONDS

log = structlog.get_logger(__name__)

ACCENTS: dict[type[PortalError], tuple[int, str]] = {
    Invalid: (400, "INVALID_PARAMETER_VALUE"),
    Denied: (403, "PERMISSION_DENIED"),
    Missing: (404, "RESOURCE_DOES_NOT_EXIST"),
    Exists: (400, "RESOURCE_ALREADY_EXISTS"),
    Conflict: (409, "RESOURCE_CONFLICT"),
    Unavailable: (503, "TEMPORARILY_UNAVAILABLE"),
}


class Spoken(PortalError):
    """An error that only the protocol knows, with its own code."""

    def __init__(self, status: int, error_code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error_code = status, error_code


def not_signed_in(message: str) -> Spoken:
    return Spoken(401, "UNAUTHENTICATED", message)


def no_such_endpoint(method: str, path: str) -> Spoken:
    return Spoken(
        404,
        "ENDPOINT_NOT_FOUND",
        f"The portal does not serve {method} {path[:200]}: it speaks MLflow's tracking, registry, webhooks and "
        "artifacts. Traces, gateway, evaluation and GraphQL need a server of MLflow's own.",
    )


def explain(error: Exception) -> JsonResponse:
    """Every exception as an answer; one that is nobody's error is logged and is ours."""
    if isinstance(error, OperationalError | InterfaceError):
        error = Unavailable(DATABASE_AWAY)
    if not isinstance(error, PortalError):
        log.exception("mlflow.broke", error=type(error).__name__)
        error = Spoken(500, "INTERNAL_ERROR", "Something broke here; it is logged. Tell the platform team.")
    status, code = _accent(error)
    response = JsonResponse({"error_code": code, "message": error.message}, status=status)
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="mlflow"'
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _accent(error: PortalError) -> tuple[int, str]:
    if isinstance(error, Spoken):
        return error.status, error.error_code
    return next(accent for kind, accent in ACCENTS.items() if isinstance(error, kind))
