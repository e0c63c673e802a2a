"""Models and versions in MLflow's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.mlflow_protocol.words import to_ms, without_empty
from apps.registry.queries import ModelRow, VersionRow

Body = dict[str, Any]


def model(row: ModelRow) -> Body:
    return without_empty(
        {
            "name": row.name,
            "creation_timestamp": to_ms(row.created_at),
            "last_updated_timestamp": to_ms(row.updated_at),
            "user_id": row.user,
            "description": row.description,
            "latest_versions": [version(one) for one in row.latest],
            "tags": tags(row.tags),
            "aliases": [{"alias": alias, "version": str(number)} for alias, number in row.aliases],
        }
    )


def version(row: VersionRow) -> Body:
    shown = {
        "name": row.model,
        "version": str(row.number),
        "creation_timestamp": to_ms(row.created_at),
        "last_updated_timestamp": to_ms(row.updated_at),
        "user_id": row.user,
        "current_stage": row.stage,
        "description": row.description,
        "source": row.source,
        "status": row.status,
        "status_message": row.status_message,
        "tags": tags(row.tags),
        "aliases": list(row.aliases),
        "model_id": row.logged_model,
        "model_params": [{"name": name, "value": value} for name, value in row.params.items()],
        "model_metrics": list(row.metrics),
    }
    return {**without_empty(shown), "run_id": row.run_ref, "run_link": row.run_link}


def tags(found: Mapping[str, str]) -> list[Body]:
    return [{"key": key, "value": found[key]} for key in sorted(found)]
