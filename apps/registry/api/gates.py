"""The kinds of gates, and what other gates would say; nothing is changed here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.signed_in import person
from apps.registry import queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import read
from apps.registry.gates import KINDS, GateSpec
from apps.registry.models.family import CHAMPION

if TYPE_CHECKING:
    from rest_framework.request import Request


class GateKindListView(APIView):
    """The kinds of gates there are, with their settings and defaults."""

    @extend_schema(responses=shapes.GateKindsSerializer)
    def get(self, request: Request) -> Response:
        return Response(shapes.GateKindsSerializer({"kinds": list(KINDS.values())}).data)


class GatePreviewView(APIView):
    """What gates say of today's candidates, a row per segment."""

    @extend_schema(
        parameters=[OpenApiParameter("alias", str, description="For which alias; champion when it is not said.")],
        responses=shapes.GatePreviewSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """The gates of now."""
        family = queries.family(actor=person(request), slug=slug)
        alias = request.query_params.get("alias", CHAMPION)
        return Response(shapes.GatePreviewSerializer(queries.gate_preview(family, alias=alias)).data)

    @extend_schema(request=shapes.ProposedGatesSerializer, responses=shapes.GatePreviewSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Proposed gates; they are tried and not kept."""
        family = queries.family(actor=person(request), slug=slug)
        body = read(shapes.ProposedGatesSerializer, request)
        gates = [GateSpec(**gate) for gate in body["gates"]]
        return Response(shapes.GatePreviewSerializer(queries.gate_preview(family, gates, body["alias"])).data)
