"""API of the catalog: capabilities, tools with their positions, decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.catalog import actions, queries, serializers
from apps.catalog.actions import CapabilityFacts, Opinion, OptionDraft, Text, ToolFacts
from apps.catalog.filters import DecisionFilter, ToolFilter
from apps.catalog.models import Capability, Decision, Tool
from apps.catalog.references import resolved

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request
    from rest_framework.serializers import BaseSerializer


def _sent(shape: type[BaseSerializer[object]], request: Request) -> dict[str, Any]:
    """The body's values, with names replaced by what they name. Raises ValidationError or Invalid by field."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    return resolved(person(request), body.validated_data)


class CapabilityViewSet(ReadOnlyModelViewSet[Capability]):
    """The needs that tools serve, as the work flows from data to run."""

    serializer_class = serializers.CapabilitySerializer
    lookup_field = "slug"
    queryset = Capability.objects.none()

    def get_queryset(self) -> QuerySet[Capability]:
        return queries.capabilities(actor=person(self.request))

    @extend_schema(request=serializers.NewCapabilitySerializer, responses={201: serializers.CapabilitySerializer})
    def create(self, request: Request) -> Response:
        sent = _sent(serializers.NewCapabilitySerializer, request)
        slug = sent.pop("slug")
        made = actions.add_capability(actor=person(request), slug=slug, facts=CapabilityFacts(**sent))
        return Response(serializers.CapabilitySerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=serializers.CapabilityEditSerializer, responses=serializers.CapabilitySerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        capability = queries.capability(actor=person(request), slug=slug)
        facts = replace(CapabilityFacts.of(capability), **_sent(serializers.CapabilityEditSerializer, request))
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
        sent = _sent(serializers.NewToolSerializer, request)
        made = actions.add_tool(actor=person(request), slug=sent.pop("slug"), facts=ToolFacts(**sent))
        return self._answer(made.slug, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.ToolEditSerializer, responses=serializers.ToolSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        tool = queries.tool(actor=person(request), slug=slug)
        facts = replace(ToolFacts.of(tool), **_sent(serializers.ToolEditSerializer, request))
        actions.edit_tool(actor=person(request), tool=tool, facts=facts)
        return self._answer(slug)

    @extend_schema(request=serializers.PositionEditSerializer, responses=serializers.ToolSerializer)
    @action(detail=True, methods=["patch"])
    def position(self, request: Request, slug: str) -> Response:
        """Move the tool to another ring (needs a reason) or edit the rest; a tool without a position gets its first."""
        tool = queries.tool(actor=person(request), slug=slug)
        sent = _sent(serializers.PositionEditSerializer, request)
        note = {name: sent.pop(name) for name in ("reason", "revision") if name in sent}
        opinion = replace(Opinion.of(tool), **sent)
        actions.place_tool(actor=person(request), tool=tool, opinion=opinion, **note)
        return self._answer(slug)

    def _answer(self, slug: str, code: int = status.HTTP_200_OK) -> Response:
        tool = queries.tool(actor=person(self.request), slug=slug)
        return Response(serializers.ToolSerializer(tool).data, status=code)


class DecisionViewSet(ReadOnlyModelViewSet[Decision]):
    """Decisions, newest first. Drafts are edited, then proposed; the board accepts, supersedes, closes."""

    serializer_class = serializers.DecisionSerializer
    filterset_class = DecisionFilter
    lookup_field = "number"
    lookup_value_regex = "[A-Za-z0-9-]+"
    queryset = Decision.objects.none()

    def get_queryset(self) -> QuerySet[Decision]:
        return queries.decisions(actor=person(self.request))

    def get_object(self) -> Decision:
        return queries.decision(actor=person(self.request), label=self.kwargs["number"])

    @extend_schema(request=serializers.NewDecisionSerializer, responses={201: serializers.DecisionSerializer})
    def create(self, request: Request) -> Response:
        sent = _sent(serializers.NewDecisionSerializer, request)
        options = self._options(sent) or ()
        made = actions.draft_decision(actor=person(request), text=Text(**sent), options=options)
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.DecisionEditSerializer, responses=serializers.DecisionSerializer)
    def partial_update(self, request: Request, number: str) -> Response:
        decision = self.get_object()
        sent = _sent(serializers.DecisionEditSerializer, request)
        options = self._options(sent)
        text = replace(Text.of(decision), **sent)
        return self._answer(actions.edit_decision(actor=person(request), decision=decision, text=text, options=options))

    @extend_schema(request=None, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def propose(self, request: Request, number: str) -> Response:
        """Put a draft before the board."""
        return self._answer(actions.propose_decision(actor=person(request), decision=self.get_object()))

    @extend_schema(request=serializers.ReasonSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"], url_path="send-back")
    def send_back(self, request: Request, number: str) -> Response:
        """Make a proposal a draft again."""
        sent = _sent(serializers.ReasonSerializer, request)
        return self._answer(actions.send_back_decision(actor=person(request), decision=self.get_object(), **sent))

    @extend_schema(request=serializers.NoteSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, number: str) -> Response:
        """Accept a proposal: a member of the board who neither wrote nor proposed it."""
        sent = _sent(serializers.NoteSerializer, request)
        return self._answer(actions.accept_decision(actor=person(request), decision=self.get_object(), **sent))

    @extend_schema(request=serializers.SupersedeSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def supersede(self, request: Request, number: str) -> Response:
        """Another accepted decision takes its place."""
        sent = _sent(serializers.SupersedeSerializer, request)
        return self._answer(actions.supersede_decision(actor=person(request), decision=self.get_object(), **sent))

    @extend_schema(request=serializers.ReasonSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, number: str) -> Response:
        """It no longer applies: its trigger came, or nobody needs it any more."""
        sent = _sent(serializers.ReasonSerializer, request)
        return self._answer(actions.close_decision(actor=person(request), decision=self.get_object(), **sent))

    def _options(self, sent: dict[str, Any]) -> list[OptionDraft] | None:
        options = sent.pop("options", None)
        return options and [OptionDraft(**resolved(person(self.request), option)) for option in options]

    def _answer(self, decision: Decision, code: int = status.HTTP_200_OK) -> Response:
        fresh = queries.decision(actor=person(self.request), label=decision.label)
        return Response(serializers.DecisionSerializer(fresh).data, status=code)
