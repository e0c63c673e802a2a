"""Verbs of pipelines: define one, or push a file of them. Each change is a version that stays readable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.accounts import queries as accounts
from apps.audit.actions import record
from apps.core.doorbell import ring
from apps.core.errors import Invalid, Missing
from apps.core.permissions import require
from apps.platforms import queries as platforms
from apps.registry import queries as registry
from apps.retraining.checking import check, mistakes_of
from apps.retraining.definitions import Definition
from apps.retraining.differences import Difference, differences
from apps.retraining.events import Event
from apps.retraining.models import Pipeline, PipelineVersion
from apps.retraining.parameters import mistakes
from apps.retraining.pipeline_files import Document, Problem, keeping_order, problems_of, read
from apps.retraining.queries.pipelines import definition_of
from apps.retraining.shape import slug_mistake

if TYPE_CHECKING:
    from apps.accounts.models import Team, User
    from apps.platforms.base import Workflow

SHOWN_PROBLEMS = 5
UNSEEN = {"platform_schema": None, "platform_problem": "", "platform_notice": "", "looked_up_at": None}
"""What is known of a workflow that nobody has looked at yet."""


class NotTaken(Invalid):
    """A text with mistakes, all of them in `problems`; nothing of it was taken."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        told = " ".join(str(problem) for problem in self.problems[:SHOWN_PROBLEMS])
        more = f" And {len(problems) - SHOWN_PROBLEMS} more." if len(problems) > SHOWN_PROBLEMS else ""
        by_line: dict[str, str] = {}
        for problem in self.problems:
            key = f"line {problem.line}"
            by_line[key] = f"{by_line[key]} {problem.sentence}" if key in by_line else problem.sentence
        super().__init__(f"Nothing was changed. {told}{more}", errors=by_line)


@dataclass(frozen=True)
class Pushed:
    """What became of a pipeline, or would become of it: its version, and what differs from the one before."""

    slug: str
    name: str
    version: int
    is_new: bool
    differences: Sequence[Difference]

    @property
    def outcome(self) -> str:
        return "new" if self.is_new else "changed" if self.differences else "the same"


@transaction.atomic
def define_pipeline(*, actor: User, slug: str, team: Team, families: Sequence[Any], definition: Definition) -> Pipeline:
    """Makes the pipeline, or gives it a new version; the same definition again changes nothing. Raises Invalid."""
    require(actor, "retraining.define_pipeline")
    check(definition, **_folders())
    fields = _fields(definition, team)
    pipeline, new = Pipeline.objects.select_for_update(of=("self",)).get_or_create(slug=slug, defaults=fields)
    before = {} if new else definition_of(pipeline)
    pipeline.families.set(families)
    if not new:
        moved = (pipeline.connection, pipeline.workflow) != (fields["connection"], fields["workflow"])
        Pipeline.objects.filter(pk=pipeline.pk).update(**fields, **(UNSEEN if moved else {}))
        pipeline.refresh_from_db()
    after = definition_of(pipeline)
    changed = differences(before, after)
    if not changed:
        return pipeline
    if not new:
        Pipeline.objects.filter(pk=pipeline.pk).update(version=F("version") + 1)
        pipeline.refresh_from_db(fields=["version"])
    PipelineVersion.objects.create(pipeline=pipeline, number=pipeline.version, definition=after, defined_by=actor)
    if pipeline.connection:
        ring("retraining.look_up", pipeline.pk)
    record(
        actor=actor,
        action=Event.PIPELINE_DEFINED,
        target=pipeline,
        before={one.path: one.before for one in changed if not new},
        after={"version": pipeline.version, **{one.path: one.after for one in changed}},
    )
    return pipeline


def refresh_form(*, actor: User, pipeline: Pipeline, schema: Mapping[str, Any]) -> Pipeline:
    """A new version whose schema is the one that the platform's workflow has now; presets that no longer fit go."""
    require(actor, "retraining.define_pipeline")
    said = definition_of(pipeline) | {"schema": dict(schema)}
    fitting = {name: values for name, values in said["presets"].items() if _fits(schema, values)}
    return define_pipeline(
        actor=actor,
        slug=pipeline.slug,
        team=pipeline.team,
        families=list(pipeline.families.all()),
        definition=_definition(said | {"presets": fitting}),
    )


def note_workflow(*, pipeline: Pipeline, workflow: Workflow | None, problem: str) -> None:
    """What the platform says of it; None: it can not say."""
    said: dict[str, Any] = {"platform_problem": problem, "looked_up_at": Now()}
    if workflow is not None:
        said |= {"platform_notice": workflow.notice, "is_partitioned": workflow.partitioned}
        said |= {"platform_schema": dict(workflow.schema)}
    Pipeline.objects.filter(pk=pipeline.pk).update(**said)


