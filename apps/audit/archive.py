"""The audit as files that are read without the portal: JSON lines, each file naming the digest of the one before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.serializers.json import DjangoJSONEncoder

from apps.audit.models import AuditEvent
from apps.audit.queries import outbox
from apps.core.errors import Conflict, Missing

EVENTS_IN_A_FILE = 50_000
FIELDS = [field.attname for field in AuditEvent._meta.concrete_fields]
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Part:
    """A file of the archive; beside it lies `<name>.sha256`, as `sha256sum --check` reads it."""

    path: Path
    sha256: str
    events: int
    last: int  # id of its last event


def archive(folder: Path, *, size: int = EVENTS_IN_A_FILE) -> Iterator[Part]:
    """Writes what is not yet in the folder, file by file, each of them whole or not at all; the database keeps it all.

    Raises Conflict where what lies there has been changed, and Missing where it is of another database.
    """
    parts = verified(folder)
    while events := outbox(after=_cursor(parts), limit=size):
        parts.append(_write(folder, parts, events))
        yield parts[-1]


def verified(folder: Path) -> list[Part]:
    """The files in their order. Raises Conflict for one that was changed, or one that is not there any more."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    parts: list[Part] = []
    for path in sorted(folder.glob("audit-*.jsonl")):
        parts.append(_read(path, parts))
    return parts


def _read(path: Path, before: Sequence[Part]) -> Part:
    content = path.read_bytes()
    head, *events = content.splitlines()
    found = hashlib.sha256(content).hexdigest()
    if _said(path) != found or json.loads(head)["previous"] != _digest(before):
        raise Conflict(f"{path.name} is not what was archived: it, or the file before it, was changed or removed.")
    return Part(path, found, len(events), json.loads(events[-1])["id"])


def _said(path: Path) -> str:
    sidecar = path.with_name(f"{path.name}.sha256")
    return sidecar.read_text().split()[0] if sidecar.exists() else ""


def _digest(parts: Sequence[Part]) -> str:
    return parts[-1].sha256 if parts else ""


def _cursor(parts: Sequence[Part]) -> tuple[int, int]:
    """Behind the last archived event, as the database counts transactions now: a restored one counts them anew."""
    if not parts:
        return 0, 0
    last = AuditEvent.objects.filter(pk=parts[-1].last).values_list("transaction", flat=True).first()
    if last is None:
        raise Missing(
            f"Event {parts[-1].last}, the last one archived there, is not in this database: use a new folder."
        )
    return last, parts[-1].last


def _write(folder: Path, parts: Sequence[Part], events: Sequence[AuditEvent]) -> Part:
    path = folder / f"audit-{len(parts) + 1:06}.jsonl"
    lines = [{"previous": _digest(parts), "events": len(events)}, *map(_line, events)]
    content = "".join(f"{json.dumps(line, cls=DjangoJSONEncoder)}\n" for line in lines).encode()
    digest = hashlib.sha256(content).hexdigest()
    # The digest first: a file without one counts as changed, a digest without a file is written again.
    _whole(path.with_name(f"{path.name}.sha256"), f"{digest}  {path.name}\n".encode())
    _whole(path, content)
    return Part(path, digest, len(events), events[-1].pk)


def _line(event: AuditEvent) -> dict[str, object]:
    return {name: getattr(event, name) for name in FIELDS} | {"sentence": str(event)}


def _whole(path: Path, content: bytes) -> None:
    """Appears by rename, durable before it has its name."""
    unfinished = path.with_suffix(f".{UNFINISHED}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
