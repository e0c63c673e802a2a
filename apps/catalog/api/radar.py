"""API of radar editions, measures, ecosystems, imports and downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.api.sent import sent
from apps.catalog.downloads import file_of
from apps.catalog.models import RadarEdition
from apps.catalog.queries import measures
from apps.catalog.serializers import needs as shapes
from apps.core.downloads import text_download

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpResponse
    from rest_framework.request import Request


class EditionViewSet(ReadOnlyModelViewSet[RadarEdition]):
    """The radar as it was published, the newest first; an edition never changes."""

    serializer_class = shapes.EditionSerializer
    queryset = RadarEdition.objects.none()
    lookup_field = "name"
    lookup_value_regex = "[A-Za-z0-9._-]+"

    def get_queryset(self) -> QuerySet[RadarEdition]:
        return queries.editions(actor=person(self.request))

    @extend_schema(request=shapes.NewEditionSerializer, responses={201: shapes.EditionSerializer})
    def create(self, request: Request) -> Response:
        """Freeze the radar as it is now."""
        made = actions.publish_edition(actor=person(request), **sent(shapes.NewEditionSerializer, request))
        return Response(shapes.EditionSerializer(made).data, status=status.HTTP_201_CREATED)


class OverviewView(APIView):
    """Measures of the zoo, each with its formula, and which bets got weaker."""

    @extend_schema(responses=shapes.OverviewSerializer)
    def get(self, request: Request) -> Response:
        actor = person(request)
        told = {"measures": measures.zoo(actor=actor).measures, "signs": measures.weaker(actor=actor)}
        return Response(shapes.OverviewSerializer(told).data)


class ImportView(APIView):
    """A file of another product, with its difference first."""

    @extend_schema(request=shapes.NewImportSerializer, responses=shapes.DifferenceSerializer)
    def post(self, request: Request) -> Response:
        made = actions.import_file(actor=person(request), **sent(shapes.NewImportSerializer, request))
        return Response(shapes.DifferenceSerializer(made).data)


class FileView(APIView):
    """The catalog as another product reads it: radar.csv, tech-radar.json, catalog-info.yaml, catalog.ics and more."""

    @extend_schema(responses={200: OpenApiResponse(description="The file, as a download.")})
    def get(self, request: Request, name: str) -> HttpResponse:
        made = file_of(name, actor=person(request), site=request.build_absolute_uri("/").rstrip("/"))
        return text_download(made.text, name=name, kind=made.kind)
