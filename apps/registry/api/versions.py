"""Versions and their verified files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.artifacts.queries import file, files_of
from apps.artifacts.sending import send
from apps.core.downloads import elsewhere
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import NUMBER, read
from apps.registry.models import ModelFamily, ModelVersion

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request


class VersionFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("model__family__slug")
    segment = django_filters.CharFilter("model__segment__slug")
    model = django_filters.CharFilter("model__name")
    alias = django_filters.CharFilter("aliases__name")
    run = django_filters.CharFilter("run")
    pipeline = django_filters.CharFilter("pipeline")
    kind = django_filters.CharFilter("kind", help_text="trained, baseline or imported.")


class VersionViewSet(ReadOnlyModelViewSet[ModelVersion]):
    """Model versions you may see, the newest first."""

    filterset_class = VersionFilter
    lookup_value_regex = NUMBER
    queryset = ModelVersion.objects.none()

    def get_queryset(self) -> QuerySet[ModelVersion]:
        return queries.all_versions(person(self.request))

    def get_serializer_class(self) -> type[shapes.VersionSerializer]:
        return shapes.VersionSerializer if self.action == "list" else shapes.VersionDetailSerializer

    @extend_schema(request=shapes.DescriptionSerializer, responses=shapes.VersionDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """The description is all that can change."""
        version = self.get_object()
        actions.describe_version(actor=person(request), version=version, **read(shapes.DescriptionSerializer, request))
        return Response(shapes.VersionDetailSerializer(version).data)


class VersionCardView(APIView):
    """The version's card: what people wrote, their family's words, and what the record says."""

    @extend_schema(responses=shapes.WholeCardSerializer)
    def get(self, request: Request, version_id: int) -> Response:
        card = queries.card_of(actor=person(request), version=_version(request, version_id))
        return Response(shapes.WholeCardSerializer(card).data)

    @extend_schema(request=shapes.SeenCardSerializer, responses=shapes.VersionDetailSerializer)
    def put(self, request: Request, version_id: int) -> Response:
        """Replaces what people wrote on it; 409 if it is not any more what `seen` names."""
        version = _version(request, version_id)
        actions.fill_card(actor=person(request), version=version, **read(shapes.SeenCardSerializer, request))
        return Response(shapes.VersionDetailSerializer(version).data)


class FamilyCardView(APIView):
    """What is true of all versions of a family; each version's card takes it over."""

    @extend_schema(operation_id="families_card", responses=shapes.WholeCardSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(shapes.WholeCardSerializer(queries.family_card(_family(request, slug))).data)

    @extend_schema(
        operation_id="families_card_write", request=shapes.SeenCardSerializer, responses=shapes.WholeCardSerializer
    )
    def put(self, request: Request, slug: str) -> Response:
        """Replaces what people wrote on it; 409 if it is not any more what `seen` names."""
        body, family = read(shapes.SeenCardSerializer, request), _family(request, slug)
        written = actions.fill_family_card(actor=person(request), family=family, **body)
        return Response(shapes.WholeCardSerializer(queries.family_card(written)).data)


class VersionFileListView(ListAPIView[Any]):
    """The version's files, by path; they can not change."""

    serializer_class = shapes.StoredFileSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        return files_of(_version(self.request, self.kwargs["version_id"]).its_tree)


class VersionFileView(APIView):
    """The verified bytes of one file, as a download: from here, or 302 to where a large one is to be had."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, version_id: int, path: str) -> HttpResponseBase:
        tree = _version(request, version_id).its_tree
        found = file(tree=tree, path=path)
        actions.count_download(actor=person(request), version=version_id)
        return send(found)


class VersionDataView(APIView):
    """Data in S3 that its run or its source names; what an S3 connection covers can be downloaded."""

    @extend_schema(responses=shapes.VersionDataSerializer(many=True))
    def get(self, request: Request, version_id: int) -> Response:
        version = _version(request, version_id)
        found = queries.data_of(version, queries.origin_of_version(actor=person(request), version=version))
        return Response(shapes.VersionDataSerializer(found, many=True).data)


class VersionDatumView(APIView):
    """302 to an address in S3 that hands out this one object for a minute."""

    @extend_schema(responses={302: None})
    def get(self, request: Request, version_id: int, number: int) -> HttpResponseBase:
        version = _version(request, version_id)
        return elsewhere(queries.data_download(actor=person(request), version=version, number=number))


def _family(request: Request, slug: str) -> ModelFamily:
    return queries.family(actor=person(request), slug=slug)


def _version(request: Request, version_id: int) -> ModelVersion:
    return queries.versions_by_id(actor=person(request), ids=[version_id])[0]
