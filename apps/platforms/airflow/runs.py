"""DAG runs of Airflow 3 as a platform: handed over once, polled together, cancelled, run again where they failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from apps.platforms.airflow import logs
from apps.platforms.airflow.client import AirflowServer, Taken, part
from apps.platforms.airflow.params import workflow_of
from apps.platforms.base import Handed, Happening, LogChunk, Order, Phase, Report, State, Workflow
from apps.platforms.calling import InTrouble, NotAllowed, Stranger, Unknown
from apps.platforms.outgoing import Refused, Unreachable

PAGE = 100  # Airflow answers no more at once
MOST_PAGES = 50
MOST_TASKS = 100
PREFIX = "portal-"
"""Every key of ours begins so: one call finds all runs of the portal."""
PHASES = {
    "queued": Phase.QUEUED,
    "running": Phase.RUNNING,
    "success": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
}
OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
LONGEST_NOTE = 1_000


class Airflow:
    """Implements `Platform`. Nothing here lasts: what has to be remembered is a row of the portal's.

    One is made for each look; only for so long it remembers the tasks of a run whose tasks have all ended.
    """

    no_trigger: Mapping[str, object] = {"dag_run_id": 0}
    stopping_seconds = 12.0  # a task's process hears of its end at its next heartbeat, 10.3 s later at most

    def __init__(self, server: AirflowServer) -> None:
        self.server = server
        self._over: dict[str, list[dict[str, Any]]] = {}

    def submit(self, order: Order) -> None:
        """After any doubt (409, 5xx, a time-out) the run is read back, and is ours if its conf is."""
        try:
            self.server.send("POST", f"dags/{part(order.handed.workflow)}/dagRuns", self._body(order))
        except (Taken, Unreachable) as doubt:
            self._read_back(order, doubt)

    def retry(self, order: Order) -> None:
        """Clears what failed in the same run; a run that is on its way again was cleared by an earlier call."""
        state = self.state(order.handed)
        self._over.pop(order.handed.key, None)
        if state is None:
            self.submit(order)
        elif state.phase is Phase.FAILED:
            asked = {"dry_run": False, "dag_run_id": order.handed.key, "only_failed": True, "reset_dag_runs": True}
            self.server.send("POST", f"dags/{part(order.handed.workflow)}/clearTaskInstances", asked)

    def states(self, handed: Sequence[Handed], since: datetime) -> dict[str, State]:
        """Of all DAGs in one call; only what has changed since then."""
        wanted = {one.key for one in handed}
        return {run["dag_run_id"]: _state(run) for run in self._changed(since) if run.get("dag_run_id") in wanted}

    def state(self, handed: Handed) -> State | None:
        run = self._run(handed)
        return _state(run) if run is not None else None

    def cancel(self, handed: Handed, note: str) -> None:
        """Airflow has no word for cancelled: the run is failed there, and its note says who wanted that."""
        state = self.state(handed)
        if state is None or state.phase in (Phase.SUCCEEDED, Phase.FAILED):
            return
        self._fail(handed, note[:LONGEST_NOTE])

    def log(self, handed: Handed, cursor: str) -> LogChunk:
        return logs.news(self.server, self._path(handed), self._tasks(handed), cursor)

    def report(self, handed: Handed, state: State) -> Report:
        tasks = self._tasks(handed)
        if state.phase is Phase.SUCCEEDED:
            return Report(result=self._result(handed, tasks))
        return Report(reason=self._why(handed, tasks))

    def workflows(self, tag: str = "") -> Sequence[Workflow]:
        asked = {"limit": PAGE, "order_by": "dag_id", **self._only_living()} | ({"tags": tag} if tag else {})
        return [workflow_of(dag) for dag in self._pages("dags", "dags", asked)]

    def workflow(self, name: str) -> Workflow:
        try:
            dag = self.server.get(f"dags/{part(name)}/details")
        except Unknown as error:
            raise Unknown(f"Airflow has no DAG {name!r}, or the portal's account may not see it.") from error
        return workflow_of(dag, may_trigger=self.may_trigger(name))

    def happenings(self, since: datetime) -> Sequence[Happening]:
        """Asset events: what their `extra` says, and which DAG made them."""
        asked = {"timestamp_gte": _spelt(since), "order_by": "timestamp", "limit": PAGE}
        return [_happening(event) for event in self._pages("assets/events", "asset_events", asked)]

    def may_trigger(self, name: str) -> bool:
        """Asks with a trigger that means nothing: who may not is refused before anybody looks at that."""
        try:
            self.server.send("POST", f"dags/{part(name)}/dagRuns", self.no_trigger)
        except NotAllowed:
            return False
        except Refused:
            return True
        raise Stranger(f"{self.server.address} took a trigger that means nothing: it is no Airflow.")

    def _fail(self, handed: Handed, note: str) -> None:
        self.server.send("PATCH", self._path(handed), {"state": "failed", "note": note})

    def _body(self, order: Order) -> dict[str, Any]:
        """`logical_date` null: a date would be a second key, and be refused for reasons of its own."""
        body = {"dag_run_id": order.handed.key, "logical_date": None, "conf": dict(order.params)}
        body |= {"note": order.note[:LONGEST_NOTE]} if order.note else {}
        return body | ({"partition_key": order.partition} if order.partition else {})

    def _read_back(self, order: Order, doubt: Exception) -> None:
        run = self._run(order.handed)
        if run is None and isinstance(doubt, Taken):  # it was another run of the same moment, or has just been deleted
            raise InTrouble("Airflow has the run, and then has it not; it is triggered again.") from doubt
        if run is None:
            raise doubt
        if run.get("conf") != dict(order.params):
            said = f"Airflow has a run {order.handed.key} with other parameters, which the portal did not send."
            raise Refused(said) from doubt

    def _run(self, handed: Handed) -> dict[str, Any] | None:
        try:
            run = self.server.get(self._path(handed))
        except Unknown:
            return None
        if run.get("dag_run_id") != handed.key:
            raise Stranger(f"{self.server.address} answered about another run than it was asked for.")
        return run

    def _path(self, handed: Handed) -> str:
        return f"dags/{part(handed.workflow)}/dagRuns/{part(handed.key)}"

    def _changed(self, since: datetime) -> Iterator[dict[str, Any]]:
        asked = {"run_id_prefix_pattern": PREFIX, "updated_at_gte": _spelt(since), "limit": PAGE, "order_by": "id"}
        return self._pages("dags/~/dagRuns", "dag_runs", asked)

    def _pages(self, path: str, key: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for number in range(MOST_PAGES):
            found = self.server.get(path, **asked, offset=number * PAGE)
            rows = found.get(key)
            if not isinstance(rows, list):
                raise Stranger(f"{self.server.address} does not answer as Airflow does.")
            yield from (row for row in rows if isinstance(row, dict))
            if len(rows) < PAGE:
                return

    def _only_living(self) -> dict[str, Any]:
        return {"exclude_stale": "true"}

    def _tasks(self, handed: Handed) -> list[dict[str, Any]]:
        """In the order in which they began."""
        if handed.key in self._over:
            return self._over[handed.key]
        found = self.server.get(f"{self._path(handed)}/taskInstances", limit=MOST_TASKS)
        tasks = [task for task in found.get("task_instances", []) if isinstance(task, dict)]
        tasks.sort(key=lambda task: (task.get("start_date") or "9", task.get("task_id", "")))
        if tasks and all(task.get("state") in OVER for task in tasks):
            self._over[handed.key] = tasks
        return tasks

    def _result(self, handed: Handed, tasks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the last task returned that returned an object."""
        done = [task for task in tasks if task.get("state") == "success"]
        for task in sorted(done, key=lambda task: task.get("end_date") or "", reverse=True):
            with suppress(Unknown):
                value = self._returned(handed, task)
                if isinstance(value, dict):
                    return value
        return {}

    def _returned(self, handed: Handed, task: Mapping[str, Any]) -> Any:
        path = f"{self._path(handed)}/taskInstances/{part(task['task_id'])}/xcomEntries/return_value"
        asked = {"map_index": task.get("map_index", -1), **self._as_json()}
        return self.server.get(path, **asked).get("value")

    def _as_json(self) -> dict[str, Any]:
        return {"deserialize": "true"}

    def _why(self, handed: Handed, tasks: Sequence[Mapping[str, Any]]) -> str:
        failed = [task for task in tasks if task.get("state") == "failed"]
        if not failed:
            return "Airflow ended the run as failed, and none of its tasks says why."
        words = ""
        with suppress(Refused, Unreachable):  # that a log can not be read does not keep a failure open
            words = logs.error_of(self.server, self._path(handed), failed[0])
        return f"The task {failed[0].get('task_id')} failed{f': {words}' if words else ''}.".replace("..", ".")


def _state(run: Mapping[str, Any]) -> State:
    phase = PHASES.get(str(run.get("state")))
    if phase is None:
        raise Stranger(f"Airflow says that the run is {str(run.get('state'))[:40]!r}, which the portal does not know.")
    began = run.get("start_date")
    try:
        return State(phase, datetime.fromisoformat(began) if began else None)
    except (TypeError, ValueError) as error:
        raise Stranger("Airflow answered a time that is none.") from error


def _happening(event: Mapping[str, Any]) -> Happening:
    extra = event.get("extra")
    try:
        return Happening(
            key=str(event["id"]),
            subject=str(event.get("uri") or event.get("name") or ""),
            at=datetime.fromisoformat(event["timestamp"]),
            said=extra if isinstance(extra, Mapping) else {},
            workflow=str(event.get("source_dag_id") or ""),
            partition=str(event.get("partition_key") or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Stranger("Airflow answered an asset event without an id or a time.") from error


def _spelt(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
