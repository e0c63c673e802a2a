"""Promotions: waves proposed, decided and rolled back."""

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
from apps.registry.api.bodies import NUMBER, chosen, read
from apps.registry.models import Wave

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class WaveFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    status = django_filters.ChoiceFilter(choices=Wave.Status)
    proposer = django_filters.CharFilter("proposer__username")


class PromotionViewSet(ReadOnlyModelViewSet[Wave]):
    """Promotions you may see, the newest first: each is a wave of one segment or many."""

    serializer_class = shapes.WaveSerializer
    filterset_class = WaveFilter
    lookup_value_regex = NUMBER
    queryset = Wave.objects.none()

    def get_queryset(self) -> QuerySet[Wave]:
        return queries.waves(person(self.request))

    def _wave(self, pk: str) -> Wave:
        return queries.wave(actor=person(self.request), wave_id=int(pk))

    def _answer(self, wave: Wave, code: int = status.HTTP_200_OK) -> Response:
        view = queries.wave_view(actor=person(self.request), wave_id=wave.pk)
        return Response(shapes.WaveDetailSerializer(view).data, status=code)

    @extend_schema(responses=shapes.WaveDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Everything an approver looks at."""
        return self._answer(self._wave(pk))

    @extend_schema(request=shapes.ProposalSerializer, responses={201: shapes.WaveDetailSerializer})
    def create(self, request: Request) -> Response:
        """Proposes what passes the gates and lists the others; applied at once where no approval is needed."""
        body = dict(read(shapes.ProposalSerializer, request))
        family, versions = chosen(request, body)
        settings = {name: body[name] for name in ("reason", "alias", "key")}
        wave = actions.propose(actor=person(request), family=family, versions=versions, **settings)
        return self._answer(wave, status.HTTP_201_CREATED)

    @extend_schema(
        request=shapes.CandidatesSerializer, responses=shapes.PromotionRowSerializer(many=True), filters=False
    )
    @action(detail=False, methods=["post"], url_path="dry-run", pagination_class=None, filter_backends=[])
    def dry_run(self, request: Request) -> Response:
        """What a proposal of these versions would be; nothing is written."""
        family, versions = chosen(request, read(shapes.CandidatesSerializer, request))
        return Response(shapes.PromotionRowSerializer(queries.dry_run(family, versions), many=True).data)

    @extend_schema(responses=shapes.WaveSerializer(many=True), filters=False)
    @action(detail=False, filter_backends=[])
    def waiting(self, request: Request) -> Response:
        """What waits for your decision, the most urgent first."""
        page = self.paginate_queryset(queries.waiting_for(person(request)))
        return self.get_paginated_response(shapes.WaveSerializer(page, many=True).data)

    @extend_schema(request=shapes.ApprovalSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Your yes to exactly what you looked at; the last one that is needed moves the aliases."""
        body = read(shapes.ApprovalSerializer, request)
        return self._answer(actions.approve(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.RejectionSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Your no, with the reason; it closes the wave."""
        body = read(shapes.RejectionSerializer, request)
        return self._answer(actions.reject(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.WithdrawalSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Takes an open proposal back."""
        body = read(shapes.WithdrawalSerializer, request)
        return self._answer(actions.withdraw(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.RollbackRequestSerializer, responses=shapes.RollbackSerializer)
    @action(detail=False, methods=["post"])
    def rollback(self, request: Request) -> Response:
        """Takes versions back in many cities at once; those that can not go back are listed."""
        body = dict(read(shapes.RollbackRequestSerializer, request))
        family, versions = chosen(request, body)
        settings = {name: body[name] for name in ("reason", "alias")}
        done = actions.rollback(actor=person(request), family=family, versions=versions, **settings)
        return Response(shapes.RollbackSerializer(done).data)
