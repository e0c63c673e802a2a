"""API of gaps, requests with what they would mean, and usage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.catalog import actions, queries
from apps.catalog.actions import Answer, Gap, Wish
from apps.catalog.api.sent import sent
from apps.catalog.models import FeatureGap, ToolRequest, Usage
from apps.catalog.serializers import OptionalReasonSerializer
from apps.catalog.serializers import needs as shapes

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

NUMBER = "[0-9]{1,9}"


class GapViewSet(ReadOnlyModelViewSet[FeatureGap]):
    """What tools of ours can not do, open gaps first."""

    serializer_class = shapes.GapSerializer
    queryset = FeatureGap.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[FeatureGap]:
        return queries.gaps(actor=person(self.request))

    @extend_schema(request=shapes.NewGapSerializer, responses={201: shapes.GapSerializer})
    def create(self, request: Request) -> Response:
        body = sent(shapes.NewGapSerializer, request)
        tool, hurts = body.pop("tool"), body.pop("hurts", ())
        made = actions.record_gap(actor=person(request), tool=tool, gap=Gap(**body), hurts=hurts)
        return Response(shapes.GapSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.GapEditSerializer, responses=shapes.GapSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        gap, body = self.get_object(), sent(shapes.GapEditSerializer, request)
        hurts = body.pop("hurts", None)
        wanted = replace(Gap.of(gap), **body)
        edited = actions.edit_gap(actor=person(request), gap=gap, wanted=wanted, hurts=hurts)
        return Response(shapes.GapSerializer(edited).data)


class ToolRequestViewSet(ReadOnlyModelViewSet[ToolRequest]):
    """What people ask for, open requests first."""

    serializer_class = shapes.ToolRequestSerializer
    queryset = ToolRequest.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[ToolRequest]:
        return queries.requests(actor=person(self.request))

    @extend_schema(request=shapes.NewToolRequestSerializer, responses={201: shapes.ToolRequestSerializer})
    def create(self, request: Request) -> Response:
        body = sent(shapes.NewToolRequestSerializer, request)
        made = actions.request_tool(actor=person(request), wish=Wish(**body))
        return Response(shapes.ToolRequestSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=shapes.WhatIfQuestionSerializer, responses=shapes.WhatIfSerializer)
    @action(detail=False, methods=["post"], url_path="what-if")
    def what_if(self, request: Request) -> Response:
        """What another tool for a need would mean; nothing is sent."""
        found = queries.what_if(actor=person(request), **sent(shapes.WhatIfQuestionSerializer, request))
        told = {
            "nearest": found.nearest and found.nearest.slug,
            "gaps": found.gaps,
            "same_need": [tool.slug for tool in found.same_need],
            "in_use": found.in_use,
            "learning_days": str(found.bill) if found.bill else None,
            "team_uses": [tool.slug for tool in found.team_uses],
        }
        return Response(shapes.WhatIfSerializer(told).data)

    @extend_schema(request=shapes.AnswerSerializer, responses=shapes.ToolRequestSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        """An editor or the board ends it; nobody answers their own."""
        wish, said = self.get_object(), Answer(**sent(shapes.AnswerSerializer, request))
        return self._answer(actions.answer_request(actor=person(request), request=wish, answer=said))

    @extend_schema(request=OptionalReasonSerializer, responses=shapes.ToolRequestSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Whoever asked takes it back."""
        wish, body = self.get_object(), sent(OptionalReasonSerializer, request)
        return self._answer(actions.withdraw_request(actor=person(request), request=wish, **body))

    def _answer(self, wish: ToolRequest) -> Response:
        return Response(shapes.ToolRequestSerializer(queries.request(actor=person(self.request), pk=wish.pk)).data)


class UsageViewSet(ReadOnlyModelViewSet[Usage]):
    """Who uses what now: declared by people, or discovered in segment runs."""

    serializer_class = shapes.UsageSerializer
    queryset = Usage.objects.none()
    lookup_value_regex = NUMBER

    def get_queryset(self) -> QuerySet[Usage]:
        return queries.usages(actor=person(self.request))

    @extend_schema(request=shapes.NewUsageSerializer, responses={201: shapes.UsageSerializer})
    def create(self, request: Request) -> Response:
        made = actions.declare_usage(actor=person(request), **sent(shapes.NewUsageSerializer, request))
        return Response(shapes.UsageSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=shapes.UsageSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """They have moved away from it."""
        ended = actions.end_usage(actor=person(request), usage=self.get_object())
        return Response(shapes.UsageSerializer(ended).data)
