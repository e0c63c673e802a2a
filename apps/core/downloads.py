"""Stored files at the doors: always a download, never something a browser shows or runs."""

import base64
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

CHUNK_BYTES = 1_048_576
TEXTS = frozenset(
    {"", "txt", "log", "err", "cfg", "conf", "cnf", "ini", "properties", "yaml", "yml", "json", "md", "rst", "py", "js"}
    | {"html", "htm", "css", "csv", "tsv", "sql", "sh", "toml", "xml", "svg", "svelte", "mlmodel", "mlproject"}
)
"""Endings of what is text; markup is text too, so that no browser takes it for a page."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def attachment(body: BinaryIO, *, path: str, size: int, sha256: str) -> FileResponse:
    """The bytes (`size` of them, `sha256` in hex) under the path's last name; closes `body` when sent."""
    response = FileResponse(
        body, as_attachment=True, filename=PurePosixPath(path).name, content_type="application/octet-stream"
    )
    response.block_size = CHUNK_BYTES
    response["Content-Length"] = str(size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    return response


def ranged(body: BinaryIO, *, path: str, size: int, sha256: str, wanted: str) -> HttpResponseBase:
    """The same attachment, or the one range of bytes that the header `wanted` asks for."""
    whole = attachment(body, path=path, size=size, sha256=sha256)
    whole["Content-Type"] = content_type(path)
    whole["Accept-Ranges"] = "bytes"
    span = _span(wanted, size)
    if span is None:
        return whole
    if span.start >= size:
        whole.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    part = StreamingHttpResponse(_part(whole, body, span), status=206, headers=dict(whole.items()))
    part["Content-Length"] = str(len(span))
    part["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    del part["Repr-Digest"]
    return part


def elsewhere(address: str) -> HttpResponse:
    """For a while this one file is to be had there; nobody else may keep or pass on the way."""
    response = HttpResponse(status=302, headers={"Location": address, "Cache-Control": "no-store, private"})
    response["Referrer-Policy"] = "no-referrer"
    return response


def content_type(path: str) -> str:
    """Text, or bytes: whatever it is, it is only saved."""
    name = PurePosixPath(path).name.lower()
    ending = name.rpartition(".")[2] if "." in name else name if name in TEXTS else "bytes"
    return "text/plain" if ending in TEXTS else "application/octet-stream"


def _span(wanted: str, size: int) -> range | None:
    """`bytes=2-5`, `bytes=2-` or `bytes=-5`; None for no range or one that is not understood."""
    found = RANGE.fullmatch(wanted.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        return range(max(0, size - int(found[2])), size)
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    return range(int(found[1]), last + 1) if last >= int(found[1]) or int(found[1]) >= size else None


def _part(whole: FileResponse, body: BinaryIO, span: range) -> Iterator[bytes]:
    try:
        body.seek(span.start)
        left = len(span)
        while left and (chunk := body.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
    finally:
        whole.close()


def text_download(text: str, *, name: str, kind: str) -> HttpResponse:
    """Text of a media type such as text/csv under that name."""
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
