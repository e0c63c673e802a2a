"""A DAG's Params as a JSON Schema, and DAGs as workflows; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.platforms.base import Workflow

PAUSED = "The DAG is paused in Airflow: runs are accepted there and wait until somebody switches it on."
AT_RUNTIME = "PartitionedAtRuntime"
"""Airflow 3.3 takes a partition for such a DAG, and says `timetable_partitioned: false` of it all the same."""


def schema_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema 2020-12 of an object; Airflow's own words for forms stay where they are.

    A Param without a default has the value null, which its type does not allow: that is how Airflow says *required*.
    """
    properties = {name: _property(param) for name, param in params.items() if isinstance(param, Mapping)}
    needed = [name for name, part in properties.items() if "default" not in part]
    return {"type": "object", "properties": properties, "required": needed, "x-order": list(properties)}


def workflow_of(dag: Mapping[str, Any], *, may_trigger: bool = True) -> Workflow:
    """Of a DAG in a list, or of its details, which have Params."""
    params = dag.get("params")
    return Workflow(
        name=str(dag["dag_id"]),
        title=str(dag.get("dag_display_name") or dag["dag_id"]),
        description=str(dag.get("description") or ""),
        tags=tuple(str(tag.get("name", "")) for tag in dag.get("tags") or () if isinstance(tag, Mapping)),
        schema=schema_of(params) if isinstance(params, Mapping) else {},
        problem=_problem(dag, may_trigger=may_trigger),
        notice=PAUSED if dag.get("is_paused") else "",
        partitioned=bool(dag.get("timetable_partitioned")) or dag.get("timetable_summary") == AT_RUNTIME,
    )


def _property(param: Mapping[str, Any]) -> dict[str, Any]:
    schema = param.get("schema")
    part = dict(schema) if isinstance(schema, Mapping) else {}
    if param.get("description") and "description" not in part:
        part["description"] = param["description"]
    value = param.get("value")
    if value is not None or _takes_null(part):
        part["default"] = value
    return part


def _takes_null(part: Mapping[str, Any]) -> bool:
    words = part.get("type")
    if words is None:
        return None in part.get("enum", [None])
    return "null" in ([words] if isinstance(words, str) else words)


def _problem(dag: Mapping[str, Any], *, may_trigger: bool) -> str:
    if dag.get("has_import_errors"):
        return "Airflow can not import the DAG's file any more: look at its import errors there."
    if dag.get("is_stale") or dag.get("is_active") is False:
        return "The DAG's file is gone from Airflow: ask its team."
    if not may_trigger:
        return "The portal's account may not trigger this DAG: an Airflow admin has to allow it."
    return ""
