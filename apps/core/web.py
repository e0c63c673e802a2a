"""What every page shares: the door's context, error pages, health."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.context import Door, through
from apps.core.errors import PortalError, Unavailable

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

Respond = Callable[[HttpRequest], HttpResponse]
RETRY_AFTER_SECONDS = 5
DATABASE_AWAY = "The database is away for a moment. Nothing is lost; try again in a few seconds."


class PageRequest(HttpRequest):
    """A request as the middleware of django_htmx hands it on."""

    htmx: "HtmxDetails"


class ErrorPages:
    """Opens the web door, and turns the error family into pages."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with through(Door.API if is_api(request) else Door.WEB):
            if "\0" in request.path:  # PostgreSQL has no such text, so nothing can have that name
                return page_missing(request, Http404())
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return error_response(request, error) if isinstance(error, PortalError) else None


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def error_response(request: HttpRequest, error: PortalError) -> HttpResponse:
    """The error as JSON for the API, as a page for people, as a toast for a fragment."""
    response = _accent(request, error)
    if isinstance(error, Unavailable):
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _accent(request: HttpRequest, error: PortalError) -> HttpResponse:
    if is_api(request):
        return JsonResponse(error_body(error), status=error.status)
    if error.status >= 500:  # the page around it would ask the database again
        return HttpResponse(render_to_string("core/unavailable.html", {"error": error}), status=error.status)
    template = "core/_toast.html" if getattr(request, "htmx", False) else "core/error.html"
    response = render(request, template, {"error": error}, status=error.status)
    if getattr(request, "htmx", False):
        response["HX-Retarget"], response["HX-Reswap"] = "#toasts", "beforeend"
    return response


def error_body(error: PortalError) -> dict[str, object]:
    """The API's error body: `code`, `message`, and where there are any `field` and `errors` by field."""
    body: dict[str, object] = {"code": error.code, "message": _sentence(error.message)}
    if error.field:
        body["field"] = error.field
    if getattr(error, "errors", None):
        body["errors"] = error.errors  # type: ignore[attr-defined]
    return body


def _sentence(message: str) -> str:
    """What MLflow's clients expect word by word ends without a full stop."""
    return message if message.endswith((".", "!", "?", ")")) else f"{message}."


class _Plain(PortalError):
    """An answer that Django itself decided on, in our accent."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, _Plain(400, "invalid", "That request can not be read. Go back and send it again."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, _Plain(403, "denied", "You may not see or do this. Ask the team that owns it."))


def page_missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    message = "There is nothing at this address, or you may not see it. Check the address, or go back."
    return error_response(request, _Plain(404, "missing", message))


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF failure: mostly a page that stayed open over a new sign-in."""
    message = "This form is from an older session. Go back, reload the page and send it again."
    return error_response(request, _Plain(403, "denied", message))


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while the database is away, wherever it was missed (middleware included); 500 for a fault of ours."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return error_response(request, Unavailable(DATABASE_AWAY))
    message = "Something broke here; it is logged. Try again, and tell the platform team if it happens twice."
    return error_response(request, _Plain(500, "error", message))


def inside(request: HttpRequest, address: str, otherwise: str = "/") -> str:
    """The address if it is one of ours, for going back to where the reader was."""
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if ours else otherwise


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the web process lives; asks nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")
