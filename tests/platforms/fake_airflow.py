"""A server that answers as Airflow did: shapes and status codes are recorded from 3.3.2 and 2.11.2, the runs are ours.

A run goes one step with each look at it: queued, running, ended as its conf's `mode` says. `tests/airflow` compares the
shapes with those of a real server.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PASSWORD = "portal:portal-pw"
PARAMS: dict[str, Any] = {
    "city": {
        "value": "atlanta",
        "schema": {"type": "string", "enum": ["atlanta", "boston", "chicago"], "title": "City"},
        "description": "City whose model is retrained",
        "source": None,
    },
    "lookback_days": {
        "value": 28,
        "schema": {"type": "integer", "minimum": 1, "maximum": 365, "title": "Look-back, days"},
        "description": None,
        "source": None,
    },
    "notify": {
        "value": None,
        "schema": {"type": ["null", "string"], "format": "email", "section": "Advanced"},
        "description": None,
        "source": None,
    },
    "ticket": {
        "value": None,
        "schema": {"type": "string", "minLength": 3, "pattern": "^[A-Z]+-[0-9]+$"},
        "description": "required: no default",
        "source": None,
    },
    "mode": {"value": "succeed", "schema": {"type": "string"}, "description": None, "source": None},
}
RUN: dict[str, Any] = {
    "logical_date": None, "queued_at": None, "start_date": None, "end_date": None, "duration": None,
    "data_interval_start": None, "data_interval_end": None, "run_after": "2026-11-22T05:37:15.235600Z",
    "last_scheduling_decision": None, "run_type": "manual", "state": "queued", "triggered_by": "rest_api",
    "triggering_user_name": "portal", "conf": {}, "note": None, "dag_versions": [], "bundle_version": None,
    "dag_display_name": "retrain_city", "partition_key": None, "partition_date": None,
}  # fmt: skip
DAG: dict[str, Any] = {
    "dag_id": "retrain_city", "dag_display_name": "retrain_city", "is_paused": False, "is_stale": False,
    "last_parsed_time": "2026-11-22T05:37:10.463249Z", "bundle_name": "dags-folder", "bundle_version": None,
    "relative_fileloc": "retrain_city.py", "fileloc": "af_home/dags/retrain_city.py",
    "description": "Retrain the ETA model of one city", "timetable_description": "Never, external triggers only",
    "timetable_partitioned": False, "timetable_periodic": False,
    "tags": [{"name": "retrain", "dag_id": "retrain_city", "dag_display_name": "retrain_city"}],
    "max_active_runs": 16, "has_import_errors": False, "owners": ["airflow"], "allowed_run_types": None,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "asset_id": 1, "uri": "s3://models/eta/city", "name": "eta_city_model", "group": "asset", "source_task_id": "train",
    "source_run_id": "manual__2026-11-22", "source_map_index": -1, "created_dagruns": [], "partition_key": None,
}  # fmt: skip
TAKEN = {"reason": "Unique constraint violation", "statement": "hidden", "orig_error": "hidden", "message": "exists"}
FORBIDDEN = {"detail": None, "status": 403, "title": "Forbidden", "type": "about:blank"}
HEALTHY = {"status": "healthy"}


@dataclass
class Fake:
    """What the server has and how it misbehaves; every switch is one failure that was really seen."""

    dialect: int = 2
    version: str = "3.3.2"
    dag: dict[str, Any] = field(default_factory=lambda: dict(DAG))
    params: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(PARAMS)))
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    health: dict[str, Any] = field(default_factory=lambda: {"metadatabase": HEALTHY, "scheduler": HEALTHY})
    stands_still: bool = False  # runs stay as they are
    may_trigger: bool = True
    refuses: int = 0  # a status for everything signed in
    answers_after_accepting: int = 0  # a status for a trigger that was taken nevertheless
    slow: float = 0.0  # seconds before each answer
    garbage: bool = False
    revoked: set[str] = field(default_factory=set)  # tokens that are no longer taken
    events: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    takes_bearer: bool = False  # Airflow 2 behind Cloud Composer takes a token, too
    calls: list[str] = field(default_factory=list)
    address: str = ""
    lock: Any = field(default_factory=threading.Lock)

    def called(self, method: str, part: str) -> int:
        return sum(call.startswith(f"{method} ") and part in call for call in self.calls)

    @property
    def ended(self) -> int:
        """How often it was told to end a run."""
        return self.called("PATCH", "dagRuns") - self.called("PATCH", "setNote")

    def step(self, run: dict[str, Any]) -> None:
        if self.stands_still:
            return
        if run["state"] == "queued":
            run |= {"state": "running", "start_date": now()}
        elif run["state"] == "running" and run["conf"].get("mode") != "work":
            failed = run["conf"].get("mode") == "fail" and self.tries[run["dag_run_id"]] < 2
            run |= {"state": "failed" if failed else "success", "end_date": now()}


def now() -> str:
    return spelt(datetime.now(UTC))


def spelt(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(number: int, moment: datetime, extra: dict[str, Any], dag: str = "watch", partition: str = "") -> Any:
    """An asset event."""
    made = {"id": number, "timestamp": spelt(moment), "extra": extra, "source_dag_id": dag}
    return EVENT | made | {"partition_key": partition or None}


@contextmanager
def fake_airflow(dialect: int = 2) -> Iterator[Fake]:
    fake = Fake(dialect=dialect, version="3.3.2" if dialect == 2 else "2.11.2")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Said = tuple[int, Any]


class _Refuses(Exception):
    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.said = status, body


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        do_POST = do_PATCH = do_GET  # noqa: N815

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with fake.lock:
                fake.calls.append(f"{self.command} {self.path}")
            time.sleep(fake.slow)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            try:
                body = json.loads(sent) if sent else {}
                with fake.lock:
                    status, said = _answer(fake, self.command, parts.path, query, body, self.headers)
            except _Refuses as refused:
                status, said = refused.said
            text = b"<html>proxy</html>" if fake.garbage else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: Any) -> None: ...

    return Handler


def _answer(fake: Fake, method: str, path: str, query: dict[str, str], body: Any, headers: Any) -> Said:
    if path == "/auth/token" and fake.dialect == 2:
        return _token(fake, body)
    if path in ("/api/v2/monitor/health", "/health"):
        return 200, fake.health
    root = f"/api/v{fake.dialect}/"
    if not path.startswith(root):
        return 404, {"detail": "Not Found"}
    if path == f"{root}version":
        return 200, {"version": fake.version, "git_version": None}
    _check_credential(fake, headers.get("Authorization", ""))
    for pattern, serve in ROUTES:
        found = re.fullmatch(pattern, f"{method} {path.removeprefix(root)}")
        if found:
            return serve(fake, query, body, *map(unquote, found.groups()))
    return 404, {"detail": "Not Found"}


def _token(fake: Fake, body: Any) -> Said:
    if f"{body.get('username')}:{body.get('password')}" != PASSWORD:
        return 401, {"detail": "Invalid credentials"}
    fake.tokens += 1
    claims = base64.urlsafe_b64encode(json.dumps({"sub": fake.tokens, "exp": time.time() + 86_400}).encode()).decode()
    return 201, {"access_token": f"eyJhbGciOiJIUzUxMiJ9.{claims.rstrip('=')}.{fake.tokens}"}


def _check_credential(fake: Fake, said: str) -> None:
    basic = f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"
    bearer = said.startswith("Bearer eyJ") or said == "Bearer static-token"
    good = said == basic if fake.dialect == 1 and not fake.takes_bearer else bearer
    if said in fake.revoked:
        raise _Refuses(403, {"detail": "Invalid JWT token"})
    if not good:
        raise _Refuses(401, {"detail": "Not authenticated"}) if fake.dialect == 2 else _Refuses(403, FORBIDDEN)
    if fake.refuses:
        raise _Refuses(fake.refuses, {"detail": "secrets of the inside" if fake.refuses >= 500 else "Forbidden"})


def _dags(fake: Fake, query: dict[str, str], body: Any) -> Said:
    tagged = [tag["name"] for tag in fake.dag["tags"]]
    dags = [fake.dag] if query.get("tags", tagged[0]) in tagged else []
    return 200, {"dags": dags, "total_entries": len(dags)}


def _events(fake: Fake, query: dict[str, str], body: Any) -> Said:
    since = datetime.fromisoformat(query["timestamp_gte"])
    new = [one for one in fake.events if not one["timestamp"] or datetime.fromisoformat(one["timestamp"]) >= since]
    return 200, {"asset_events": new[int(query["offset"]) :][: int(query["limit"])], "total_entries": len(new)}


def _details(fake: Fake, query: dict[str, str], body: Any, dag: str) -> Said:
    if dag != fake.dag["dag_id"]:
        return 404, {"detail": f"Dag with id {dag} was not found"}
    return 200, fake.dag | {"params": fake.params}


def _trigger(fake: Fake, query: dict[str, str], body: Any, dag: str) -> Said:
    if fake.dialect == 1 and not isinstance(body.get("dag_run_id", ""), str):
        return 400, {"detail": "0 is not of type 'string' - 'dag_run_id'"}  # before it is asked who that is
    if not fake.may_trigger:
        return 403, {"detail": "Forbidden"}
    if fake.dialect == 1 and body.get("execution_date", "") != body.get("logical_date", ""):
        return 400, {"detail": "'2000-01-01' != '2000-01-02'", "title": "logical_date conflicts with execution_date"}
    if not isinstance(body.get("dag_run_id"), str) or (fake.dialect == 2 and "logical_date" not in body):
        return 422, {"detail": [{"type": "missing", "loc": ["body", "logical_date"], "msg": "Field required"}]}
    if dag != fake.dag["dag_id"]:
        return 404, {"detail": f"DAG with dag_id: '{dag}' not found"}
    key, conf = body["dag_run_id"], body.get("conf") or {}
    if key in fake.runs:
        return 409, {"detail": TAKEN if fake.dialect == 2 else f"DAGRun with DAGRun ID: '{key}' already exists"}
    if conf.get("lookback_days", 1) == 99:
        return 400, {"detail": "Invalid input for param lookback_days: 99 is wrong\n\nFailed validating ..."}
    fake.runs[key] = RUN | {"dag_run_id": key, "dag_id": dag, "conf": conf, "note": body.get("note")}
    fake.runs[key] |= {"queued_at": now(), "partition_key": body.get("partition_key")}
    fake.tries[key] = 1
    if fake.answers_after_accepting:
        raise _Refuses(fake.answers_after_accepting, {"detail": "Internal Server Error"})
    return 200, fake.runs[key]


def _list(fake: Fake, query: dict[str, str], body: Any) -> Said:
    found = [run for key, run in fake.runs.items() if key.startswith(query["run_id_prefix_pattern"])]
    for run in found:
        fake.step(run)
    first = int(query.get("offset", 0))
    return 200, {"dag_runs": found[first : first + int(query["limit"])], "total_entries": len(found)}


def _run(fake: Fake, query: dict[str, str], body: Any, dag: str, key: str) -> Said:
    run = _known(fake, dag, key)
    if fake.dialect == 1:
        fake.step(run)
    return 200, run


def _known(fake: Fake, dag: str, key: str) -> dict[str, Any]:
    if key not in fake.runs:
        raise _Refuses(404, {"detail": f"The DagRun with dag_id: `{dag}` and run_id: `{key}` was not found"})
    return fake.runs[key]


def _patch(fake: Fake, query: dict[str, str], body: Any, dag: str, key: str) -> Said:
    run = _known(fake, dag, key)
    if fake.dialect == 1 and "note" in body:
        return 400, {"detail": "{'note': ['Unknown field.']}", "status": 400, "title": "Bad Request"}
    run |= {"state": body["state"], "note": body.get("note"), "end_date": now()}
    return 200, run


def _note(fake: Fake, query: dict[str, str], body: Any, dag: str, key: str) -> Said:
    run = _known(fake, dag, key)
    run |= {"note": body["note"]}
    return 200, run


def _clear(fake: Fake, query: dict[str, str], body: Any, dag: str) -> Said:
    run = _known(fake, dag, body["dag_run_id"])
    if body["dry_run"] is False and body["only_failed"] is True:
        fake.tries[run["dag_run_id"]] += 1
        run |= {"state": "queued", "start_date": None, "end_date": None}
    return 200, {"task_instances": [], "total_entries": 1}


def _tasks(fake: Fake, query: dict[str, str], body: Any, dag: str, key: str) -> Said:
    run = _known(fake, dag, key)
    if run["start_date"] is None:
        return 200, {"task_instances": [], "total_entries": 0}
    extract = {"task_id": "extract", "state": "success", "try_number": 1, "map_index": -1}
    extract |= {"start_date": "2026-11-22T05:37:16Z", "end_date": "2026-11-22T05:37:20Z"}
    train = {"task_id": "train", "state": run["state"], "try_number": fake.tries[key], "map_index": -1}
    train |= {"start_date": "2026-11-22T05:37:21Z", "end_date": run["end_date"]}
    return 200, {"task_instances": [train, extract], "total_entries": 2}


def _logs(fake: Fake, query: dict[str, str], body: Any, dag: str, key: str, task: str, number: str) -> Said:
    run = _known(fake, dag, key)
    lines: list[dict[str, Any]] = [
        {"timestamp": now(), "event": "::group::Log message source details"},
        {"timestamp": now(), "event": f"{task} of {run['conf'].get('city')} begins", "level": "info", "logger": "task"},
    ]
    if task == "train" and run["state"] == "failed":
        error = {"exc_type": "ValueError", "exc_value": "training failed on purpose", "is_cause": False, "frames": []}
        lines.append({"timestamp": now(), "event": "Task failed with exception", "error_detail": [error]})
    first = int(query.get("token", 0)) if query.get("full_content") != "true" else 0
    over = task == "extract" or run["end_date"] is not None
    if fake.dialect == 1:
        text = "\n".join(f"[t] INFO - {line['event']}" for line in lines)
        text += "\n[t] ERROR - ValueError: training failed on purpose" if len(lines) > 2 else ""
        return 200, {"content": repr([("vm", text[first:])]), "continuation_token": str(len(text))}
    return 200, {"content": lines[first:], "continuation_token": None if over else str(len(lines))}


def _xcom(fake: Fake, query: dict[str, str], body: Any, dag: str, key: str, task: str) -> Said:
    run = _known(fake, dag, key)
    if fake.dialect == 1 and query.get("deserialize") == "true":
        return 400, {"detail": "XCom deserialization is disabled in configuration.", "title": "Bad Request"}
    results: dict[str, Any] = {
        "no-data": {"no_data": "Only 2 of the 60 rows needed."},
        "silent": {},
        "drift": {"mape": 0.2, "signals": [{"kind": "drift", "verdict": "alarm", "measure": "psi", "value": 0.4}, "?"]},
    }
    value = results.get(run["conf"].get("mode"), {"mape": 0.123, "city": run["conf"].get("city")})
    if task != "train":
        value = {"rows": 1004}
    return 200, {"key": "return_value", "value": value if fake.dialect == 2 else repr(value)}


_KEY = r"dags/([^/]+)/dagRuns/([^/]+)"
ROUTES: list[tuple[str, Callable[..., Said]]] = [
    (r"GET dags", _dags),
    (r"GET assets/events", _events),
    (r"GET dags/([^/]+)/details", _details),
    (r"POST dags/([^/]+)/dagRuns", _trigger),
    (r"GET dags/~/dagRuns", _list),
    (rf"GET {_KEY}", _run),
    (rf"PATCH {_KEY}", _patch),
    (rf"PATCH {_KEY}/setNote", _note),
    (r"POST dags/([^/]+)/clearTaskInstances", _clear),
    (rf"GET {_KEY}/taskInstances", _tasks),
    (rf"GET {_KEY}/taskInstances/([^/]+)/logs/(\d+)", _logs),
    (rf"GET {_KEY}/taskInstances/([^/]+)/xcomEntries/return_value", _xcom),
]
