"""API of webhooks and of what was sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.signed_in import person
from apps.notifications import actions, queries
from apps.notifications.models import Delivery, Webhook
from apps.notifications.serializers import (
    ChangedWebhookSerializer,
    DeliverySerializer,
    NewWebhookSerializer,
    TestEventSerializer,
    TestResultSerializer,
    WebhookSerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.notifications.models.delivery import DeliveryQuerySet
    from apps.notifications.models.webhook import WebhookQuerySet

UUID = r"[0-9a-fA-F-]{1,36}"


class WebhookViewSet(mixins.ListModelMixin, GenericViewSet[Webhook]):
    """Webhooks that you may edit: all for platform admins, your teams' for leads."""

    serializer_class = WebhookSerializer
    lookup_value_regex = UUID
    lookup_url_kwarg = "webhook_id"
    queryset = Webhook.objects.none()

    def get_queryset(self) -> WebhookQuerySet:
        return queries.webhooks(person(self.request))

    def get_object(self) -> Webhook:
        return queries.webhook(actor=person(self.request), webhook_id=self.kwargs["webhook_id"])

    @extend_schema(responses=WebhookSerializer)
    def retrieve(self, request: Request, webhook_id: str) -> Response:
        return Response(WebhookSerializer(self.get_object()).data)

    @extend_schema(request=NewWebhookSerializer, responses={201: WebhookSerializer})
    def create(self, request: Request) -> Response:
        wanted = NewWebhookSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = actions.create_webhook(actor=person(request), **wanted.validated_data)
        return Response(WebhookSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangedWebhookSerializer, responses=WebhookSerializer)
    def partial_update(self, request: Request, webhook_id: str) -> Response:
        wanted = ChangedWebhookSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        changed = actions.update_webhook(actor=person(request), webhook=self.get_object(), **wanted.validated_data)
        return Response(WebhookSerializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, webhook_id: str) -> Response:
        actions.delete_webhook(actor=person(request), webhook=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=TestEventSerializer, responses=TestResultSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, webhook_id: str) -> Response:
        """Sends an example and waits for the answer."""
        wanted = TestEventSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        outcome = actions.send_example(actor=person(request), webhook=self.get_object(), **wanted.validated_data)
        return Response(TestResultSerializer(outcome).data)

    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True)
    def deliveries(self, request: Request, webhook_id: str) -> Response:
        """What was sent to it and what came back, the newest first."""
        found: Any = queries.deliveries(actor=person(request), webhook=self.get_object())
        page: Any = self.paginate_queryset(found)
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)


class DeliveryViewSet(GenericViewSet[Delivery]):
    """One event on its way to one webhook."""

    serializer_class = DeliverySerializer
    lookup_value_regex = UUID
    lookup_url_kwarg = "delivery_id"
    queryset = Delivery.objects.none()

    def get_queryset(self) -> DeliveryQuerySet:
        return Delivery.objects.visible_to(person(self.request))

    @extend_schema(responses=DeliverySerializer)
    def retrieve(self, request: Request, delivery_id: str) -> Response:
        found = queries.delivery(actor=person(request), delivery_id=delivery_id)
        return Response(DeliverySerializer(found).data)

    @extend_schema(request=None, responses={202: OpenApiResponse(DeliverySerializer, "It is on its way.")})
    @action(detail=True, methods=["post"], url_path="send-again")
    def send_again(self, request: Request, delivery_id: str) -> Response:
        """Once more, under the same id."""
        found = queries.delivery(actor=person(request), delivery_id=delivery_id)
        again = actions.send_again(actor=person(request), delivery=found)
        return Response(DeliverySerializer(again).data, status=status.HTTP_202_ACCEPTED)
