"""Is a model of its own worth it, segment by segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.signed_in import person
from apps.registry import actions, queries
from apps.registry import serializers as shapes

if TYPE_CHECKING:
    from rest_framework.request import Request


class WorthView(APIView):
    """Each champion beside the model that is shared by many and the plain baseline, on identical rows."""

    @extend_schema(
        operation_id="families_worth_it", parameters=[shapes.WhichMonthSerializer], responses=shapes.WorthSerializer
    )
    def get(self, request: Request, slug: str) -> Response:
        """Not paged: it is one row for each segment. The shared model is what resolve would fall back to."""
        asked = shapes.WhichMonthSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        family = queries.family(actor=person(request), slug=slug)
        return Response(shapes.WorthSerializer(queries.worth(family, asked.validated_data["month"])).data)

    @extend_schema(
        operation_id="families_compare_with_shared",
        request=None,
        responses={202: shapes.EvaluationSerializer(many=True)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Has every champion scored beside the shared model on the newest month; made once, however often asked."""
        family = queries.family(actor=person(request), slug=slug)
        asked = actions.compare_with_shared(actor=person(request), family=family)
        return Response(shapes.EvaluationSerializer(asked, many=True).data, status=status.HTTP_202_ACCEPTED)
