"""From how a process ended and what it left to an Outcome with one sentence for a person."""

import errno
import json
import math
import re
import signal
from collections.abc import Mapping
from pathlib import Path

from apps.platforms.base import End, Outcome, Work
from apps.platforms.local.scratch import Scratch, read_small, size, unfit
from apps.platforms.local.wire import Message

NO_DATA = 3  # the exit status of the contract
SENTENCE = 300  # characters of somebody else's text in a reason
TOO_LARGE = f"[Errno {errno.EFBIG}]"  # what Python says at the limit on a file's size
NUMBERS = 1000  # metrics of one run
LINE = re.compile(r"^\S.*$", re.MULTILINE)
TRACEBACK = "Traceback (most recent call last):"

KILLED = "The process that ran the training was killed from outside; perhaps the machine ran out of memory."
CANCELLED = "It was cancelled."
CLAIM_LOST = "This worker's claim on the run had ended, so it stopped the training; another worker may have taken over."
BAD_METRICS = "Its metrics.json is not a flat object of short printable names and finite numbers."
NO_REASON = f"It ended with exit status {NO_DATA} (no data) but wrote no sentence into reason.txt."


def outcome(work: Work, scratch: Scratch, report: Message | None) -> Outcome:
    """The outcome of a run whose processes are gone and whose folder is sealed; None: they were killed."""
    if report is None or report["cause"] == "lost":
        reason = KILLED if report is None or "status" not in report else CLAIM_LOST
        return _ended(End.LOST, "lost", reason, report)
    if report["cause"] == "cancelled":
        return _ended(End.CANCELLED, "cancelled", CANCELLED, report)
    if report["cause"]:
        return _ended(End.FAILED, report["cause"], report["reason"], report)
    if report["status"] == 0:
        return _succeeded(work, scratch, report)
    return _failed(work, scratch, report)


def _succeeded(work: Work, scratch: Scratch, report: Message) -> Outcome:
    try:
        files, left_out = scratch.files(work.limits.output_bytes)
        _check_metrics(files)
    except ValueError as error:
        return _ended(End.FAILED, "output", str(error), report)
    log = _with_notes(report["log"], left_out, work.limits.log_bytes)
    return Outcome(End.SUCCEEDED, "", "", report["seconds"], files, log)


def _check_metrics(files: Mapping[str, Path]) -> None:
    """Where there are any: whether there have to be is for the caller to say, who also knows what was logged."""
    if "metrics.json" not in files:
        return
    text = read_small(files["metrics.json"])
    if text is None:
        raise ValueError(BAD_METRICS)
    try:
        metrics = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(BAD_METRICS) from None
    if not isinstance(metrics, dict) or len(metrics) > NUMBERS:
        raise ValueError(BAD_METRICS)
    if any(unfit(name) for name in metrics) or not all(map(_is_number, metrics.values())):
        raise ValueError(BAD_METRICS)


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _with_notes(log: str, notes: list[str], limit: int) -> str:
    shown = [*notes[:20], *([f"[… and {len(notes) - 20:,} more]"] if len(notes) > 20 else [])]
    text = "\n".join([log.rstrip("\n"), *shown]) if shown else log
    return text.encode()[-limit or len(text) * 4 :].decode("utf-8", "ignore")


def _failed(work: Work, scratch: Scratch, report: Message) -> Outcome:
    status = report["status"]
    if status == NO_DATA:
        return _no_data(scratch, report)
    last = _last_words(report["log"])
    if status == -signal.SIGXFSZ or TOO_LARGE in last or size(scratch.out) >= work.limits.output_bytes:
        limit = f"{work.limits.output_bytes / (1 << 20):,.1f} MB"
        return _ended(End.FAILED, "output", f"It wrote more than its limit of {limit} of files.", report)
    if status < 0:
        return _ended(End.FAILED, "signal", _signal_sentence(-status), report)
    reason = f"The script ended with {last}" if last else "The script printed no error"
    return _ended(End.FAILED, "exit", f"{reason.rstrip('.')} (exit status {status}).", report)


def _no_data(scratch: Scratch, report: Message) -> Outcome:
    text = (read_small(scratch.out / "reason.txt") or "").replace("\0", "").strip()
    if not text:
        return _ended(End.FAILED, "exit", NO_REASON, report)
    return _ended(End.NO_DATA, "no-data", _short(text.splitlines()[0]), report)


def _signal_sentence(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    guess = ", perhaps because the machine ran out of memory" if number == signal.SIGKILL else ""
    return f"The training process was ended by {name}{guess}."


def _last_words(log: str) -> str:
    """The line that names the exception, or the last one printed."""
    _, found, traceback = log.rpartition(TRACEBACK)
    if found and (named := LINE.search(traceback)):
        return _short(named[0])
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith("PORTAL_PROGRESS")]
    return _short(lines[-1]) if lines else ""


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= SENTENCE else f"{text[: SENTENCE - 1]}…"


def _ended(end: End, cause: str, reason: str, report: Message | None) -> Outcome:
    known = report or {}
    return Outcome(end, cause, reason, known.get("seconds", 0.0), {}, known.get("log", ""))
