"""API of what needs several parts of the portal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.signed_in import person
from apps.catalog import queries as catalog
from apps.core.errors import Invalid
from apps.dashboard import queries
from apps.dashboard.fleet import FILTERS, MEASURES, SORTS, Row, State, wanted
from apps.dashboard.measures import exposition
from apps.lineage.serializers import ToldRunSerializer
from apps.platforms.serializers import LinkOutSerializer
from apps.registry.queries import family as family_named
from apps.registry.queries import origin_of_version, segments_by_slug, versions_by_id
from apps.registry.serializers import FleetRowSerializer
from apps.retraining import queries as retraining
from apps.tracking.queries import run as tracked_run

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.accounts.models import User
    from apps.dashboard.queries import Radius
    from apps.platforms.queries import LinkOut

LONGEST_NAME = 64


class HitSerializer(serializers.Serializer[object]):
    """A family that is hit, and how it hangs on the tools."""

    slug = serializers.SlugField(source="family.slug")
    name = serializers.CharField(source="family.name")
    tier = serializers.IntegerField(source="family.tier")
    ways = serializers.ListField(child=serializers.CharField())


class RadiusSerializer(serializers.Serializer[object]):
    """The tools of a vendor or ecosystem that we have a position on or use, and what hangs on them, tier 1 first."""

    name = serializers.CharField(source="blast.name")
    tools = serializers.SerializerMethodField()
    families = HitSerializer(source="hits", many=True)
    teams = serializers.ListField(source="blast.teams", child=serializers.CharField())

    @extend_schema_field(serializers.ListField(child=serializers.SlugField()))
    def get_tools(self, radius: Radius) -> list[str]:
        return [tool.slug for tool in radius.tools]


class ToolUseSerializer(serializers.Serializer[object]):
    """A tool that a family or one of its pipelines uses; `ring` is null where we have no position on it."""

    tool = serializers.SlugField(source="tool.slug")
    name = serializers.CharField(source="tool.name")
    ring = serializers.CharField(source="tool.position.ring", allow_null=True, default=None)
    kind = serializers.CharField(help_text="family or pipeline.")
    by = serializers.CharField(source="name", help_text="Slug of the family or pipeline.")
    how = serializers.CharField(help_text="declared, or discovered in segment runs.")
    version = serializers.CharField()


class FamilyToolsView(ListAPIView[Any]):
    """The tools that a family uses, by itself or through its pipelines."""

    serializer_class = ToolUseSerializer
    filter_backends = ()

    def get_queryset(self) -> Any:
        reader = person(self.request)
        return queries.tools_of(actor=reader, family=family_named(actor=reader, slug=self.kwargs["slug"]))


class ToolFamiliesView(ListAPIView[Any]):
    """The families that hang on a tool, those of tier 1 first: they use it, or a pipeline of theirs, or their team."""

    serializer_class = HitSerializer
    filter_backends = ()

    def get_queryset(self) -> Any:
        reader = person(self.request)
        return queries.families_of(actor=reader, tool=catalog.tool(actor=reader, slug=self.kwargs["slug"]))


class EcosystemView(APIView):
    """What is hit if an ecosystem or vendor goes: `?name=AWS`."""

    @extend_schema(parameters=[OpenApiParameter("name", str)], responses=RadiusSerializer)
    def get(self, request: Request) -> Response:
        name = request.query_params.get("name", "").replace("\0", "")[:LONGEST_NAME]
        return Response(RadiusSerializer(queries.radius(actor=person(request), name=name)).data)


class VersionGapSerializer(serializers.Serializer[object]):
    """How much better a version is than the reference; bounds only where both were scored on the same rows."""

    how = serializers.CharField(help_text="same rows or other rows.")
    difference = serializers.FloatField()
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)


class OwnIntervalSerializer(serializers.Serializer[object]):
    """A version's own metric with its 90 % interval."""

    mean = serializers.FloatField()
    lower = serializers.FloatField(allow_null=True)
    upper = serializers.FloatField(allow_null=True)


class MeasuredSerializer(serializers.Serializer[object]):
    evaluation = serializers.IntegerField()
    role = serializers.CharField(help_text="candidate or champion of that evaluation.")
    metric = serializers.FloatField()
    baseline = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField(source="row_count")
    days = serializers.IntegerField(source="day_count")


