"""Pipelines: the list, one with its versions, and its definition as text, tried before it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.queries import default_team
from apps.accounts.signed_in import person
from apps.core.errors import Conflict, PortalError
from apps.core.permissions import require
from apps.registry import queries as registry
from apps.retraining import actions, lookups, queries
from apps.retraining.forms import ParametersForm
from apps.retraining.models import Pipeline
from apps.retraining.parameters import schema_mistakes
from apps.retraining.pipeline_files import Problem, read, written
from apps.retraining.web.page import PageRequest
from apps.retraining.web.requests import parts_of, request_rows

PAGE = "retraining/pipeline_form.html"
VERSIONS_PER_PAGE = 10
MOST_LINES = 40  # of the text at once; it scrolls
NEWEST = 5  # requests shown of a pipeline
BEGINNING = """\
pipelines:
  my-pipeline:
    name: My pipeline
    description: What it trains, and when one would use it.
    team: {team}
    families: []
    script: my_pipeline.py
    schema:
      type: object
      properties:
        as_of:
          type: string
          format: date
          title: As of
          description: Trains on what was known on this day.
        alpha:
          type: number
          title: Alpha
          minimum: 0
          default: 1.0
"""


@dataclass(frozen=True)
class Trial:
    """What a text would do: its pipeline with what changes, or what is wrong with it; and its form where it has one."""

    pushed: actions.Pushed | None
    problems: Sequence[Problem]
    form: ParametersForm | None


@require_safe
def pipelines(request: PageRequest) -> HttpResponse:
    """What can be retrained and how, for everybody who may see it."""
    return render(request, "retraining/pipelines.html", {"rows": queries.shelf(person(request))})


@require_safe
def pipeline(request: PageRequest, slug: str) -> HttpResponse:
    """One pipeline: what it asks for, its limits and terms, how it did lately, and each of its versions."""
    found = queries.pipeline(actor=person(request), slug=slug)
    page = Paginator(queries.versions_of(found), VERSIONS_PER_PAGE).get_page(request.GET.get("page"))
    newest = queries.requests(person(request)).filter(pipeline=found)[:NEWEST]
    shown = {
        "pipeline": found,
        "families": registry.families(person(request)).filter(pipelines=found),
        "form": _form_of(found.schema),
        "presets": _presets(found),
        "page": page,
        "versions": queries.with_differences(list(page.object_list)),
        "rows": request_rows(list(newest)),
        "parts": parts_of(queries.lately(found)),
        "estimate": queries.estimate(found, 1),
    }
    return render(request, "retraining/pipeline.html", shown)


@require_safe
def pipeline_file(request: PageRequest, slug: str) -> HttpResponse:
    """The definition as the file that would define it, to keep beside the script."""
    found = queries.pipeline(actor=person(request), slug=slug)
    text = written(slug, queries.definition_of(found))
    headers = {"Content-Disposition": f'attachment; filename="{slug}.yaml"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def new_pipeline(request: PageRequest) -> HttpResponse:
    require(person(request), "retraining.define_pipeline")
    if request.method != "POST" and {"connection", "workflow"} <= request.GET.keys():
        return _of_workflow(request)
    return _form(request, None, _beginning(request))


def _beginning(request: PageRequest) -> str:
    team = default_team(person(request))
    return BEGINNING.format(team=team.slug if team else "my-team")


def _of_workflow(request: PageRequest) -> HttpResponse:
    """Begun with what the platform says of the workflow; where it can not be asked, with an example and the reason."""
    asked = {name: request.GET[name] for name in ("connection", "workflow")}
    try:
        slug, said = lookups.beginning(actor=person(request), **asked)
    except PortalError as error:
        return _page(request, None, _beginning(request), notice=error.message, status=error.status)
    return _page(request, None, written(slug, said))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_pipeline(request: PageRequest, slug: str) -> HttpResponse:
    prefetch_related_objects([person(request)], "portal_roles")  # what is tried asks for them, too
    require(person(request), "retraining.define_pipeline")
    found = queries.pipeline(actor=person(request), slug=slug)
    return _form(request, found, written(slug, queries.definition_of(found)))


def _form(request: PageRequest, found: Pipeline | None, beginning: str) -> HttpResponse:
    """Tried (a fragment, or the page again), or saved."""
    if request.method != "POST":
        return _page(request, found, beginning)
    text = request.POST.get("text", "")
    if request.htmx:
        return render(request, f"{PAGE}#trial", _shown(request, found, text))
    if "try" in request.POST:
        return _page(request, found, text)
    return _save(request, found, text)


def _save(request: PageRequest, found: Pipeline | None, text: str) -> HttpResponse:
    try:
        _refuse_if_changed(request, found)
        pushed = actions.push_pipelines(actor=person(request), text=text, only=found.slug if found else "")
    except actions.NotTaken:
        return _page(request, found, text, status=400)
    except PortalError as error:
        return _page(request, found, text, notice=error.message, status=error.status)
    messages.success(request, _said(pushed))
    return redirect(reverse("retraining:pipeline", args=[pushed[0].slug]))


def _refuse_if_changed(request: PageRequest, found: Pipeline | None) -> None:
    seen = request.POST.get("version", "")
    if found and seen != str(found.version):
        raise Conflict(
            f"Somebody else has changed it meanwhile: it is version {found.version} now. Look below at what your text "
            "would change of that, then save again."
        )


def _said(pushed: Sequence[actions.Pushed]) -> str:
    if len(pushed) > 1:
        return f"{len(pushed)} pipelines: {', '.join(f'{one.name} is {one.outcome}' for one in pushed)}."
    return f"{pushed[0].name} is {pushed[0].outcome}: version {pushed[0].version}."


def _page(
    request: PageRequest, found: Pipeline | None, text: str, *, notice: str = "", status: int = 200
) -> HttpResponse:
    return render(request, PAGE, _shown(request, found, text) | {"notice": notice}, status=status)


def _shown(request: PageRequest, found: Pipeline | None, text: str) -> dict[str, Any]:
    return {
        "pipeline": found,
        "text": text,
        "trial": _tried(request, found, text),
        "lines": min(text.count("\n") + 2, MOST_LINES),
    }


def _tried(request: PageRequest, found: Pipeline | None, text: str) -> Trial:
    form = _form_in(text)
    try:
        only = found.slug if found else ""
        pushed = actions.push_pipelines(actor=person(request), text=text, dry_run=True, only=only)
    except actions.NotTaken as error:
        return Trial(None, error.problems, form)
    return Trial(pushed[0], (), form)


def _form_in(text: str) -> ParametersForm | None:
    """The form of the first pipeline, as soon as its schema is one."""
    said = next(iter(read(text)[0].values()), None)
    schema = said.get("schema") if isinstance(said, dict) else None
    return None if schema_mistakes(schema) or not isinstance(schema, dict) else _form_of(schema)


def _form_of(schema: Mapping[str, Any]) -> ParametersForm:
    """As it would open: with the defaults, and nobody scolded yet."""
    form = ParametersForm.filled(schema, {})
    form.is_valid()
    form.forgive_missing()
    return form


def _presets(found: Pipeline) -> list[tuple[str, str]]:
    """Name, and what it changes in words."""
    return [
        (name, ", ".join(f"{key} {value}" for key, value in values.items())) for name, values in found.presets.items()
    ]
