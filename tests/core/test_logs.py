"""What a deployed process writes: a line of JSON for each event, also for what libraries tell."""

import json
import subprocess
import sys
from typing import Any

from portal.local.serve import REPOSITORY

TELL = """
import logging, logging.config
from structlog.contextvars import bound_contextvars
from portal import settings
logging.config.dictConfig(settings.LOGGING)
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("django.request").exception("Internal Server Error: %s", "/tools/")
settings.structlog.get_logger("apps").warning("known", kind="ours")
trace = logging.getLogger("celery.app.trace")
trace.info("a tick succeeded")
trace.error("a tick failed")
with bound_contextvars(request_id="a-request"):
    trace.info("rung by a press")
"""


def told() -> dict[str, dict[str, Any]]:
    """The lines by their event, of a process whose settings are those of a container."""
    settings = {"DATABASE_URL": "postgres://x@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    env = {**settings, "SECRET_KEY": "only-for-this-test-" * 3, "ENCRYPTION_KEYS": "bmV3"}
    said = subprocess.run(
        [sys.executable, "-c", TELL], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    return {line["event"]: line for line in lines}


def test_a_librarys_line_has_time_level_name_and_traceback_and_a_tick_that_did_well_is_not_told() -> None:
    lines = told()
    assert set(lines) == {"Internal Server Error: /tools/", "known", "a tick failed", "rung by a press"}
    assert all({"timestamp", "level", "logger"} <= set(line) for line in lines.values())
    error = lines["Internal Server Error: /tools/"]
    assert (error["level"], error["logger"]) == ("error", "django.request")
    assert error["exception"].endswith("ZeroDivisionError: division by zero")
    assert lines["known"]["kind"] == "ours"
    assert lines["rung by a press"]["request_id"] == "a-request"
