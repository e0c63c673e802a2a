"""The door of MLflow's clients: credential → endpoint → fields → function → JSON."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from structlog.contextvars import bound_contextvars

from apps.accounts.credentials import Holder, holder_of
from apps.core.context import Door, current, present, through
from apps.core.errors import Denied, Invalid
from apps.core.permissions import READ_SCOPE
from apps.mlflow_protocol.endpoints import Call, Endpoint
from apps.mlflow_protocol.errors import explain, no_such_endpoint, not_signed_in
from apps.mlflow_protocol.fields import Field, parse
from apps.mlflow_protocol.server import VERSION
from apps.mlflow_protocol.table import find

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS = re.compile(r"/(?:ajax-)?api/([23]\.0)/(.*)", re.DOTALL)
HOW_TO_SIGN_IN = (
    "Set MLFLOW_TRACKING_TOKEN to a token of your profile page, or MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD with the token as the password."
)


class ShortWay:
    """Clients with a token need neither session, CSRF, messages nor CSP: their calls turn off before those."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not ADDRESS.fullmatch(request.path_info):
            return self.get_response(request)
        with bound_contextvars(request_id=str(uuid4())):  # the way of the others, which names them, is not theirs
            return protocol(request)


@login_not_required
@csrf_exempt
def protocol(request: HttpRequest, **places: str) -> HttpResponseBase:
    """Any call below `/api/2.0/`, `/api/3.0/` and the same below `/ajax-api/`; never an answer that is not JSON."""
    with through(Door.MLFLOW):
        try:
            return _answer(request)
        except Exception as error:
            return explain(error)


@login_not_required
def version(request: HttpRequest) -> HttpResponse:
    """The version of MLflow whose protocol is spoken."""
    return HttpResponse(VERSION, content_type="text/plain")


@login_not_required
def health(request: HttpRequest) -> HttpResponse:
    """200 while the web process lives, in MLflow's word."""
    return HttpResponse("OK", content_type="text/plain")


def _answer(request: HttpRequest) -> HttpResponseBase:
    _check_host(request)
    holder = _holder(request)
    address = ADDRESS.fullmatch(request.path_info)
    found = find(address[1], request.method or "", address[2]) if address else None
    if found is None:
        raise no_such_endpoint(request.method or "", request.path_info)
    endpoint, places = found
    present(holder.credential)
    _check_scope(endpoint)
    answered = endpoint.answer(Call(holder.user, _fields(endpoint, request, places), places, request))
    return answered if isinstance(answered, HttpResponseBase) else JsonResponse(answered)


def _check_host(request: HttpRequest) -> None:
    """A name that is not the portal's would come back in the addresses of files."""
    try:
        request.get_host()
    except DisallowedHost as error:
        raise Invalid("The portal is not known by that host name; ask the platform team to allow it.") from error


def _holder(request: HttpRequest) -> Holder:
    """Raises 401 with how to sign in."""
    secret = _secret(request.META.get("HTTP_AUTHORIZATION", ""))
    holder = holder_of(secret) if secret else None
    if holder is None:
        said = "The token is wrong, expired or revoked." if secret else "This needs a token."
        raise not_signed_in(f"{said} {HOW_TO_SIGN_IN}")
    return holder


def _secret(header: str) -> str:
    """The token of `Bearer <token>` or `Basic <anyone:token>`; empty where there is none."""
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _check_scope(endpoint: Endpoint) -> None:
    """Actions ask for the scopes of writing themselves."""
    credential = current().credential
    if credential is None:
        return
    if credential.run and not endpoint.in_run:
        raise Denied("This token can do only the work of its own run.")
    if endpoint.reads and not credential.run and not credential.allows(READ_SCOPE):
        raise Denied("This token may not read: make one with the scope 'read' on your profile page.")


def _fields(endpoint: Endpoint, request: HttpRequest, places: Mapping[str, str]) -> dict[str, Any]:
    if not endpoint.fields:
        return {}
    in_query = endpoint.raw or request.method == "GET"
    sent = _query(endpoint.fields, request) if in_query else _json(request)
    return parse(endpoint.fields, {**sent, **places})


def _query(fields: Sequence[Field], request: HttpRequest) -> dict[str, Any]:
    repeated = {name for field in fields if field.repeated for name in (field.name, field.camel)}
    return {name: request.GET.getlist(name) if name in repeated else request.GET[name] for name in request.GET}


def _json(request: HttpRequest) -> dict[str, Any]:
    """The body's object; what is no JSON counts as an empty one, so that a missing field is named."""
    if request.method in ("POST", "PUT") and request.content_type != "application/json":
        raise Invalid("Bad Request. Content-Type must be one of ['application/json'].")
    try:
        sent = json.loads(_body(request))
        sent = json.loads(sent) if isinstance(sent, str) else sent  # old clients encode twice
    except (ValueError, RecursionError):
        return {}
    return sent if isinstance(sent, dict) else {}


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig as error:
        raise Invalid("The request's body has more than 1 MB; send it in several calls.") from error
    except UnreadablePostError as error:
        raise Invalid("The request broke off before its end; send it again.") from error
