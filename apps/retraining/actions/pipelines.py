"""Verbs of pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.audit.actions import record
from apps.core.errors import Invalid
from apps.core.permissions import require
from apps.retraining.definitions import Definition, check
from apps.retraining.events import Event
from apps.retraining.models import Pipeline, Visibility

if TYPE_CHECKING:
    from apps.accounts.models import Team, User


@transaction.atomic
def define_pipeline(*, actor: User, slug: str, team: Team, families: Sequence[Any], definition: Definition) -> Pipeline:
    """Makes the pipeline, or gives it a new version; the same definition again changes nothing. Raises Invalid."""
    require(actor, "retraining.define_pipeline")
    check(definition, scripts=settings.PIPELINES_DIR, data=settings.PIPELINES_DATA)
    _check_choices(definition)
    fields = _fields(definition, team)
    pipeline, new = Pipeline.objects.select_for_update().get_or_create(slug=slug, defaults=fields)
    before = {name: _told(getattr(pipeline, name)) for name in fields}
    linked = set(pipeline.families.values_list("pk", flat=True))
    wanted = {family.pk for family in families}
    changed = {name for name, value in fields.items() if before[name] != _told(value)}
    if not new and not changed and linked == wanted:
        return pipeline
    pipeline.families.set(families)
    if not new:
        Pipeline.objects.filter(pk=pipeline.pk).update(**fields, version=F("version") + 1)
        pipeline.refresh_from_db()
    record(
        actor=actor,
        action=Event.PIPELINE_DEFINED,
        target=pipeline,
        before={} if new else {name: before[name] for name in sorted(changed)},
        after={"version": pipeline.version, **{name: _told(fields[name]) for name in sorted(changed or fields)}},
    )
    return pipeline


def _fields(definition: Definition, team: Team) -> dict[str, Any]:
    fields = asdict(definition) | {"team": team, "preload": list(definition.preload)}
    fields |= {name: dict(fields[name]) for name in ("schema", "presets", "window")}
    fields["schema"].setdefault("x-order", list(definition.schema["properties"]))  # jsonb keeps no order of keys
    return fields


def _told(value: Any) -> Any:
    """A value as the audit keeps it."""
    return getattr(value, "slug", value)


def _check_choices(definition: Definition) -> None:
    if definition.after_success not in Pipeline.AfterSuccess:
        choices = ", ".join(Pipeline.AfterSuccess.values)
        raise Invalid(f"After success comes one of {choices}.", field="after_success")
    if definition.overlap not in Pipeline.Overlap:
        choices = ", ".join(Pipeline.Overlap.values)
        raise Invalid(f"For segments that are being retrained choose one of {choices}.", field="overlap")
    if definition.visibility not in Visibility:
        raise Invalid(f"Choose one of {', '.join(Visibility.values)}.", field="visibility")
