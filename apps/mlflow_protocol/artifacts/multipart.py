"""Files sent in parts, as MLflow's client sends those of 500 MB and more: a broken line then costs one part.

Nothing is remembered between the calls but the parts: the upload's id says, signed, whose it is and for which file; the
address of the parts lets whoever was given it send parts, and nothing else, as a store's presigned address would.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import uuid4

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from apps.artifacts.actions import drop_parts, put_part
from apps.artifacts.queries import open_parts
from apps.core.errors import Denied, Invalid, Missing
from apps.mlflow_protocol.artifacts.bodies import Incoming, body_of
from apps.mlflow_protocol.artifacts.places import Place, place_of
from apps.mlflow_protocol.endpoints import Body, Call, Endpoint
from apps.mlflow_protocol.errors import explain, no_such_endpoint
from apps.mlflow_protocol.fields import integer, rows, text

VALID_SECONDS = 24 * 3600
MOST_PARTS = 10_000
SHA256 = re.compile(r"[0-9a-f]{64}")
UPLOAD, PARTS = "a file in parts", "parts of a file"


@dataclass(frozen=True)
class Upload:
    """The parts of one file: under which name they are kept, who sends them, and where the file shall lie."""

    name: str
    user: int
    address: str


def create(call: Call) -> Body:
    """An upload for whoever may write there, with an address for each part."""
    wanted = call["num_parts"]
    if not 1 <= wanted <= MOST_PARTS:
        raise Invalid(f"A file is sent in 1 to {MOST_PARTS} parts; send larger ones.", field="num_parts")
    _place(call).check()
    upload = Upload(uuid4().hex, call.actor.pk, _address(call))
    url = call.home + reverse("mlflow:part", args=[signing.dumps(upload.name, salt=PARTS)])
    credentials = [{"url": url, "part_number": number, "headers": {}} for number in range(1, wanted + 1)]
    return {"upload_id": signing.dumps(list(vars(upload).values()), salt=UPLOAD), "credentials": credentials}


@login_not_required
@csrf_exempt
def part(request: HttpRequest, ticket: str) -> HttpResponse:
    """One part; its ETag is the sha256 that the client names it by. 403 for an address that `create` did not give."""
    try:
        upload = _signed(ticket, salt=PARTS)
        if request.method != "PUT":
            raise no_such_endpoint(request.method or "", request.path)
        return HttpResponse(headers={"ETag": f'"{put_part(upload=str(upload), source=body_of(request))}"'})
    except Exception as error:
        return explain(error)


def complete(call: Call) -> Body:
    """The file appears, whole; its parts go."""
    upload, place = _upload(call), _place(call)
    parts = [_digest(one["etag"]) for one in sorted(call["parts"], key=lambda one: one["part_number"])]
    source = Incoming(open_parts(upload=upload.name, parts=parts), None)
    place.put(place.path, cast(BinaryIO, source))
    drop_parts(upload=upload.name)
    return {}


def abort(call: Call) -> Body:
    drop_parts(upload=_upload(call).name)
    return {}


def _upload(call: Call) -> Upload:
    """Raises Missing for somebody else's, and for another file's."""
    upload = Upload(*_signed(call["upload_id"], salt=UPLOAD))
    if upload.user != call.actor.pk or upload.address != _address(call):
        raise Missing("There is no such upload of yours for this file.")
    return upload


def _signed(ticket: str, *, salt: str) -> list[object] | str:
    try:
        return signing.loads(ticket, salt=salt, max_age=VALID_SECONDS)  # type: ignore[no-any-return]
    except signing.BadSignature as error:
        raise Denied("This upload is unknown or older than a day; begin it again.") from error


def _place(call: Call) -> Place:
    return place_of(call, _address(call))


def _address(call: Call) -> str:
    """Clients send the whole path of their own file; its last part is the name."""
    return f"{call.places['folder'].strip('/')}/{call['path'].rpartition('/')[2]}"


def _digest(etag: str) -> str:
    found = SHA256.fullmatch(etag.strip('"'))
    if found is None:
        raise Invalid("An etag is what the answer to its part said.", field="parts")
    return found[0]


FILE = text("path", required=True)
PART = (integer("part_number", required=True), text("etag", required=True), text("url"))
SENT = rows("parts", *PART, required=True)
ENDPOINTS = tuple(
    Endpoint("POST", f"mlflow-artifacts/mpu/{step}/{{folder*}}", answer, fields, in_run=True)
    for step, answer, fields in (
        ("create", create, (FILE, integer("num_parts", required=True))),
        ("complete", complete, (FILE, text("upload_id", required=True), SENT)),
        ("abort", abort, (FILE, text("upload_id", required=True))),
    )
)
