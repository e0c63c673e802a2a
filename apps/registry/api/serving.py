"""For those who serve models: which version is it, its signed snapshot, and who uses what."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, Missing
from apps.core.signing import key_id, public_key
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import read
from apps.registry.models import Consumption, ModelVersion
from apps.registry.models.family import CHAMPION

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from apps.registry.queries import Resolution

MOST_SEGMENTS = 1_000


class ResolveView(APIView):
    """Which version serves a segment."""

    @extend_schema(
        operation_id="families_resolve",
        parameters=[
            OpenApiParameter("segment", str, many=True, description="Slugs; repeat it for several, all if not said."),
            OpenApiParameter("alias", str, default=CHAMPION),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="304 while it is the same."),
        ],
        responses={200: shapes.ResolutionSerializer, 304: None},
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Walks the family's fallback order where a segment has no version of its own, and says so.

        May be kept as long as `Cache-Control` says, a setting of the family. 404 when none of the segments has one;
        503 with `Retry-After` while the database is away.
        """
        family = queries.family_to_resolve(actor=person(request), slug=slug)
        found = queries.resolution(family=family, alias=_plain(request, "alias") or CHAMPION, slugs=_segments(request))
        if not found.resolved:
            raise Missing(_nothing(found))
        actions.count_resolved(actor=person(request), versions=[row.version_id for row in found.resolved])
        return _kept_for(request, family.resolve_cache_seconds, shapes.ResolutionSerializer(found).data)


def _segments(request: Request) -> list[str]:
    """Raises Invalid for too many."""
    asked = [slug.replace("\0", "") for slug in request.query_params.getlist("segment")]
    if len(asked) > MOST_SEGMENTS:
        raise Invalid(f"At most {MOST_SEGMENTS:,} segments at once; leave them out for all.", field="segment")
    return asked


def _plain(request: Request, name: str) -> str:
    return request.query_params.get(name, "").replace("\0", "")


def _nothing(found: Resolution) -> str:
    names = ", ".join(found.without[:5]) or "any segment"
    return f"{found.family} has no {found.alias} for {names}, and its fallback order leads to none."


def _kept_for(request: Request, seconds: int, data: Any) -> HttpResponseBase:
    """The JSON with a strong ETag; 304 without it for who has it already."""
    body = JSONRenderer().render(data)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type="application/json")
    response["ETag"] = etag
    patch_cache_control(response, private=True, max_age=seconds)
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return get_conditional_response(request._request, etag=etag, response=response) or response


class SnapshotView(APIView):
    """The signed file of a family's aliases, as serving reads it from the store while the portal is away."""

    @extend_schema(operation_id="families_snapshot", responses=shapes.SnapshotSerializer)
    def get(self, request: Request, slug: str) -> HttpResponse:
        """404 until the family's first champion is published."""
        family = queries.family_to_resolve(actor=person(request), slug=slug)
        return HttpResponse(queries.snapshot_file(family), content_type="application/json")


class SnapshotKeyView(APIView):
    """The key that snapshots are signed by."""

    @extend_schema(operation_id="snapshot_key", responses=shapes.SnapshotKeySerializer)
    def get(self, request: Request) -> Response:
        """Keep it where serving is: a snapshot is believed for this key only."""
        return Response({"algorithm": "Ed25519", "key_id": key_id(), "public_key": public_key()})


class ConsumptionView(ListAPIView[Consumption]):
    """Who uses a version: counted every few seconds beside the requests, so what a killed process saw last is lost."""

    serializer_class = shapes.ConsumptionSerializer
    filter_backends = ()
    queryset = Consumption.objects.none()

    def get_queryset(self) -> QuerySet[Consumption]:
        return queries.consumption(self._version())

    @extend_schema(request=shapes.ServingSerializer, responses={204: None}, operation_id="versions_report_serving")
    def post(self, request: Request, version_id: int) -> Response:
        """Says "I serve this version there"; once a day keeps it from the list of those safe to delete."""
        place = read(shapes.ServingSerializer, request)["place"]
        actions.report_serving(actor=person(request), version=self._version(), place=place)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _version(self) -> ModelVersion:
        return queries.versions_by_id(actor=person(self.request), ids=[self.kwargs["version_id"]])[0]


class UnusedVersionView(ListAPIView[ModelVersion]):
    """Versions that are safe to delete: no alias, and nobody has used them for so many days."""

    serializer_class = shapes.VersionSerializer
    filter_backends = ()
    queryset = ModelVersion.objects.none()

    @extend_schema(parameters=[shapes.UnusedSerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The preview of deleting them."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ModelVersion]:
        wanted = shapes.UnusedSerializer(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        family = queries.family(actor=person(self.request), slug=self.kwargs["slug"])
        return queries.unused_versions(family, **wanted.validated_data).prefetch_related("aliases")

    @extend_schema(
        request=shapes.DeleteUnusedSerializer, responses={204: None}, operation_id="families_delete_unused_versions"
    )
    def post(self, request: Request, slug: str) -> Response:
        """Deletes these of them, all or none; 409 when one is used meanwhile."""
        body = read(shapes.DeleteUnusedSerializer, request)
        family = queries.family(actor=person(request), slug=slug)
        actions.delete_unused(actor=person(request), family=family, **body)
        return Response(status=status.HTTP_204_NO_CONTENT)
