"""API of tracking: experiments, runs, what they reported, their files. All of it is read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.artifacts.queries import file, files_of
from apps.artifacts.sending import send
from apps.tracking import queries
from apps.tracking.models import Experiment, Metric, Run
from apps.tracking.serializers import (
    ExperimentSerializer,
    FileSerializer,
    MetricSerializer,
    RunDetailSerializer,
    RunSerializer,
)

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request


class ExperimentFilter(django_filters.FilterSet):
    team = django_filters.CharFilter("team__slug")
    name = django_filters.CharFilter("name", lookup_expr="icontains")


class ExperimentViewSet(ReadOnlyModelViewSet[Experiment]):
    """Experiments you may see, by name."""

    serializer_class = ExperimentSerializer
    filterset_class = ExperimentFilter
    lookup_value_regex = "[0-9]{1,18}"
    queryset = Experiment.objects.none()

    def get_queryset(self) -> QuerySet[Experiment]:
        return queries.experiments(person(self.request))


class RunFilter(django_filters.FilterSet):
    experiment = django_filters.CharFilter("experiment__name")
    status = django_filters.ChoiceFilter(choices=Run.Status)
    user = django_filters.CharFilter("user__username")


class RunViewSet(ReadOnlyModelViewSet[Run]):
    """Runs you may see, the newest first."""

    filterset_class = RunFilter
    queryset = Run.objects.none()

    def get_queryset(self) -> QuerySet[Run]:
        return queries.runs(person(self.request))

    def get_object(self) -> Run:
        return queries.run(actor=person(self.request), run_id=self.kwargs["pk"])

    def get_serializer_class(self) -> type[RunSerializer]:
        return RunDetailSerializer if self.action == "retrieve" else RunSerializer


class MetricFilter(django_filters.FilterSet):
    key = django_filters.CharFilter("key")


class MetricListView(ListAPIView[Metric]):
    """Every point that the run reported, by key in the order of its steps."""

    serializer_class = MetricSerializer
    filterset_class = MetricFilter
    queryset = Metric.objects.none()

    def get_queryset(self) -> QuerySet[Metric]:
        return queries.metric_history(queries.run(actor=person(self.request), run_id=self.kwargs["run_id"]))


class FileListView(ListAPIView[Any]):
    """The run's files, by path."""

    serializer_class = FileSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        return files_of(queries.run(actor=person(self.request), run_id=self.kwargs["run_id"]).tree)


class FileView(APIView):
    """The verified bytes of one file, as a download: from here, or 302 to where a large one is to be had."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, run_id: str, path: str) -> HttpResponseBase:
        tree = queries.run(actor=person(request), run_id=run_id).tree
        found = file(tree=tree, path=path)
        return send(found)
