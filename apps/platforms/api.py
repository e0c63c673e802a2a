"""API of connections, for platform admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.signed_in import person
from apps.platforms import actions, queries
from apps.platforms.models import Connection, OutsideLink
from apps.platforms.serializers import (
    ChangedConnectionSerializer,
    ChangedLinkSerializer,
    ConnectionSerializer,
    LinkSerializer,
    NewConnectionSerializer,
    NewLinkSerializer,
    UseSerializer,
    WorkflowSerializer,
)
from apps.platforms.uses import uses

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

    from apps.platforms.models import ConnectionQuerySet


TAG = OpenApiParameter("tag", str, description="Only those of this tag.")


class ConnectionViewSet(mixins.ListModelMixin, GenericViewSet[Connection]):
    """Connections to platforms that the company runs. Platform admins see them, for others there are none."""

    serializer_class = ConnectionSerializer
    lookup_url_kwarg = "name"
    lookup_value_regex = "[^/]+"
    queryset = Connection.objects.none()

    def get_queryset(self) -> ConnectionQuerySet:
        return queries.connections_of(person(self.request))

    def get_object(self) -> Connection:
        return queries.connection_of(actor=person(self.request), name=self.kwargs["name"])

    @extend_schema(responses=ConnectionSerializer)
    def retrieve(self, request: Request, name: str) -> Response:
        return Response(ConnectionSerializer(self.get_object()).data)

    @extend_schema(request=NewConnectionSerializer, responses={201: ConnectionSerializer})
    def create(self, request: Request) -> Response:
        wanted = NewConnectionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = actions.add_connection(actor=person(request), **wanted.validated_data)
        return Response(ConnectionSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangedConnectionSerializer, responses=ConnectionSerializer)
    def partial_update(self, request: Request, name: str) -> Response:
        wanted = ChangedConnectionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        found = self.get_object()
        changed = actions.change_connection(actor=person(request), connection=found, **wanted.validated_data)
        return Response(ConnectionSerializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, name: str) -> Response:
        """Refused while something came through it."""
        actions.remove_connection(actor=person(request), connection=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, name: str) -> Response:
        """Asks the platform and waits: `said` is what was found, `trouble` the part that is wrong (empty: none)."""
        tested = actions.test_connection(actor=person(request), connection=self.get_object())
        return Response(ConnectionSerializer(tested).data)

    @extend_schema(responses=WorkflowSerializer(many=True), parameters=[TAG])
    @action(detail=True)
    def workflows(self, request: Request, name: str) -> Response:
        """What the platform can run, asked now: DAGs of an Airflow, by name. 503 when it can not be asked."""
        tag = request.query_params.get("tag", "")
        found: Any = queries.workflows_of(actor=person(request), name=name, tag=tag)
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(WorkflowSerializer(page, many=True).data)

    @extend_schema(responses=UseSerializer(many=True))
    @action(detail=True)
    def uses(self, request: Request, name: str) -> Response:
        """What came through it, or is on its way."""
        found: Any = uses(self.get_object())
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(UseSerializer(page, many=True).data)


class LinkViewSet(mixins.ListModelMixin, GenericViewSet[OutsideLink]):
    """Links out to other products of the company. Platform admins see the templates, everybody the links."""

    serializer_class = LinkSerializer
    lookup_value_regex = "[0-9]{1,18}"
    queryset = OutsideLink.objects.none()

    def get_queryset(self) -> QuerySet[OutsideLink]:
        return queries.outside_links(person(self.request))

    def get_object(self) -> OutsideLink:
        return queries.outside_link(actor=person(self.request), link_id=int(self.kwargs["pk"]))

    @extend_schema(responses=LinkSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(LinkSerializer(self.get_object()).data)

    @extend_schema(request=NewLinkSerializer, responses={201: LinkSerializer})
    def create(self, request: Request) -> Response:
        wanted = NewLinkSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = actions.add_link(actor=person(request), **wanted.validated_data)
        return Response(LinkSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangedLinkSerializer, responses=LinkSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        wanted = ChangedLinkSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        changed = actions.change_link(actor=person(request), link=self.get_object(), **wanted.validated_data)
        return Response(LinkSerializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        actions.remove_link(actor=person(request), link=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
