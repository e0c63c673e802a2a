"""The bytes of an object as a file that is read once, or from somewhere in its middle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from apps.platforms.outgoing import Unreachable
from apps.platforms.s3.place import Place
from apps.platforms.s3.refusals import in_words

Again = Callable[[int], Any]


class Body:
    """Reads what comes; a connection that ends too early raises Unreachable and is never taken for the end."""

    def __init__(self, stream: Any, size: int, place: Place, again: Again) -> None:
        self._stream, self.size, self._place, self._again, self._at = stream, size, place, again, 0

    def read(self, size: int = -1) -> bytes:
        with in_words(self._place):
            chunk = self._stream.read(None if size < 0 else size)
        self._at += len(chunk)
        if size and self._at < self.size and (size < 0 or not chunk):
            raise Unreachable(f"The connection broke off after {self._at} of {self.size} bytes.")
        return cast(bytes, chunk)

    def seek(self, offset: int) -> int:
        if offset != self._at:
            self._stream.close()
            self._stream, self._at = self._again(offset), offset
        return offset

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *how: object) -> None:
        self.close()
