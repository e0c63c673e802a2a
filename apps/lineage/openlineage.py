"""What an OpenLineage event says, as far as the portal understands it; nothing in it is fetched.

Spec 2-0-2. What is needed to tell runs and data sets apart must be there and fit; in facets whatever is not as
expected is left aside, as are facets that are not known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.core.errors import Invalid

TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
ENDS = frozenset({"COMPLETE", "ABORT", "FAIL"})
MOST_DATASETS = 200  # in one event, inputs and outputs each
MOST_FIELDS = 500  # of a data set's schema that are kept
MOST_TAGS = 100
LONGEST_NAME = 1_000
LONGEST_WORD = 500
RUN_TAGS = ("portal.run", "mlflow.run_id")
"""Tags of an OpenLineage run that name a run of the portal."""
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
Json = Mapping[str, Any]


@dataclass(frozen=True)
class ToldDataset:
    """A data set, or a feature view: `kind` is the datasetType facet's word, `fields` its columns with types."""

    namespace: str
    name: str
    kind: str = ""
    version: str = ""
    address: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Hex sha256 of what tells it apart."""
        return hashlib.sha256(f"{self.namespace}\0{self.name}".encode()).hexdigest()


@dataclass(frozen=True)
class Told:
    """One event. `run_ids` are runs of the portal that it may be about, the surest first; `outside_id` a DAG run's."""

    key: UUID
    type: str
    at: datetime
    namespace: str
    job: str
    producer: str
    digest: str
    run_ids: tuple[str, ...]
    outside_id: str
    above: tuple[UUID, ...]  # the runs that it is part of, the nearest first
    commit: str
    repository: str
    error: str
    inputs: tuple[ToldDataset, ...] = field(default=())
    outputs: tuple[ToldDataset, ...] = field(default=())

    @property
    def ends(self) -> bool:
        return self.type in ENDS


def read(body: object) -> Told | None:
    """None for an event about a job or a data set alone, of which no run tells. Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid("An OpenLineage event is a JSON object.")
    if "run" not in body and ("job" in body or "dataset" in body):
        return None
    run, job = _object(body, "run"), _object(body, "job")
    facets, of_job = _part(run, "facets"), _part(job, "facets")
    key = _uuid(run.get("runId"))
    if key is None:
        raise Invalid("`run.runId` must be a UUID.", field="run.runId")
    if body.get("eventType") not in TYPES:
        raise Invalid(f"`eventType` is one of {', '.join(TYPES)}.", field="eventType")
    source = _part(of_job, "sourceCodeLocation")
    return Told(
        key=key,
        type=body["eventType"],
        at=_moment(body.get("eventTime")),
        namespace=_name(job, "namespace", "job.namespace"),
        job=_name(job, "name", "job.name"),
        producer=_word(body, "producer"),
        digest=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        run_ids=(key.hex, *_tagged(facets)),
        outside_id=_outside_id(facets),
        above=_above(facets),
        commit=_word(source, "version"),
        repository=_word(source, "repoUrl") or _word(source, "url"),
        error=_word(_part(facets, "errorMessage"), "message"),
        inputs=_datasets(body, "inputs"),
        outputs=_datasets(body, "outputs"),
    )


def _datasets(body: Json, which: str) -> tuple[ToldDataset, ...]:
    told = [] if body.get(which) is None else body[which]
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise Invalid(f"`{which}` is a list of data sets.", field=which)
    if len(told) > MOST_DATASETS:
        raise Invalid(f"`{which}` has {len(told)} data sets; an event may name {MOST_DATASETS}.", field=which)
    return tuple({one.place: one for one in (_dataset(one, which) for one in told)}.values())


def _dataset(told: Json, which: str) -> ToldDataset:
    facets = _part(told, "facets")
    kind = _part(facets, "datasetType")
    return ToldDataset(
        namespace=_name(told, "namespace", f"{which}.namespace"),
        name=_name(told, "name", f"{which}.name"),
        kind=_word(kind, "subType") or _word(kind, "datasetType"),
        version=_word(_part(facets, "version"), "datasetVersion"),
        address=_word(_part(facets, "dataSource"), "uri"),
        fields=_fields(_part(facets, "schema")),
    )


def _fields(schema: Json) -> tuple[tuple[str, str], ...]:
    told = schema.get("fields")
    columns = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    named = [(_word(one, "name"), _word(one, "type")) for one in columns[:MOST_FIELDS]]
    return tuple(one for one in named if one[0])


def _tagged(facets: Json) -> tuple[str, ...]:
    tags = _part(facets, "tags").get("tags")
    told = [one for one in tags if isinstance(one, dict)][:MOST_TAGS] if isinstance(tags, list) else []
    return tuple(_word(one, "value").replace("-", "") for one in told if one.get("key") in RUN_TAGS)


def _outside_id(facets: Json) -> str:
    """Of an Airflow DAG run: its own provider says it of tasks and of whole runs."""
    for name in ("airflow", "airflowDagRun"):
        if found := _word(_part(_part(facets, name), "dagRun"), "run_id"):
            return found
    return ""


def _above(facets: Json) -> tuple[UUID, ...]:
    parent = _part(facets, "parent")
    told = (_part(parent, "run").get("runId"), _part(_part(parent, "root"), "run").get("runId"))
    return tuple(dict.fromkeys(one for one in map(_uuid, told) if one))


def _object(body: Json, name: str) -> Json:
    found = body.get(name)
    if not isinstance(found, dict):
        raise Invalid(f"`{name}` must be an object.", field=name)
    return found


def _part(told: Json, name: str) -> Json:
    """A facet, or a part of one; nothing where it is none."""
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _name(told: Json, name: str, path: str) -> str:
    found = told.get(name)
    if not isinstance(found, str) or not found or "\0" in found or len(found) > LONGEST_NAME:
        raise Invalid(f"`{path}` must be a text of at most {LONGEST_NAME} characters.", field=path)
    return found


def _word(told: Json, name: str) -> str:
    found = told.get(name)
    return found.replace("\0", "")[:LONGEST_WORD] if isinstance(found, str) else ""


def _uuid(told: object) -> UUID | None:
    try:
        return UUID(told) if isinstance(told, str) else None
    except ValueError:
        return None


def _moment(told: object) -> datetime:
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        found = None
    aware = found.replace(tzinfo=found.tzinfo or UTC) if found else None
    if aware is None or not EARLIEST < aware < LATEST:
        raise Invalid("`eventTime` must be a time such as 2026-11-22T06:00:00.000Z.", field="eventTime")
    return aware
