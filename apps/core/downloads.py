"""Stored files at the doors: always a download, never something a browser shows or runs."""

import base64
from pathlib import PurePosixPath
from typing import BinaryIO

from django.http import FileResponse


def attachment(body: BinaryIO, *, path: str, size: int, sha256: str) -> FileResponse:
    """The bytes (`size` of them, `sha256` in hex) under the path's last name; closes `body` when sent."""
    response = FileResponse(
        body, as_attachment=True, filename=PurePosixPath(path).name, content_type="application/octet-stream"
    )
    response["Content-Length"] = str(size)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"
    return response
