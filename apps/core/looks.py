"""How a status looks on every page: tone, icon and word, so that colour never speaks alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """`tone` is ok, warn, bad, info, accent or idle; `icon` a lucide name."""

    tone: str
    icon: str
    label: str


_TONES: dict[tuple[str, str], tuple[str, ...]] = {
    ("ok", "circle-check"): (
        "succeeded",
        "finished",
        "done",
        "applied",
        "approved",
        "accepted",
        "ready",
        "pass",
        "adopt",
        "delivered",
        "active",
        "well",
    ),
    ("bad", "circle-x"): ("failed", "rejected", "failed_registration", "fail", "lost", "refused", "trouble"),
    ("idle", "circle-dot"): ("logged_model_ready", "logged_model_pending", "logged_model_upload_failed"),
    ("warn", "triangle-alert"): ("finished_with_failures", "inconclusive", "no_data", "stale"),
    ("warn", "circle-pause"): ("hold",),
    ("info", "loader"): ("running", "working"),
    ("info", "clock"): ("waiting", "submitted", "pending_registration", "scheduled", "expiring"),
    ("info", "send"): ("sent", "sending"),
    ("accent", "hourglass"): ("proposed", "open", "waiting_for_approval"),
    ("accent", "crown"): ("champion",),
    ("info", "circle-dot"): ("trial", "candidate"),
    ("idle", "ban"): ("cancelled", "killed", "withdrawn", "closed", "dropped"),
    ("idle", "circle-stop"): ("disabled",),
    ("idle", "archive"): ("retired", "superseded", "expired"),
    ("idle", "circle-dashed"): ("draft", "not_evaluated", "none", "assess", "untested"),
}
_WORDS = {
    "logged_model_pending": "Pending",
    "logged_model_ready": "Ready",
    "logged_model_upload_failed": "Upload failed",
    "proposed": "Waiting for approval",
    "pass": "Passed",
    "fail": "Not passed",
    "dropped": "Not sent",
    "disabled": "Switched off",
    "well": "Answers",
    "untested": "Not tested",
}
_LOOKS = {
    status: Look(tone, icon, _WORDS.get(status, status.replace("_", " ").capitalize()))
    for (tone, icon), statuses in _TONES.items()
    for status in statuses
}


def look_of(status: str) -> Look:
    """The look of a status in any spelling (`NO_DATA`, `no data`); an unknown one is a plain word."""
    key = str(status).strip().lower().replace(" ", "_").replace("-", "_")
    return _LOOKS.get(key) or Look("idle", "circle", key.replace("_", " ").capitalize())