class ComparedVersionSerializer(serializers.Serializer[object]):
    """A version of the comparison; `score` is null where nobody measured it on the window."""

    id = serializers.IntegerField(source="version.pk")
    model = serializers.CharField(source="version.model.name")
    number = serializers.IntegerField(source="version.number")
    family = serializers.CharField(source="family.slug", allow_null=True, default=None)
    metric = serializers.CharField(source="family.metric", allow_null=True, default=None)
    unit = serializers.CharField(source="family.unit", allow_null=True, default=None)
    aliases = serializers.ListField(source="marks", child=serializers.CharField())
    is_reference = serializers.BooleanField()
    score = MeasuredSerializer(source="score.measured", allow_null=True)
    against_reference = VersionGapSerializer(source="score.gap", allow_null=True)
    own_interval = OwnIntervalSerializer(source="score.interval", allow_null=True)
    trained_on_window = serializers.BooleanField(source="score.trained_on_it")


class ComparedWindowSerializer(serializers.Serializer[object]):
    first = serializers.DateField()
    last = serializers.DateField()


class ComparedMonthSerializer(serializers.Serializer[object]):
    """The metric of each version on a window, in the order of the versions, and whose was best (an index)."""

    first = serializers.DateField(source="window.first")
    last = serializers.DateField(source="window.last")
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))
    winner = serializers.IntegerField(allow_null=True)


class ComparedLineSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())
    differs = serializers.BooleanField()


class ComparedGroupSerializer(serializers.Serializer[object]):
    title = serializers.CharField()
    lines = ComparedLineSerializer(many=True)


class ComparisonSerializer(serializers.Serializer[object]):
    """Two to six versions beside each other; the first is the reference."""

    window = ComparedWindowSerializer(allow_null=True)
    windows = ComparedWindowSerializer(many=True)
    versions = ComparedVersionSerializer(source="columns", many=True)
    months = ComparedMonthSerializer(many=True)
    stays = serializers.CharField(help_text="Whether who wins a month wins the next, in a sentence.")
    groups = ComparedGroupSerializer(many=True)


