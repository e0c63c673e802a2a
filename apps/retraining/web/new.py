"""Asking for a retraining: choose what, fill in the form that the pipeline's schema makes, see what it means, send.

Nothing is sent that its sender has not looked at: the form carries the digest of the plan that was shown, and a form
whose plan has become another is shown once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.forms import BaseForm
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, Missing, PortalError
from apps.core.permissions import allowed
from apps.registry import queries as registry
from apps.retraining import actions, queries
from apps.retraining.forms import Choice, ParametersForm, SendingForm
from apps.retraining.freezing import choose_segments
from apps.retraining.models import Pipeline, RetrainingRequest
from apps.retraining.picks import Fleet, Place
from apps.retraining.queries import audiences
from apps.retraining.rules import Use
from apps.retraining.web.page import PageRequest

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.registry.models import ModelFamily, Segment

PAGE = "retraining/new.html"
SMALL_GROUPS = 3  # regions with fewer segments than this on average are no help as groups
CHANGED = (
    "The pipeline was changed after you opened this form (version {before}, now {now}). Look at it again, then send."
)
LOOK_FIRST = "Nothing is sent yet: this is what would be. Press Send if it is right."


@dataclass(frozen=True)
class Option:
    """A pipeline with the families that it can train."""

    pipeline: Pipeline
    families: "Sequence[ModelFamily]"


@dataclass(frozen=True)
class Group:
    """Segments of one region, or of no region in particular."""

    name: str
    places: Sequence[Place]


@dataclass
class Draft:
    """A form on its way to a request."""

    pipeline: Pipeline
    family: "ModelFamily"
    segments: "Sequence[Segment]"
    parameters: ParametersForm
    sending: SendingForm
    preview: queries.Preview | None = field(init=False)

    def __post_init__(self) -> None:
        """Looks what sending would mean; what is wrong then stands at its field."""
        known, asked = self.parameters.is_valid(), self.sending.is_valid()
        if asked and not known:
            self._check_segments()
        self.preview = self._preview() if asked and known else None

    def _preview(self) -> queries.Preview | None:
        try:
            return queries.preview(
                pipeline=self.pipeline,
                family=self.family,
                parameters=self.parameters.values,
                segments=self.sending.chosen(),
            )
        except Invalid as error:
            self.refuse(error)
            return None

    def _check_segments(self) -> None:
        """All that is wrong is told at once."""
        try:
            choose_segments(self.family, self.sending.chosen())
        except Invalid as error:
            self.refuse(error)

    @property
    def served(self) -> int:
        """How many segments *all* are: without the places of a fallback order."""
        return sum(not one.is_fallback for one in self.segments)

    def refuse(self, error: PortalError) -> None:
        about_parameters = isinstance(error, Invalid) and any(path.startswith("parameters") for path in error.errors)
        if about_parameters:
            self.parameters.refuse(error)  # type: ignore[arg-type]
        else:
            self.sending.refuse(error)

    @property
    def forms(self) -> tuple[SendingForm, ParametersForm]:
        return self.sending, self.parameters

    def objection(self) -> str:
        """Why a valid form is shown once more instead of being sent; empty when it can go."""
        seen = self.sending.cleaned_data
        if seen["version"] not in (None, self.pipeline.version):
            return CHANGED.format(before=seen["version"], now=self.pipeline.version)
        return "" if self.preview and seen["digest"] == self.preview.digest else LOOK_FIRST


@require_safe
def choose(request: PageRequest, form: str = "retraining:new") -> HttpResponse:
    """Which pipeline, for which family, before the `form` of a request or a policy; skipped where there is only one to
    choose.
    """
    slug = request.GET.get("family", "")
    family = registry.family(actor=person(request), slug=slug) if slug else None
    found = queries.pipelines_of(person(request), family) if family else queries.pipelines(person(request))
    options = _options(person(request), list(found), family)
    if len(options) == 1 and len(options[0].families) == 1:
        query = request.GET.copy()
        query["family"] = options[0].families[0].slug
        return redirect(f"{reverse(form, args=[options[0].pipeline.slug])}?{query.urlencode()}")
    return render(request, "retraining/choose.html", {"options": options, "family": family, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PageRequest, slug: str) -> HttpResponse:
    """The form; values, segments, `preset` and `copy` (a request's number) can stand in the address."""
    pipeline = queries.pipeline(actor=person(request), slug=slug)
    copied = _copied(request)
    family = _family(request, pipeline, copied)
    if family is None:
        options = _options(person(request), [pipeline], None)
        return render(request, "retraining/choose.html", {"options": options, "form": "retraining:new"})
    if request.method == "POST":
        return _posted(request, _sent_draft(request, pipeline, family))
    draft = _opened_draft(request, pipeline, family, copied)
    return _page(request, draft, copied=copied)


def _posted(request: PageRequest, draft: Draft) -> HttpResponse:
    """Preview (a fragment, or the page again), or sent."""
    if request.htmx:
        return render(request, f"{PAGE}#preview", _shown(request, draft))
    if draft.preview is None:
        return _page(request, draft, status=400)
    if "preview" in request.POST:
        return _page(request, draft)
    if objection := draft.objection():
        return _page(request, draft, notice=objection, status=409)
    return _send(request, draft, draft.preview.digest)


def _send(request: PageRequest, draft: Draft, digest: str) -> HttpResponse:
    """The key is the form's and the plan's: pressing twice sends once, going back and changing something sends anew."""
    said = draft.sending.cleaned_data
    try:
        sent = actions.submit_request(
            actor=person(request),
            pipeline=draft.pipeline,
            family=draft.family,
            parameters=draft.parameters.values,
            segments=draft.sending.chosen(),
            reason=said["reason"],
            key=f"{said['key']}-{digest[:16]}",
        )
    except PortalError as error:
        draft.refuse(error)
        return _page(request, draft, status=error.status)
    return redirect("retraining:request", sent.pk)


def _opened_draft(
    request: PageRequest, pipeline: Pipeline, family: "ModelFamily", copied: RetrainingRequest | None
) -> Draft:
    segments = _segments(family)
    preset = pipeline.presets.get(request.GET.get("preset", ""), {})
    values = copied.parameters if copied else preset
    picked = Fleet(family, segments).asked(request.GET)
    choice = Choice(copied.plan["segments"], copied.reason) if copied else Choice(picked)
    query = _without_reserved(request.GET)
    parameters = ParametersForm.filled(pipeline.schema, values, query)
    draft = Draft(pipeline, family, segments, parameters, SendingForm.filled(segments, choice, request.GET))
    parameters.forgive_missing()
    return draft


def _sent_draft(request: PageRequest, pipeline: Pipeline, family: "ModelFamily") -> Draft:
    segments = _segments(family)
    return Draft(
        pipeline, family, segments, ParametersForm(pipeline.schema, request.POST), SendingForm(segments, request.POST)
    )


def _page(
    request: PageRequest,
    draft: Draft,
    *,
    notice: str = "",
    copied: RetrainingRequest | None = None,
    status: int = 200,
) -> HttpResponse:
    fleet = Fleet(draft.family, draft.segments)
    last = queries.requests(person(request)).filter(
        pipeline=draft.pipeline, family=draft.family, requester=person(request)
    )
    shown = _shown(request, draft) | {
        "notice": notice,
        "copied": copied,
        "dropped": sorted(set(copied.parameters) - draft.parameters.names) if copied else [],
        "last": last.first(),
        "groups": _groups([fleet.place(one) for one in draft.segments]),
        "picks": fleet.picks(),
        "ticked": draft.sending.ticked(),
        "scope": draft.sending["scope"].value(),
        "busy": queries.being_retrained(draft.family),
    }
    return render(request, PAGE, shown, status=status)


def _shown(request: PageRequest, draft: Draft) -> dict[str, Any]:
    names = {one.slug: queries.told_apart(name=one.name, slug=one.slug) for one in draft.segments}
    return {
        "draft": draft,
        "pipeline": draft.pipeline,
        "family": draft.family,
        "preview": draft.preview,
        "changed": draft.parameters.changed() if draft.preview else [],
        "busy_names": [names[slug] for slug in draft.preview.being_retrained] if draft.preview else [],
        "slots": queries.slots() if draft.preview else 0,
        "problems": _problems(draft),
        "may_send": allowed(person(request), "retraining.submit", draft.family),
        "may_use": allowed(person(request), "retraining.use", Use(draft.pipeline, draft.family)),
        "approvers": _approvers(request, draft),
    }


def _approvers(request: PageRequest, draft: Draft) -> "list[User] | None":
    """Whose yes it would wait for; None if for nobody's."""
    if draft.preview is None:
        return None
    return audiences.would_be_asked(
        pipeline=draft.pipeline, family=draft.family, requester=person(request), segments=draft.preview.runs
    )


def _problems(draft: Draft) -> list[tuple[str, str, str]]:
    """Label, address on the page and sentence of everything that keeps the form from being sent."""
    found = []
    for form in draft.forms:
        for name in _as_on_the_page(form):
            bound, sentence = form[name] if name in form.fields else None, str(form.errors[name][0])
            found.append((str(bound.label) if bound else "", f"#{bound.auto_id}" if bound else "", sentence))
    return found


def _as_on_the_page(form: BaseForm) -> list[str]:
    """Names of what is wrong: what concerns all of the form, then by field."""
    places = {name: place for place, name in enumerate(form.fields)}
    return sorted(form.errors, key=lambda name: places.get(name, -1))


def _options(actor: "User", pipelines: Sequence[Pipeline], family: "ModelFamily | None") -> list[Option]:
    """Each pipeline with the families that the actor may see, in two queries."""
    seen = {one.pk: one for one in registry.families(actor)}
    links = Pipeline.families.through.objects.filter(pipeline__in=pipelines, modelfamily__in=seen)
    serves: dict[int, list[ModelFamily]] = {}
    for pipeline_id, family_id in links.order_by("modelfamily__name").values_list("pipeline_id", "modelfamily_id"):
        if family is None or family.pk == family_id:
            serves.setdefault(pipeline_id, []).append(seen[family_id])
    return [Option(one, serves.get(one.pk, [])) for one in pipelines]


def _family(request: PageRequest, pipeline: Pipeline, copied: RetrainingRequest | None) -> "ModelFamily | None":
    """The family that is asked for, else the copied one, else the only one; None where somebody has to choose."""
    slug = request.POST.get("family") or request.GET.get("family") or (copied.family.slug if copied else "")
    families = _options(person(request), [pipeline], None)[0].families
    if not slug:
        return families[0] if len(families) == 1 else None
    for family in families:
        if family.slug == slug:
            return family
    raise Missing(f"The pipeline {pipeline} trains no family {slug[:64]!r} that you may see.")


def _copied(request: PageRequest) -> RetrainingRequest | None:
    """The request whose values begin the form. Raises Missing."""
    number = request.GET.get("copy", "")
    return queries.request(actor=person(request), request_id=int(number[:18])) if number.isdecimal() else None


def _segments(family: "ModelFamily") -> "list[Segment]":
    return list(family.dimension.segments.order_by("name", "slug"))


def _groups(places: Sequence[Place]) -> list[Group]:
    """Segments first, then the places of a fallback order, which stand for many."""
    fallback = [place for place in places if place.segment.is_fallback]
    served = _by_region([place for place in places if not place.segment.is_fallback])
    return [*served, Group("One model for many", fallback)] if fallback else served


def _by_region(places: Sequence[Place]) -> list[Group]:
    """By region where regions hold a few segments each, else all in one."""
    by_region = sorted(places, key=lambda one: (one.segment.region, one.segment.name, one.segment.slug))
    groups = [Group(region, list(found)) for region, found in groupby(by_region, key=lambda one: one.segment.region)]
    if len(groups) * SMALL_GROUPS > len(places):
        return [Group("", places)]
    return groups


def _without_reserved(query: QueryDict) -> QueryDict:
    """The address without words of the page's own; a parameter of such a name is written `parameters-<name>`."""
    left = query.copy()
    for word in ("family", "segments", "segment", "champions", "older_than", "reason", "preset", "copy"):
        left.pop(word, None)
    return left
