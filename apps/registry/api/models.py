"""Registered models, their versions and the history of their aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.core.errors import Missing
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import NAME, read
from apps.registry.models import AliasMove, ModelVersion, RegisteredModel

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class ModelFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    segment = django_filters.CharFilter("segment__slug")


class ModelViewSet(ReadOnlyModelViewSet[RegisteredModel]):
    """Registered models you may see, by name; each is one segment's, with its aliases."""

    serializer_class = shapes.ModelSerializer
    filterset_class = ModelFilter
    lookup_field = "name"
    lookup_value_regex = NAME
    queryset = RegisteredModel.objects.none()

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return queries.models(person(self.request))

    @extend_schema(request=shapes.ModelRollbackSerializer, responses=shapes.RollbackSerializer)
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str) -> Response:
        """Back to what was champion before. Say which version you take back, and a second click does nothing."""
        body = dict(read(shapes.ModelRollbackSerializer, request))
        version = _taken_back(request, name, body.pop("version"), body["alias"])
        done = actions.rollback(actor=person(request), family=version.model.its_family, versions=[version], **body)
        return Response(shapes.RollbackSerializer(done).data)


def _taken_back(request: Request, name: str, number: int | None, alias: str) -> ModelVersion:
    if number is not None:
        return queries.version(actor=person(request), model=name, number=number)
    champion = queries.champion_of(queries.model(actor=person(request), name=name), alias)
    if champion is None:
        raise Missing(f"{name} has no {alias} that could be taken back.")
    return champion


class ModelVersionListView(ListAPIView[ModelVersion]):
    """The versions of one model, the newest first."""

    serializer_class = shapes.VersionSerializer
    filter_backends = ()
    queryset = ModelVersion.objects.none()

    def get_queryset(self) -> QuerySet[ModelVersion]:
        return queries.versions(queries.model(actor=person(self.request), name=self.kwargs["name"]))


class AliasHistoryView(ListAPIView[AliasMove]):
    """Every move of the model's champion, the newest first."""

    serializer_class = shapes.AliasMoveSerializer
    filter_backends = ()
    queryset = AliasMove.objects.none()

    def get_queryset(self) -> QuerySet[AliasMove]:
        return queries.alias_history(queries.model(actor=person(self.request), name=self.kwargs["name"]))