class CompareView(APIView):
    """Versions of a family, or of others beside them, side by side."""

    @extend_schema(
        operation_id="families_compare",
        parameters=[
            OpenApiParameter("versions", str, description="Ids, `atlanta/3` or `atlanta@champion`, between commas."),
            OpenApiParameter("segment", str, description="Instead of versions: its champion and its newest one."),
            OpenApiParameter("month", str, description="Last day of the window to compare on."),
            OpenApiParameter("only", str, description="Anything: only lines that differ."),
        ],
        responses=ComparisonSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Metrics with paired intervals where the rows are the same, parameters, data, schema, code and tags."""
        family = family_named(actor=person(request), slug=slug)
        asked = {name: _plain(request, name) for name in ("versions", "segment", "month", "only")}
        if asked["segment"]:
            chosen = queries.champion_and_newest(actor=person(request), family=family, segment=asked["segment"])
        else:
            names = asked["versions"].split(",")
            chosen = queries.named_versions(actor=person(request), family=family, names=names)
        if not chosen:
            raise Invalid("Name two to six versions, or a segment.", field="versions")
        only = bool(asked["only"])
        found = queries.comparison(actor=person(request), versions=chosen, month=asked["month"], only_differences=only)
        return Response(ComparisonSerializer(found).data)


def _plain(request: Request, name: str) -> str:
    return request.query_params.get(name, "").replace("\0", "")


class MetricsView(APIView):
    """Runs, workers, verdicts, promotions, deliveries, servers and answers in numbers, for Prometheus with a token."""

    @extend_schema(operation_id="metrics_retrieve", responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


class LastRunSerializer(serializers.Serializer[object]):
    """The newest segment run; `ended_ago` in seconds, null while it is under way."""

    id = serializers.IntegerField()
    status = serializers.CharField()
    reason = serializers.CharField()
    ended_ago = serializers.FloatField(allow_null=True)


class AlarmSerializer(serializers.Serializer[object]):
    """What a signal says of the segment's data now."""

    id = serializers.IntegerField(help_text="The signal.")
    kind = serializers.CharField()
    summary = serializers.CharField()


class FleetSerializer(FleetRowSerializer):
    """A segment as the map and its table show it."""

    state = serializers.ChoiceField(
        choices=[state.value for state in State], help_text="What is known of the candidate."
    )
    worse_by = serializers.FloatField(
        allow_null=True,
        help_text="The champion against the plain baseline on the newest month: 0.1 is ten percent worse. "
        "Null where one of them was not measured, or the baseline is 0.",
    )
    last_run = LastRunSerializer(allow_null=True)
    alarms = AlarmSerializer(many=True)
    is_retraining = serializers.BooleanField()


FLEET_QUERY = [
    OpenApiParameter("state", enum=list(FILTERS), description="Only these."),
    OpenApiParameter("q", description="Every word is in the name, the slug or the region."),
    OpenApiParameter("over", float, description="Champions worse than their baseline by more than so many percent."),
    OpenApiParameter("show", enum=list(MEASURES), description="The worst of this comes first."),
    OpenApiParameter("sort", enum=[*SORTS, *(f"-{key}" for key in SORTS)], description="Another order."),
    OpenApiParameter("group", enum=["region"], description="Region by region, each in that order."),
    OpenApiParameter("request", int, description="Only where this retraining request made the candidate."),
]


class FleetView(APIView):
    """A row per segment: champion, newest month, candidate, verdicts, last run, alarms; filtered and sorted as on the
    page, the worst against the plain baseline first. Not paged: a map shows all of it.
    """

    @extend_schema(parameters=FLEET_QUERY, responses=FleetSerializer(many=True), operation_id="families_fleet_list")
    def get(self, request: Request, slug: str) -> Response:
        family = family_named(actor=person(request), slug=slug)
        page = queries.fleet_page(actor=person(request), family=family, wish=wanted(request.query_params))
        return Response(FleetSerializer([_told(row) for row in page.rows], many=True).data)


def _told(row: Row) -> dict[str, object]:
    """The registry's row, and what was made of it."""
    own = {name: getattr(row, name) for name in ("state", "last_run", "alarms", "is_retraining")}
    share = None if row.worse_by is None or math.isinf(row.worse_by) else row.worse_by
    return {name: getattr(row.cell, name) for name in REGISTRY_S} | own | {"worse_by": share}


REGISTRY_S = tuple(FleetRowSerializer().fields)


class LinksView(APIView):
    """The same thing in other products of the company: the links that its page shows. None where none are set."""

    def found(self, actor: User, **named: Any) -> list[LinkOut]:
        raise NotImplementedError

    @extend_schema(responses=LinkOutSerializer(many=True))
    def get(self, request: Request, **named: Any) -> Response:
        return Response(LinkOutSerializer(self.found(person(request), **named), many=True).data)


class VersionLinksView(LinksView):
    def found(self, actor: User, **named: Any) -> list[LinkOut]:
        return queries.links_of_version(actor, versions_by_id(actor=actor, ids=[named["version_id"]])[0])


class TrackedLinksView(LinksView):
    def found(self, actor: User, **named: Any) -> list[LinkOut]:
        return queries.links_of_tracked(actor, tracked_run(actor=actor, run_id=named["run_id"]))


class SegmentRunLinksView(LinksView):
    def found(self, actor: User, **named: Any) -> list[LinkOut]:
        return retraining.links_of_run(actor, retraining.segment_run(actor=actor, run_id=named["run_id"]))


class RequestLinksView(LinksView):
    def found(self, actor: User, **named: Any) -> list[LinkOut]:
        return retraining.links_of_request(retraining.request(actor=actor, request_id=named["request_id"]))


class SegmentLinksView(LinksView):
    def found(self, actor: User, **named: Any) -> list[LinkOut]:
        family = family_named(actor=actor, slug=named["slug"])
        return queries.links_of_segment(family, segments_by_slug(family, [named["segment"]])[0].slug)


class SourceSerializer(serializers.Serializer[object]):
    """A data set or feature view that the run used; `said` is who says so."""

    name = serializers.CharField()
    kind = serializers.CharField(help_text="Data set or Feature view.")
    used_for = serializers.CharField(help_text="training, evaluation … as the run said; or empty.")
    detail = serializers.CharField()
    said = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    written_by: Any = ToldRunSerializer(allow_null=True)


class LineageSerializer(serializers.Serializer[object]):
    """Run, commit, parameters, data sets and feature views, as the run logged them and others told of it."""

    run = serializers.CharField(source="origin.run", default=None, allow_null=True)
    experiment = serializers.CharField(source="origin.experiment", default=None, allow_null=True)
    commit = serializers.CharField(help_text="Empty: nobody said it.")
    repository = serializers.CharField()
    parameters = serializers.DictField(child=serializers.CharField(), source="origin.params", default=dict)
    sources = SourceSerializer(many=True)
    told = ToldRunSerializer(many=True, source="parts")


class VersionLineageView(APIView):
    """Where a version comes from: its run, the commit, the parameters, the data and feature views that it used."""

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, version_id: int) -> Response:
        actor = person(request)
        version = versions_by_id(actor=actor, ids=[version_id])[0]
        origin = origin_of_version(actor=actor, version=version)
        found = queries.lineage_of_version(actor=actor, version=version, origin=origin)
        return Response(LineageSerializer(found).data)


class RunLineageView(APIView):
    """The same of one run."""

    @extend_schema(responses=LineageSerializer)
    def get(self, request: Request, run_id: str) -> Response:
        run = tracked_run(actor=person(request), run_id=run_id)
        return Response(LineageSerializer(queries.lineage_of_run(actor=person(request), run=run)).data)
