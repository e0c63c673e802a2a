"""What every API door shares: pages, errors, and the filter of what a token may read."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.context import current
from apps.core.errors import PortalError, Unavailable
from apps.core.permissions import READ_SCOPE
from apps.core.web import DATABASE_AWAY, RETRY_AFTER_SECONDS, error_body

if TYPE_CHECKING:  # rest_framework.views reads the settings that name this module
    from rest_framework.views import APIView


class Pages(PageNumberPagination):
    """`{count, next, previous, results}`; `page_size` up to 500."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class MayRead(IsAuthenticated):
    """Signed in; a token needs the scope `read` for safe methods (actions ask for the others)."""

    message = "This token may not read: make one with the scope 'read' on your profile page."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        credential = current().credential
        unread = request.method in ("GET", "HEAD", "OPTIONS") and credential and not credential.allows(READ_SCOPE)
        return super().has_permission(request, view) and not unread


def _set_rollback() -> None:
    from rest_framework.views import set_rollback

    set_rollback()


def explain(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every refusal is `{"code", "message", …}` with a sentence."""
    if isinstance(error, OperationalError | InterfaceError):
        error = Unavailable(DATABASE_AWAY)
    if isinstance(error, PortalError):
        _set_rollback()
        retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, Unavailable) else {}
        return Response(error_body(error), status=error.status, headers=retry)
    return _explain_framework(error)


def _explain_framework(error: Exception) -> Response | None:
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is nothing at this address, or you may not see it.")
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.UnsupportedMediaType):
        error.detail = exceptions.ErrorDetail("Send JSON, with the header Content-Type: application/json.")
    if isinstance(error, exceptions.Throttled):
        error.detail = exceptions.ErrorDetail(_too_often(getattr(error, "wait", None) or 1.0))
    if not isinstance(error, exceptions.APIException):
        return None
    _set_rollback()
    return Response(_body(error), status=error.status_code, headers=_headers(error))


def _too_often(seconds: float) -> str:
    return (
        f"The API takes {settings.API_CALLS_PER_MINUTE} calls a minute of each token. Go on in {seconds:.0f} seconds, "
        "and ask for many things in one call where that is possible."
    )


def _headers(error: exceptions.APIException) -> dict[str, str]:
    challenge = getattr(error, "auth_header", None)
    headers = {"WWW-Authenticate": str(challenge)} if challenge else {}
    if wait := getattr(error, "wait", None):  # of a throttled caller, in seconds
        headers["Retry-After"] = str(int(wait))
    return headers


def _body(error: exceptions.APIException) -> dict[str, object]:
    codes = {400: "invalid", 401: "unauthenticated", 403: "denied", 404: "missing"}
    code = codes.get(error.status_code, str(getattr(error, "default_code", "error")))
    if isinstance(error.detail, dict):
        errors = {name: _sentence(detail) for name, detail in error.detail.items()}
        return {"code": code, "message": "Some fields need another value.", "errors": errors}
    return {"code": code, "message": _sentence(error.detail)}


def _sentence(detail: Any) -> str:
    if isinstance(detail, dict):
        return " ".join(f"{name}: {_sentence(part)}" for name, part in detail.items())
    if isinstance(detail, list):
        return " ".join(_sentence(part) for part in detail)
    return str(detail)
