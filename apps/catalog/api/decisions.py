"""API of decisions and exceptions."""

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
from apps.catalog.actions import OptionDraft, Text
from apps.catalog.api.sent import sent
from apps.catalog.filters import DecisionFilter
from apps.catalog.models import Decision
from apps.catalog.references import resolved

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request


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
        body = sent(serializers.NewDecisionSerializer, request)
        options = self._options(body) or ()
        made = actions.draft_decision(actor=person(request), text=Text(**body), options=options)
        return self._answer(made, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.DecisionEditSerializer, responses=serializers.DecisionSerializer)
    def partial_update(self, request: Request, number: str) -> Response:
        decision = self.get_object()
        body = sent(serializers.DecisionEditSerializer, request)
        options = self._options(body)
        text = replace(Text.of(decision), **body)
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
        body = sent(serializers.ReasonSerializer, request)
        return self._answer(actions.send_back_decision(actor=person(request), decision=self.get_object(), **body))

    @extend_schema(request=serializers.OptionalReasonSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, number: str) -> Response:
        """Whoever wrote or proposed it makes it a draft again."""
        body = sent(serializers.OptionalReasonSerializer, request)
        return self._answer(actions.withdraw_decision(actor=person(request), decision=self.get_object(), **body))

    @extend_schema(request=serializers.VoteSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, number: str) -> Response:
        """One yes of the board, never of whoever wrote or proposed it; with the last one needed it holds."""
        body = sent(serializers.VoteSerializer, request)
        return self._answer(actions.accept_decision(actor=person(request), decision=self.get_object(), **body))

    @extend_schema(request=serializers.SupersedeSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def supersede(self, request: Request, number: str) -> Response:
        """Another accepted decision takes its place."""
        body = sent(serializers.SupersedeSerializer, request)
        return self._answer(actions.supersede_decision(actor=person(request), decision=self.get_object(), **body))

    @extend_schema(request=serializers.PostponeSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def postpone(self, request: Request, number: str) -> Response:
        """Somebody has looked, and waiting is still right."""
        body = sent(serializers.PostponeSerializer, request)
        return self._answer(actions.postpone_again(actor=person(request), decision=self.get_object(), **body))

    @extend_schema(request=serializers.PostponeSerializer, responses={201: serializers.DecisionSerializer})
    @action(detail=True, methods=["post"])
    def renew(self, request: Request, number: str) -> Response:
        """Ask the board for an exception again, until another day; answers the renewal."""
        body = sent(serializers.PostponeSerializer, request)
        renewed = actions.renew_exception(actor=person(request), decision=self.get_object(), **body)
        return self._answer(renewed, status.HTTP_201_CREATED)

    @extend_schema(request=serializers.LookBackSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"], url_path="look-back")
    def look_back(self, request: Request, number: str) -> Response:
        """Was it right, seen from now?"""
        body = sent(serializers.LookBackSerializer, request)
        return self._answer(actions.look_back(actor=person(request), decision=self.get_object(), **body))

    @extend_schema(request=serializers.CloseSerializer, responses=serializers.DecisionSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, number: str) -> Response:
        """It no longer applies: its trigger came, or nobody needs it any more."""
        body = sent(serializers.CloseSerializer, request)
        return self._answer(actions.close_decision(actor=person(request), decision=self.get_object(), **body))

    def _options(self, body: dict[str, Any]) -> list[OptionDraft] | None:
        options = body.pop("options", None)
        return options and [OptionDraft(**resolved(person(self.request), option)) for option in options]

    def _answer(self, decision: Decision, code: int = status.HTTP_200_OK) -> Response:
        fresh = queries.decision(actor=person(self.request), label=decision.label)
        return Response(serializers.DecisionSerializer(fresh).data, status=code)
