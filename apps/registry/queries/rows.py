"""Models and versions as plain rows, one statement each: what clients ask for thousands of times an hour."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from apps.accounts.queries import team_ids_of
from apps.core.context import Credential, current
from apps.core.errors import Missing
from apps.core.prepared import prepared
from apps.registry.models import ModelVersion, RegisteredModel, Stage

if TYPE_CHECKING:
    from apps.accounts.models import User


class VersionRow(NamedTuple):
    """A version with the names of its aliases, where they were asked for."""

    model: str
    number: int
    created_at: datetime
    updated_at: datetime
    user: str
    stage: str
    description: str
    source: str
    run_ref: str
    status: str
    status_message: str
    tags: Mapping[str, str]
    run_link: str
    logged_model: str
    params: Mapping[str, str]
    metrics: Sequence[Mapping[str, Any]]
    aliases: Sequence[str] = ()


@dataclass(frozen=True)
class ModelRow:
    """A model with (alias, number) pairs and its newest version of each stage, which names no aliases."""

    name: str
    created_at: datetime
    updated_at: datetime
    user: str
    description: str
    tags: Mapping[str, str]
    aliases: Sequence[tuple[str, int]] = ()
    latest: Sequence[VersionRow] = field(default=())


COLUMNS = """
model.name, version.number, version.created_at, version.updated_at, maker.username, version.stage, version.description,
version.source, version.run_ref, version.status, version.status_message, version.tags, version.run_link,
version.logged_model, version.reported_params, version.reported_metrics
"""
VERSION = f"""
{COLUMNS}, ARRAY(SELECT alias.name FROM registry_alias AS alias WHERE alias.version_id = version.id ORDER BY alias.name)
"""  # noqa: S608  constants; what comes from outside is a parameter
NAMED = "model.name = %s AND model.deleted_at IS NULL AND {visible}"
BY_NUMBER = f"""
SELECT {VERSION}
FROM registry_registeredmodel AS model
JOIN registry_modelversion AS version ON version.model_id = model.id
JOIN accounts_user AS maker ON maker.id = version.created_by_id
WHERE version.number = %s AND version.deleted_at IS NULL AND {NAMED}
"""  # noqa: S608
BY_ALIAS = f"""
SELECT {VERSION}
FROM registry_registeredmodel AS model
LEFT JOIN registry_alias AS found ON found.model_id = model.id AND found.name = %s
LEFT JOIN registry_modelversion AS version ON version.id = found.version_id
LEFT JOIN accounts_user AS maker ON maker.id = version.created_by_id
WHERE {NAMED}
"""  # noqa: S608
NEWEST = f"""
SELECT {VERSION}
FROM registry_registeredmodel AS model
LEFT JOIN LATERAL (
    SELECT * FROM registry_modelversion WHERE model_id = model.id AND deleted_at IS NULL ORDER BY number DESC LIMIT 1
) AS version ON true
LEFT JOIN accounts_user AS maker ON maker.id = version.created_by_id
WHERE {NAMED}
"""  # noqa: S608
# One probe of an index per stage, however many versions there are.
MODELS = f"""
SELECT {COLUMNS}, ARRAY[]::text[],
    model.id, model.created_at, model.updated_at, owner.username, model.description, model.tags, (
    SELECT json_agg(json_build_array(alias.name, of.number) ORDER BY alias.name)
    FROM registry_alias AS alias JOIN registry_modelversion AS of ON of.id = alias.version_id
    WHERE alias.model_id = model.id
)
FROM registry_registeredmodel AS model
LEFT JOIN accounts_user AS owner ON owner.id = model.created_by_id
LEFT JOIN LATERAL (
    SELECT newest.* FROM unnest(ARRAY['None', 'Staging', 'Production', 'Archived']) AS asked(stage)
    CROSS JOIN LATERAL (
        SELECT * FROM registry_modelversion
        WHERE model_id = model.id AND stage = asked.stage AND deleted_at IS NULL ORDER BY number DESC LIMIT 1
    ) AS newest
) AS version ON true
LEFT JOIN accounts_user AS maker ON maker.id = version.created_by_id
"""  # noqa: S608
VERSIONS = f"""
SELECT {COLUMNS}, ARRAY[]::text[]
FROM registry_modelversion AS version
JOIN registry_registeredmodel AS model ON model.id = version.model_id
JOIN accounts_user AS maker ON maker.id = version.created_by_id
"""  # noqa: S608
NOTHING: Mapping[str, Any] = {"{}": MappingProxyType({}), "[]": ()}
"""What most tags, parameters and metrics are: a page of models would parse it hundreds of times."""
STAGES = tuple(str(stage) for stage in Stage.values)
WIDTH = len(VersionRow._fields)


def version_row(*, actor: User, name: str, number: int) -> VersionRow:
    """Raises Missing."""
    rows = _fetch(BY_NUMBER, actor, number, name) if 0 < number < 2**31 else []
    if not rows:
        raise Missing(f"Model Version (name={name}, version={number}) not found")
    return rows[0]


def version_behind(*, actor: User, name: str, alias: str) -> VersionRow | None:
    """None where the alias points nowhere. Raises Missing for the model."""
    return _only(_fetch(BY_ALIAS, actor, alias, name), name)


def newest_version(*, actor: User, name: str) -> VersionRow | None:
    """The highest number, whatever its stage; None where there is none. Raises Missing for the model."""
    return _only(_fetch(NEWEST, actor, name), name)


def model_row(*, actor: User, name: str) -> ModelRow:
    """Raises Missing."""
    sql, params = visible(actor)
    found = model_rows(f"WHERE {NAMED.format(visible=sql)}", [name, *params])
    if not found:
        raise no_model(name)
    return found[0]


def model_rows(where: str, params: Sequence[Any]) -> list[ModelRow]:
    """Those that the rest of the statement says; whoever writes it asks for what the reader may see."""
    if _unstorable(params):
        return []
    with connection.cursor() as cursor:
        cursor.execute(*prepared(MODELS + where, params))
        rows = cursor.fetchall()
    latest: dict[int, list[VersionRow]] = {}
    for row in rows:
        latest.setdefault(row[WIDTH], []).extend([_version(row[:WIDTH])] if row[1] else [])
    first = {row[WIDTH]: row for row in reversed(rows)}
    return [_model(first[pk], versions) for pk, versions in latest.items()]


def version_rows(where: str, params: Sequence[Any]) -> list[VersionRow]:
    """The same of versions, without their aliases."""
    if _unstorable(params):
        return []
    with connection.cursor() as cursor:
        cursor.execute(*prepared(VERSIONS + where, params))
        return [_version(row) for row in cursor.fetchall()]


def row_of(version: ModelVersion, aliases: Sequence[str] = ()) -> VersionRow:
    """The row of a version in hand."""
    return VersionRow(
        version.model.name, version.number, version.created_at, version.updated_at, version.created_by.username,
        version.stage, version.description, version.source, version.run_ref, version.status, version.status_message,
        version.tags, version.run_link, version.logged_model, version.reported_params, version.reported_metrics,
        aliases,
    )  # fmt: skip


def new_row_of(model: RegisteredModel) -> ModelRow:
    """The row of a model that was just made: nothing points to it and it has no version."""
    user = model.created_by.username if model.created_by else ""
    return ModelRow(model.name, model.created_at, model.updated_at, user, model.description, model.tags)


def no_model(name: str) -> Missing:
    return Missing(f"Registered Model with name={name} not found")


def _only(rows: list[VersionRow], name: str) -> VersionRow | None:
    if not rows:
        raise no_model(name)
    return rows[0] if rows[0].number else None


def _fetch(statement: str, actor: User, *params: str | int) -> list[VersionRow]:
    if _unstorable(params):
        return []
    sql, more = visible(actor)
    with connection.cursor() as cursor:
        cursor.execute(*prepared(statement.format(visible=sql), [*params, *more]))
        return [_version(row) for row in cursor.fetchall()]


def _unstorable(params: Sequence[Any]) -> bool:
    return any("\0" in param for param in params if isinstance(param, str))


def _version(row: Sequence[Any]) -> VersionRow:
    """psycopg2 under Django leaves jsonb as text."""
    if not row[1]:
        return VersionRow(*row)
    return VersionRow._make((*row[:11], _json(row[11]), *row[12:14], _json(row[14]), _json(row[15]), *row[16:]))


def _model(row: Sequence[Any], latest: Sequence[VersionRow]) -> ModelRow:
    _, created_at, updated_at, user, description, tags, aliases = row[WIDTH:]
    pairs = [(alias, number) for alias, number in aliases or ()]
    return ModelRow(row[0], created_at, updated_at, user or "", description, _json(tags), pairs, latest)


def _json(text: str) -> Any:
    return NOTHING[text] if text in NOTHING else json.loads(text)


def visible(actor: User) -> tuple[str, tuple[Any, ...]]:
    """`visible_to` as a condition on `model`. It depends on nothing but these, and writing it anew costs more than
    running it.
    """
    credential = current().credential
    narrowed = credential if credential and credential.narrowed else None
    return _visible_sql(Eyes(actor.pk, actor.is_active, tuple(sorted(team_ids_of(actor))), narrowed, actor))


@dataclass(frozen=True)
class Eyes:
    """All that decides what a reader sees."""

    user: int
    is_active: bool
    teams: tuple[int, ...]
    credential: Credential | None
    actor: User = field(compare=False)


@lru_cache(maxsize=1_024)
def _visible_sql(eyes: Eyes) -> tuple[str, tuple[Any, ...]]:
    """The condition alone: asked for as `id IN (SELECT …)` it doubles the time that PostgreSQL plans a read."""
    query = RegisteredModel.objects.visible_to(eyes.actor).query
    sql, params = query.where.as_sql(query.get_compiler(connection=connection), connection)
    return sql.replace(f"{connection.ops.quote_name(RegisteredModel._meta.db_table)}.", "model."), tuple(params)
