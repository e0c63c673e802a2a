"""Registered models, their versions and the history of their aliases."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import django_filters
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.core.errors import Invalid, Missing
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import NAME, read
from apps.registry.models import AliasMove, ModelVersion, RegisteredModel
from apps.registry.models.family import CHAMPION

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class ModelFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    segment = django_filters.CharFilter("segment__slug")
    alone = django_filters.BooleanFilter("family", lookup_expr="isnull")


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

    @extend_schema(request=shapes.RestoreSerializer, responses=shapes.RollbackSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, name: str) -> Response:
        """Goes back to a version that held the alias before; one that never did needs a promotion."""
        body = dict(read(shapes.RestoreSerializer, request))
        version = queries.version(actor=person(request), model=name, number=body.pop("version"))
        done = actions.restore(actor=person(request), family=version.model.its_family, versions=[version], **body)
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
    """Every move of one of the model's aliases, the newest first; the champion's if not said."""

    serializer_class = shapes.AliasMoveSerializer
    filter_backends = ()
    queryset = AliasMove.objects.none()

    @extend_schema(parameters=[OpenApiParameter("alias", str, default=CHAMPION)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AliasMove]:
        model = queries.model(actor=person(self.request), name=self.kwargs["name"])
        return queries.alias_history(model, _plain(self.request.query_params.get("alias", CHAMPION)))


class AliasView(APIView):
    """One alias of a model: at any time, and moved as the rules allow."""

    @extend_schema(
        parameters=[OpenApiParameter("at", str, description="A day (its end counts) or a moment; now if not said.")],
        responses=shapes.AliasAtSerializer,
    )
    def get(self, request: Request, name: str, alias: str) -> Response:
        """What it pointed to at that time, who moved it there, on which evidence."""
        model = queries.model(actor=person(request), name=name)
        at = _moment(request.query_params.get("at", ""))
        return Response(shapes.AliasAtSerializer(queries.alias_at(model, at, alias)).data)

    @extend_schema(request=shapes.PointSerializer, responses=shapes.AliasAtSerializer)
    def put(self, request: Request, name: str, alias: str) -> Response:
        """Points it to a version. A protected one is promoted at once where the rules allow it; else 403 says what is
        missing, and where it waits.
        """
        body = read(shapes.PointSerializer, request)
        version = queries.version(actor=person(request), model=name, number=body["version"])
        actions.move_alias(actor=person(request), version=version, alias=alias, reason=body["reason"])
        return Response(shapes.AliasAtSerializer(queries.alias_at(version.model, timezone.now(), alias)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str, alias: str) -> Response:
        """Takes it away; a protected one stays."""
        actions.delete_alias(actor=person(request), model=queries.model(actor=person(request), name=name), alias=alias)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _moment(text: str) -> datetime:
    """A moment with its zone (UTC if not said); of a day, its end. Raises Invalid."""
    try:
        day = parse_date(text)
        moment = datetime.combine(day, time.max) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if text and moment is None:
        raise Invalid("Say a day such as 2013-07-03, or a moment such as 2013-07-03T12:00:00Z.", field="at")
    moment = moment or timezone.now()
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _plain(text: str) -> str:
    """PostgreSQL knows no NUL in a text; nothing has such a name."""
    return text.replace("\0", "")
