"""Freezes, and rollbacks that somebody else looks at afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import NUMBER, read
from apps.registry.models import Freeze, Rollback

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

    from apps.registry.models.freeze import FreezeQuerySet


class FreezeFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    active = django_filters.BooleanFilter(method="holds", help_text="Only those that hold now.")

    def holds(self, found: FreezeQuerySet, name: str, value: bool) -> FreezeQuerySet:
        return found.active() if value else found


class FreezeViewSet(ReadOnlyModelViewSet[Freeze]):
    """Freezes of the families you may see and of all families, the newest first."""

    serializer_class = shapes.FreezeSerializer
    filterset_class = FreezeFilter
    lookup_value_regex = NUMBER
    queryset = Freeze.objects.none()

    def get_queryset(self) -> QuerySet[Freeze]:
        return queries.freezes(person(self.request))

    @extend_schema(request=shapes.NewFreezeSerializer, responses={201: shapes.FreezeSerializer}, filters=False)
    def create(self, request: Request) -> Response:
        """Blocks promotions and waves until then; rolling back always is possible."""
        body = dict(read(shapes.NewFreezeSerializer, request))
        slug = body.pop("family")
        family = queries.family(actor=person(request), slug=slug) if slug else None
        made = actions.freeze(actor=person(request), family=family, **body)
        return self._answer(made.pk, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.LiftSerializer, responses=shapes.FreezeSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, pk: str) -> Response:
        """Ends it before its time."""
        body = read(shapes.LiftSerializer, request)
        found = queries.freeze(actor=person(request), freeze_id=int(pk))
        actions.lift_freeze(actor=person(request), freeze=found, **body)
        return self._answer(found.pk)

    def _answer(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        found = queries.freeze(actor=person(self.request), freeze_id=pk)
        return Response(shapes.FreezeSerializer(found).data, status=code)


class RollbackFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    by = django_filters.CharFilter("by__username")


class RollbackViewSet(ReadOnlyModelViewSet[Rollback]):
    """Rollbacks you may see, the newest first, with who reviewed them."""

    serializer_class = shapes.DecidedRollbackSerializer
    filterset_class = RollbackFilter
    lookup_value_regex = NUMBER
    queryset = Rollback.objects.none()

    def get_queryset(self) -> QuerySet[Rollback]:
        return queries.rollbacks(person(self.request))

    @extend_schema(responses=shapes.DecidedRollbackSerializer(many=True), filters=False)
    @action(detail=False, filter_backends=[])
    def waiting(self, request: Request) -> Response:
        """What waits for your review, the oldest first."""
        page = self.paginate_queryset(queries.rollbacks_to_review(person(request)))
        return self.get_paginated_response(shapes.DecidedRollbackSerializer(page, many=True).data)

    @extend_schema(request=shapes.RollbackReviewSerializer, responses=shapes.DecidedRollbackSerializer)
    @action(detail=True, methods=["post"])
    def review(self, request: Request, pk: str) -> Response:
        """You have looked at what somebody else took back."""
        body = read(shapes.RollbackReviewSerializer, request)
        found = queries.rollback(actor=person(request), rollback_id=int(pk))
        done = actions.review_rollback(actor=person(request), rollback=found, **body)
        return Response(shapes.DecidedRollbackSerializer(done).data)
