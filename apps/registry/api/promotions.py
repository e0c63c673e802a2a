"""Promotions: waves proposed, decided and rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.core.errors import Conflict
from apps.registry import actions, queries, verdicts
from apps.registry import serializers as shapes
from apps.registry.api.bodies import NUMBER, chosen, read
from apps.registry.models import ModelFamily, ModelVersion, Wave

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        wave = self._proposed(request, dict(read(shapes.ProposalSerializer, request)))
        return self._answer(wave, status.HTTP_201_CREATED)

    def _proposed(self, request: Request, body: dict[str, Any]) -> Wave:
        family, versions = _chosen(request, body)
        words = {name: body[name] for name in ("reason", "alias", "key", "stages", "live_limit")}
        return actions.propose(actor=person(request), family=family, versions=versions, **words)

    @extend_schema(
        request=shapes.KeyedProposalSerializer,
        responses={(code, "text/markdown"): OpenApiTypes.STR for code in (200, 202, 409)},
        filters=False,
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def verdict(self, request: Request) -> HttpResponse:
        """For CI: proposes once per `key`, and answers what became of it in Markdown. 200: promoted; 202: ask again,
        it is being evaluated or waits for approval; 409: refused.
        """
        body = dict(read(shapes.KeyedProposalSerializer, request))
        verdict = self._verdict(request, body)
        return HttpResponse(verdict.text, status=verdict.code, content_type="text/markdown; charset=utf-8")

    def _verdict(self, request: Request, body: dict[str, Any]) -> verdicts.Verdict:
        actor = person(request)
        wave = queries.wave_of_key(actor=actor, family=body["family"], key=body["key"])
        try:
            wave = wave or self._proposed(request, body)
        except actions.Refused as refusal:
            waits = bool(refusal.unevaluated)
            return verdicts.of_refusal(body["family"], refusal.message, refusal.errors, waits=waits)
        except Conflict as refusal:  # frozen, or another wave is open
            return verdicts.of_refusal(body["family"], refusal.message, {}, waits=False)
        page = f"{settings.PORTAL_URL}{reverse('registry:wave', args=[wave.pk])}"
        return verdicts.of_wave(queries.wave_view(actor=actor, wave_id=wave.pk), page)

    @extend_schema(request=shapes.ChoiceOfVersionsSerializer, responses=shapes.DryRunSerializer, filters=False)
    @action(detail=False, methods=["post"], url_path="dry-run", pagination_class=None, filter_backends=[])
    def dry_run(self, request: Request) -> Response:
        """What a proposal of these versions would be, and the sum of it; nothing is written."""
        body = read(shapes.ChoiceOfVersionsSerializer, request)
        family, versions = _chosen(request, body)
        return Response(shapes.DryRunSerializer(queries.wave_dry_run(family, versions, body["alias"])).data)

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
        """Takes an open proposal back, or stops a wave that is under way: what has moved stays."""
        body = read(shapes.WithdrawalSerializer, request)
        return self._answer(actions.withdraw(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.AdvanceSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def advance(self, request: Request, pk: str) -> Response:
        """Moves the next stage. Say which one it is, and a second click does nothing."""
        body = read(shapes.AdvanceSerializer, request)
        return self._answer(actions.advance(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.NewLiveValueSerializer, responses={201: shapes.WaveDetailSerializer})
    @action(detail=True, methods=["post"], url_path="live-values")
    def live_values(self, request: Request, pk: str) -> Response:
        """Stores what was measured in production; one that keeps the wave's limit starts the next stage."""
        body = read(shapes.NewLiveValueSerializer, request)
        live = actions.post_live_value(actor=person(request), wave=self._wave(pk), **body)
        return self._answer(live.wave, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.UndoSerializer, responses=shapes.RollbackSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Takes back what the wave has moved, where nothing else has moved since; the others are listed."""
        body = read(shapes.UndoSerializer, request)
        done = actions.undo_wave(actor=person(request), wave=self._wave(pk), **body)
        return Response(shapes.RollbackSerializer(done).data)

    @extend_schema(request=shapes.RollbackRequestSerializer, responses=shapes.RollbackSerializer)
    @action(detail=False, methods=["post"])
    def rollback(self, request: Request) -> Response:
        """Takes versions back in many cities at once; those that can not go back are listed."""
        body = dict(read(shapes.RollbackRequestSerializer, request))
        family, versions = chosen(request, body)
        settings = {name: body[name] for name in ("reason", "alias")}
        done = actions.rollback(actor=person(request), family=family, versions=versions, **settings)
        return Response(shapes.RollbackSerializer(done).data)

    @extend_schema(request=shapes.RollbackRequestSerializer, responses=shapes.RollbackSerializer)
    @action(detail=False, methods=["post"])
    def restore(self, request: Request) -> Response:
        """Goes back to exactly these versions, each of which held the alias before; the others are listed."""
        body = dict(read(shapes.RollbackRequestSerializer, request))
        family, versions = chosen(request, body)
        settings = {name: body[name] for name in ("reason", "alias")}
        done = actions.restore(actor=person(request), family=family, versions=versions, **settings)
        return Response(shapes.RollbackSerializer(done).data)


def _chosen(request: Request, body: Mapping[str, Any]) -> tuple[ModelFamily, list[ModelVersion]]:
    """Versions by id, or the newest candidates of all segments or of some regions."""
    if "rule" not in body:
        return chosen(request, body)
    family = queries.family(actor=person(request), slug=body["family"])
    found = queries.candidates_of(family, body["alias"])
    wanted = set(body["regions"])
    return family, [version for version in found if not wanted or version.model.its_segment.region in wanted]
