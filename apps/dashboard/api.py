"""API of what needs several parts of the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.signed_in import person
from apps.dashboard import queries

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.dashboard.queries import Radius

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


class EcosystemView(APIView):
    """What is hit if an ecosystem or vendor goes: `?name=AWS`."""

    @extend_schema(parameters=[OpenApiParameter("name", str)], responses=RadiusSerializer)
    def get(self, request: Request) -> Response:
        name = request.query_params.get("name", "").replace("\0", "")[:LONGEST_NAME]
        return Response(RadiusSerializer(queries.radius(actor=person(request), name=name)).data)
