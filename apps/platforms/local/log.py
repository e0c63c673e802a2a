"""What a run prints, held within its limit while a script may print without end."""

import codecs
import math
import re

PROGRESS = re.compile(rb"^PORTAL_PROGRESS +(\S+) *(.{0,200})", re.MULTILINE)
WORD = b"PORTAL_PROGRESS"
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
BEGUN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200}\x1b?)?\Z")
"""What a terminal takes as colours and titles, and one of them of which the end is still to come."""
OVERWRITTEN = re.compile(r"[^\r\n]*\r+(?=[^\r\n])")  # of a line that is drawn anew again and again, the last is kept
LINE = 4096  # no progress line is longer; bounds what is kept of an unfinished line


class Log:
    """Keeps the end of the log, hands out what is new piece by piece, and reads the progress lines."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self.fraction: float | None = None
        self.message = ""
        self._told = 0  # bytes of the total that were handed out, or left out
        self._tail = bytearray()
        self._fresh = bytearray()
        self._line = b""
        self._begun = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        for kept in (self._fresh, self._tail):
            kept += chunk
            if len(kept) > 2 * self.limit:  # not at every chunk: moving the bytes costs
                del kept[: -self.limit or None]
        self._read_progress(chunk)

    def news(self) -> str:
        """The text since the last call; of more than `limit` bytes the end, saying how much is left out."""
        new, self._told = self.total - self._told, self.total
        fresh, self._fresh = bytes(self._fresh[-self.limit or self.total :]), bytearray()
        note = ""
        if new > len(fresh):
            fresh = fresh.partition(b"\n")[2] or fresh
            note = f"\n[{new - len(fresh):,} bytes are left out here]\n"
            self._begun = ""
            self._decoder.reset()
        text = self._begun + self._decoder.decode(fresh)
        begun = BEGUN.search(text)
        self._begun = begun[0] if begun else ""
        return note + _storable(text.removesuffix(self._begun))

    def tail(self) -> str:
        """The end of the log, at most `limit` bytes of UTF-8, saying so when the beginning is left out."""
        if self.total <= self.limit:
            return _within(bytes(self._tail), self.limit)
        note = f"[the log may have {self.limit:,} bytes and has {self.total:,}: this is its end]\n"
        kept = _within(bytes(self._tail), max(self.limit - len(note), 0))
        return (note + kept)[: self.limit]

    def _read_progress(self, chunk: bytes) -> None:
        lines, newline, rest = (self._line + chunk).rpartition(b"\n")
        self._line = rest[:LINE]
        if WORD not in lines:
            return
        for found in PROGRESS.finditer(lines + newline):
            self._note(found[1], found[2])

    def _note(self, fraction: bytes, message: bytes) -> None:
        try:
            value = float(fraction)
        except ValueError:
            return
        if math.isfinite(value):
            self.fraction = min(max(value, 0.0), 1.0)
            self.message = _storable(message.decode("utf-8", "replace")).strip()


def _within(raw: bytes, limit: int) -> str:
    """The end of the bytes as text; what is not UTF-8 grows when replaced, so the cut comes last."""
    text = _storable(raw[-limit or len(raw) :].decode("utf-8", "replace"))
    return text.encode()[-limit or len(text) * 4 :].decode("utf-8", "ignore")


def _storable(text: str) -> str:
    """Without colours and other words for terminals; PostgreSQL has no NUL in text."""
    return OVERWRITTEN.sub("", ESCAPE.sub("", text)).replace("\0", "\N{REPLACEMENT CHARACTER}")
