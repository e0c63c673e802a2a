"""API of capabilities, tools with their positions, and moves between rings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.catalog import actions, queries, serializers
from apps.catalog.actions import CapabilityFacts, Opinion, ToolFacts
from apps.catalog.api.sent import sent
from apps.catalog.filters import MoveFilter, ToolFilter
from apps.catalog.models import Capability, RingMove, Tool

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


class CapabilityViewSet(ReadOnlyModelViewSet[Capability]):
    """The needs that tools serve, as the work flows from data to run."""

    serializer_class = serializers.CapabilitySerializer
    lookup_field = "slug"
    queryset = Capability.objects.none()

    def get_queryset(self) -> QuerySet[Capability]:
        return queries.capabilities(actor=person(self.request))

    @extend_schema(request=serializers.NewCapabilitySerializer, responses={201: serializers.CapabilitySerializer})
    def create(self, request: Request) -> Response:
        body = sent(serializers.NewCapabilitySerializer, request)
        slug = body.pop("slug")
        made = actions.add_capability(actor=person(request), slug=slug, facts=CapabilityFacts(**body))
        return Response(serializers.CapabilitySerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.CapabilityEditSerializer, responses=serializers.CapabilitySerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        capability = queries.capability(actor=person(request), slug=slug)
        facts = replace(CapabilityFacts.of(capability), **sent(serializers.CapabilityEditSerializer, request))
        edited = actions.edit_capability(actor=person(request), capability=capability, facts=facts)
        return Response(serializers.CapabilitySerializer(edited).data)


class ToolViewSet(ReadOnlyModelViewSet[Tool]):
    """Tools with the company's position, by capability, the most recommended first."""

    serializer_class = serializers.ToolSerializer
    filterset_class = ToolFilter
    lookup_field = "slug"
    queryset = Tool.objects.none()

    def get_queryset(self) -> QuerySet[Tool]:
        return queries.tools(actor=person(self.request))

    @extend_schema(request=serializers.NewToolSerializer, responses={201: serializers.ToolSerializer})
    def create(self, request: Request) -> Response:
        body = sent(serializers.NewToolSerializer, request)
        made = actions.add_tool(actor=person(request), slug=body.pop("slug"), facts=ToolFacts(**body))
        return self._answer(made.slug, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.ToolEditSerializer, responses=serializers.ToolSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        tool = queries.tool(actor=person(request), slug=slug)
        facts = replace(ToolFacts.of(tool), **sent(serializers.ToolEditSerializer, request))
        actions.edit_tool(actor=person(request), tool=tool, facts=facts)
        return self._answer(slug)

    @extend_schema(request=serializers.PositionEditSerializer, responses=serializers.ToolSerializer)
    @action(detail=True, methods=["patch"])
    def position(self, request: Request, slug: str) -> Response:
        """Edit what we think of the tool; its ring moves by a proposal (POST …/moves/)."""
        tool = queries.tool(actor=person(request), slug=slug)
        body = sent(serializers.PositionEditSerializer, request)
        experts, revision = body.pop("experts", None), body.pop("revision", None)
        opinion = replace(Opinion.of(tool), **body)
        actions.edit_position(actor=person(request), tool=tool, opinion=opinion, revision=revision)
        if experts is not None:
            actions.name_experts(actor=person(request), tool=tool, experts=experts)
        return self._answer(slug)

    @extend_schema(request=serializers.NewMoveSerializer, responses={201: serializers.MoveSerializer})
    @action(detail=True, methods=["post"])
    def moves(self, request: Request, slug: str) -> Response:
        """Propose another ring to the board; what is left out stays as the position says."""
        tool = queries.tool(actor=person(request), slug=slug)
        body = sent(serializers.NewMoveSerializer, request)
        reason, opinion = body.pop("reason"), replace(Opinion.of(tool), **body)
        move = actions.propose_move(actor=person(request), tool=tool, opinion=opinion, reason=reason)
        return Response(serializers.MoveSerializer(move).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.ReviewSerializer, responses=serializers.ToolSerializer)
    @action(detail=True, methods=["post"])
    def review(self, request: Request, slug: str) -> Response:
        """Its position still holds, and is looked at again on `next_review`."""
        tool, body = queries.tool(actor=person(request), slug=slug), sent(serializers.ReviewSerializer, request)
        actions.confirm_position(actor=person(request), tool=tool, **body)
        return self._answer(slug)

    @extend_schema(request=serializers.ConfirmSerializer, responses=serializers.ToolSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, slug: str) -> Response:
        """These facts have been checked: they are no longer called unverified."""
        tool, body = queries.tool(actor=person(request), slug=slug), sent(serializers.ConfirmSerializer, request)
        actions.confirm_facts(actor=person(request), tool=tool, **body)
        return self._answer(slug)

    def _answer(self, slug: str, code: int = status.HTTP_200_OK) -> Response:
        tool = queries.tool(actor=person(self.request), slug=slug)
        return Response(serializers.ToolSerializer(tool).data, status=code)


class MoveViewSet(ReadOnlyModelViewSet[RingMove]):
    """Proposals of another ring and what the board said, the newest first."""

    serializer_class = serializers.MoveSerializer
    filterset_class = MoveFilter
    queryset = RingMove.objects.none()
    lookup_value_regex = "[0-9]{1,9}"

    def get_queryset(self) -> QuerySet[RingMove]:
        return queries.moves(actor=person(self.request))

    def get_object(self) -> RingMove:
        return queries.move(actor=person(self.request), pk=self.kwargs["pk"])

    @extend_schema(request=serializers.VoteSerializer, responses=serializers.MoveSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """One yes of the board, never of the proposer; the last one needed moves the tool."""
        body = sent(serializers.VoteSerializer, request)
        return self._answer(actions.approve_move(actor=person(request), move=self.get_object(), **body))

    @extend_schema(request=serializers.ReasonSerializer, responses=serializers.MoveSerializer)
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str) -> Response:
        """One no of the board closes it."""
        body = sent(serializers.ReasonSerializer, request)
        return self._answer(actions.refuse_move(actor=person(request), move=self.get_object(), **body))

    @extend_schema(request=serializers.OptionalReasonSerializer, responses=serializers.MoveSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Its proposer, or the board, takes it back."""
        body = sent(serializers.OptionalReasonSerializer, request)
        return self._answer(actions.withdraw_move(actor=person(request), move=self.get_object(), **body))

    def _answer(self, move: RingMove) -> Response:
        return Response(serializers.MoveSerializer(queries.move(actor=person(self.request), pk=move.pk)).data)
