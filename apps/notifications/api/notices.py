"""API of notices: what I am mailed, and where a team is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.queries import team
from apps.accounts.signed_in import person
from apps.notifications import actions, queries
from apps.notifications.models import Channel
from apps.notifications.serializers import (
    ChannelSerializer,
    MailChoiceSerializer,
    NewChannelSerializer,
    TestResultSerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request


class NoticesView(APIView):
    """What I am mailed: which kinds not, and until when nothing at all."""

    @extend_schema(responses=MailChoiceSerializer)
    def get(self, request: Request) -> Response:
        return Response(MailChoiceSerializer(queries.choice_of(person(request))).data)

    @extend_schema(request=MailChoiceSerializer, responses=MailChoiceSerializer)
    def put(self, request: Request) -> Response:
        wanted = MailChoiceSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        kept = actions.choose_mail(actor=person(request), **wanted.validated_data)
        return Response(MailChoiceSerializer(kept).data)


class ChannelViewSet(GenericViewSet[Channel]):
    """Where teams are told: those of the teams you lead, all for platform admins. An address is never answered."""

    serializer_class = ChannelSerializer
    lookup_field = "team__slug"
    lookup_url_kwarg = "slug"
    lookup_value_regex = r"[-a-zA-Z0-9_]{1,64}"
    queryset = Channel.objects.none()

    @extend_schema(responses=ChannelSerializer(many=True))
    def list(self, request: Request) -> Response:
        found = [Channel(team=team) if channel is None else channel for team, channel in self._channels(request)]
        page: Any = self.paginate_queryset(found)  # type: ignore[arg-type]  # a list pages as well
        return self.get_paginated_response(ChannelSerializer(page, many=True).data)

    @extend_schema(request=NewChannelSerializer, responses=ChannelSerializer)
    def update(self, request: Request, slug: str) -> Response:
        """Tells the team there from now on."""
        wanted = NewChannelSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        channel = actions.set_channel(actor=person(request), team=team(slug=slug), **wanted.validated_data)
        return Response(ChannelSerializer(channel).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, slug: str) -> Response:
        actions.remove_channel(actor=person(request), team=team(slug=slug))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TestResultSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, slug: str) -> Response:
        """Sends a greeting and waits for the answer."""
        outcome = actions.greet_channel(actor=person(request), team=team(slug=slug))
        return Response(TestResultSerializer(outcome).data)

    def _channels(self, request: Request) -> Any:
        return queries.channels(person(request))
