"""Logs of a DAG run: of each try of each task only what is new, told as one text."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.platforms.airflow.client import AirflowServer, part
from apps.platforms.base import LogChunk
from apps.platforms.calling import Unknown

ENDED = "-"  # in a cursor: of this try everything was read
MOST_TRIES = 20
LONGEST_WORDS = 300
HEADED = "last"  # in a cursor: under whose heading the text stands


def news(server: AirflowServer, run: str, tasks: Sequence[Mapping[str, Any]], cursor: str) -> LogChunk:
    """What is new since the cursor, in the order in which the tasks began."""
    known: dict[str, str] = _read(cursor)
    said = ""
    for task in tasks:
        for number in _tries(task):
            said += _try(server, run, task, number, known)
    return LogChunk(said, json.dumps(known))


def error_of(server: AirflowServer, run: str, task: Mapping[str, Any]) -> str:
    """The error that ended the last try of a task, such as `ValueError: too few rows`; empty where none is told."""
    answer = server.get(_path(run, task, int(task.get("try_number") or 1)), **_asked(task, full=True))
    content = answer.get("content")
    if isinstance(content, str):
        lines = [line for line in _plain(content).splitlines() if "Error" in line]
        return lines[-1].rpartition(" - ")[2].strip()[:LONGEST_WORDS] if lines else ""
    details = [one["error_detail"] for one in _lines(content) if isinstance(one.get("error_detail"), list)]
    last = details[-1][-1] if details and details[-1] else {}
    return f"{last['exc_type']}: {last.get('exc_value', '')}"[:LONGEST_WORDS] if last.get("exc_type") else ""


def _try(server: AirflowServer, run: str, task: Mapping[str, Any], number: int, known: dict[str, str]) -> str:
    name = f"{task.get('task_id')}{_index(task)} try {number}"
    if known.get(name) == ENDED:
        return ""
    asked = _asked(task) | ({"token": known[name]} if known.get(name) else {})
    try:
        answer = server.get(_path(run, task, number), **asked)
    except Unknown:  # it has not begun
        return ""
    content, token = answer.get("content"), answer.get("continuation_token")
    over = number < int(task.get("try_number") or 1) or task.get("end_date") is not None
    if over and isinstance(content, str):
        token = None  # Airflow 2 tells all that there is, and has a token even at the end
    known[name] = str(token) if token else (ENDED if over else "")
    if not token and not over:
        return ""  # without a token the next answer begins at the top again
    text = _text(content)
    return _headed(name, text, known) if text else ""


def _headed(name: str, text: str, known: dict[str, str]) -> str:
    heading = "" if known.get(HEADED) == name else f"── {name} ──\n"
    known[HEADED] = name
    return heading + text


def _tries(task: Mapping[str, Any]) -> range:
    """Those that have begun; a task that only waits has none."""
    begun = int(task.get("try_number") or 0) if task.get("start_date") else 0
    return range(max(1, begun - MOST_TRIES + 1), begun + 1)


def _path(run: str, task: Mapping[str, Any], number: int) -> str:
    return f"{run}/taskInstances/{part(str(task['task_id']))}/logs/{number}"


def _asked(task: Mapping[str, Any], *, full: bool = False) -> dict[str, Any]:
    return {"full_content": "true" if full else "false", "map_index": task.get("map_index", -1)}


def _index(task: Mapping[str, Any]) -> str:
    index = task.get("map_index", -1)
    return f"[{index}]" if isinstance(index, int) and index >= 0 else ""


def _text(content: Any) -> str:
    if isinstance(content, str):
        return _plain(content)
    return "".join(f"{line}\n" for one in _lines(content) for line in _told(one))


def _told(line: Mapping[str, Any]) -> Iterator[str]:
    """A line without the marks that fold lines away, and the error that it carries."""
    event = str(line.get("event", "")).rstrip("\n")
    if not event.startswith(("::group::", "::endgroup::")):
        yield event
    for error in line.get("error_detail") or ():
        if isinstance(error, dict):
            yield f"{error.get('exc_type', '')}: {error.get('exc_value', '')}"


def _lines(content: Any) -> list[dict[str, Any]]:
    return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []


def _plain(content: str) -> str:
    """Airflow 2 answers `[('host', 'text')]`, as Python would write it."""
    try:
        read = ast.literal_eval(content)
        return "".join(str(text) for _, text in read)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return content


def _read(cursor: str) -> dict[str, str]:
    try:
        found = json.loads(cursor) if cursor else {}
    except ValueError:
        return {}
    return {str(name): str(token) for name, token in found.items()} if isinstance(found, dict) else {}
