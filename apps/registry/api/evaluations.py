"""Evaluations: asked for here, written by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.core.errors import Conflict
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import NUMBER, chosen, read
from apps.registry.models import Evaluation, ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from rest_framework.request import Request


class EvaluationFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("model__family__slug")
    model = django_filters.CharFilter("model__name")
    candidate = django_filters.NumberFilter("candidate", help_text="Id of a version.")
    status = django_filters.ChoiceFilter(choices=Evaluation.Status)


class EvaluationViewSet(ReadOnlyModelViewSet[Evaluation]):
    """Evaluations you may see, the newest first. Only a worker writes their numbers."""

    filterset_class = EvaluationFilter
    lookup_value_regex = NUMBER
    queryset = Evaluation.objects.none()

    def get_queryset(self) -> QuerySet[Evaluation]:
        found = queries.evaluations(person(self.request))
        return found if self.action == "list" else found.defer(None)

    def get_serializer_class(self) -> type[shapes.EvaluationSerializer]:
        return shapes.EvaluationSerializer if self.action == "list" else shapes.EvaluationDetailSerializer

    @extend_schema(responses=shapes.RecomputedSerializer, filters=False)
    @action(detail=True, pagination_class=None, filter_backends=[])
    def daily(self, request: Request, pk: str) -> Response:
        """The errors by day, and every stored number computed from them once more."""
        found = queries.evaluation(actor=person(request), evaluation_id=int(pk))
        return Response(shapes.RecomputedSerializer(queries.recomputed(found)).data)

    @extend_schema(
        request=shapes.NewEvaluationsSerializer,
        responses={202: shapes.EvaluationSerializer(many=True)},
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Asks for evaluations against the champions of now; made once, however often it is asked."""
        body = read(shapes.NewEvaluationsSerializer, request)
        family, versions = chosen(request, body)
        first, last = _window(family, body)
        asked = actions.request_evaluations(
            actor=person(request), family=family, candidates=versions, window_first=first, window_last=last
        )
        return Response(shapes.EvaluationSerializer(asked, many=True).data, status=status.HTTP_202_ACCEPTED)


class CourseView(APIView):
    """How a family's versions did over time."""

    @extend_schema(
        operation_id="families_course", parameters=[shapes.WhichSegmentSerializer], responses=shapes.CourseSerializer
    )
    def get(self, request: Request, slug: str) -> Response:
        """Their metric by the day that training ended and by month, and whether who wins a month wins the next."""
        asked = shapes.WhichSegmentSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        family, segment = queries.family(actor=person(request), slug=slug), asked.validated_data["segment"]
        queries.segments_by_slug(family, [segment] if segment else [])
        course = {"vintages": queries.vintages(family, segment=segment), "steps": queries.persistence(family)}
        return Response(shapes.CourseSerializer(course).data)


def _window(family: ModelFamily, body: Mapping[str, Any]) -> tuple[Any, Any]:
    newest = queries.newest_window(family)
    first, last = body["window_first"], body["window_last"]
    if first and last:
        return first, last
    if newest is None:
        raise Conflict("The family has no month with labels yet, so nothing can be evaluated.")
    return newest
