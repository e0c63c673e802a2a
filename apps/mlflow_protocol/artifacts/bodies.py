"""A request's body as a stream that knows when it broke off."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.conf import settings
from django.http import HttpRequest

from apps.core.errors import Invalid
from apps.mlflow_protocol.errors import Spoken


class Incoming:
    """Reads at most what was announced and what is allowed. Raises Invalid for less or more than that."""

    def __init__(self, source: BinaryIO, length: int | None) -> None:
        self.origin, self._length, self._read = source, length, 0

    def read(self, size: int) -> bytes:
        left = size if self._length is None else min(size, self._length - self._read)
        chunk = self.origin.read(left) if left else b""
        self._read += len(chunk)
        if self._read > settings.ARTIFACT_BYTES:
            raise too_large()
        if not chunk and self._length is not None and self._read < self._length:
            raise Invalid(f"The upload broke off after {self._read} of {self._length} bytes; nothing was stored.")
        return chunk


def body_of(request: HttpRequest) -> BinaryIO:
    """The raw body, however it is sent; nothing of it is held in memory."""
    announced = request.META.get("CONTENT_LENGTH") or None
    if announced is not None and not (announced.isascii() and announced.isdigit()):
        raise Invalid("Content-Length is no number of bytes.")
    length = int(announced) if announced is not None else None
    if length is None and request.META.get("HTTP_TRANSFER_ENCODING", "").lower() != "chunked":
        length = 0
    if length is not None and length > settings.ARTIFACT_BYTES:
        raise too_large()
    return cast(BinaryIO, Incoming(request.META["wsgi.input"], length))


def too_large() -> Spoken:
    limit = settings.ARTIFACT_BYTES // 1024**3
    return Spoken(413, "INVALID_PARAMETER_VALUE", f"A file may have {limit} GB; ARTIFACT_BYTES is the setting for it.")