def _fits(schema: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return not mistakes({**schema, "required": []}, values)


def put_pipeline(*, actor: User, slug: str, said: Mapping[str, Any], dry_run: bool = False) -> Pushed:
    """Defines one pipeline as `apps.retraining.shape` writes it down. Raises Invalid whose `errors` name settings."""
    require(actor, "retraining.define_pipeline")
    if errors := _wrong(actor, slug, said):
        path, sentence = next(iter(errors.items()))
        raise Invalid(f"{path}: {sentence}", field=path, errors=errors)
    return _put(actor, {slug: said}, dry_run=dry_run)[0]


def push_pipelines(
    *, actor: User, text: str, beside: Path | None = None, dry_run: bool = False, only: str = ""
) -> list[Pushed]:
    """Defines all pipelines of a file's text, or none. Raises NotTaken with every mistake and its line.

    Schemas named as files are read from the folder `beside`; with `only`, the text has that one pipeline.
    """
    require(actor, "retraining.define_pipeline")
    found, document = read(text, beside=beside)
    for slug, said in found.items():
        document.problems += problems_of(document, slug, _wrong(actor, slug, said))
    if only and not document.problems and list(found) != [only]:
        document.object_to(
            "pipelines", f"This page is about {only!r} alone: leave it its slug, and no other beside it."
        )
    _refuse(document)
    return _put(actor, found, dry_run=dry_run)


def _refuse(document: Document) -> None:
    if document.problems:
        raise NotTaken(document.problems)


@transaction.atomic
def _put(actor: User, found: Mapping[str, Mapping[str, Any]], *, dry_run: bool) -> list[Pushed]:
    pushed = list(starmap(partial(_define, actor), found.items()))
    transaction.set_rollback(dry_run)
    return pushed


def _define(actor: User, slug: str, said: Mapping[str, Any]) -> Pushed:
    known = Pipeline.objects.filter(slug=slug).select_related("team").first()
    before = definition_of(known) if known else {}
    families = registry.families_named(actor=actor, slugs=said.get("families", ()))
    made = define_pipeline(
        actor=actor, slug=slug, team=accounts.team(slug=said["team"]), families=families, definition=_definition(said)
    )
    changed = differences(before, definition_of(made)) if known else []
    return Pushed(slug, made.name, made.version, known is None, changed)


def _wrong(actor: User, slug: str, said: Any) -> dict[str, str]:
    """Path → sentence; what is said of teams and families is looked up."""
    if not isinstance(said, Mapping):
        return {"": "Below its slug a pipeline has settings: name, team, script, schema …"}
    errors = mistakes_of(said, **_folders())
    if taken := slug_mistake(slug):
        errors = {"": taken} | errors
    teams = {"team": said.get("team")} | _numbered("requesters", said)
    families = _numbered("families", said)
    found = {path: _missing_team(name) for path, name in teams.items() if isinstance(name, str)}
    found |= {"connection": _missing_connection(said.get("connection"))}
    found |= {path: _missing_family(actor, name) for path, name in families.items() if isinstance(name, str)}
    return {path: sentence for path, sentence in found.items() if sentence} | errors


def _folders() -> dict[str, Any]:
    """What this portal allows of a definition."""
    allowed = {"scripts": settings.PIPELINES_DIR, "data": settings.PIPELINES_DATA}
    return allowed | {"commands": settings.PIPELINE_COMMANDS}


def _numbered(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    many = said.get(name)
    return {f"{name}.{place}": one for place, one in enumerate(many)} if isinstance(many, list) else {}


def _missing_team(slug: str) -> str:
    try:
        accounts.team(slug=slug)
    except Missing as error:
        return error.message
    return ""


def _missing_connection(name: Any) -> str:
    if not name or not isinstance(name, str):
        return ""
    try:
        known = platforms.connection(name=name)
    except Missing as error:
        return error.message
    return "" if platforms.runs_work(known) else f"{known} is a connection to something that runs no pipelines."


def _missing_family(actor: User, slug: str) -> str:
    try:
        registry.families_named(actor=actor, slugs=[slug])
    except Missing as error:
        return error.message
    return ""


def _definition(said: Mapping[str, Any]) -> Definition:
    known = {one.name for one in fields(Definition)}
    return Definition(**{name: value for name, value in said.items() if name in known})


def _fields(definition: Definition, team: Team) -> dict[str, Any]:
    found = platforms.connection(name=definition.connection) if definition.connection else None
    fields = asdict(definition) | {"team": team, "connection": found}
    fields |= {name: list(fields[name]) for name in ("preload", "requesters", "command")}
    fields |= {name: dict(fields[name]) for name in ("presets", "window")}
    return fields | {"schema": keeping_order(definition.schema)}
