"""API of retention: a family's rule, what would go by one, and what went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.signed_in import person
from apps.core.errors import Missing
from apps.registry import queries as registry
from apps.retention import actions, lists, queries
from apps.retention import serializers as shapes
from apps.retention.models import Cut
from apps.retention.terms import Kind

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from rest_framework.request import Request

    from apps.registry.models import ModelFamily


class RuleView(APIView):
    """How long a family keeps what."""

    @extend_schema(operation_id="families_retention", responses=shapes.RetentionRuleSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Null days keep everything, which is how a family begins."""
        return Response(_told(_family(request, slug)))

    @extend_schema(
        operation_id="families_set_retention",
        request=shapes.NewRetentionRuleSerializer,
        responses=shapes.RetentionRuleSerializer,
    )
    def put(self, request: Request, slug: str) -> Response:
        """Sets the rule, with the `plan` of its preview; 409 when something else would go by now. It begins a day
        later.
        """
        wanted = shapes.NewRetentionRuleSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        family, plan = _family(request, slug), wanted.validated_data["plan"]
        actions.set_rule(actor=person(request), family=family, terms=wanted.terms(), plan=plan)
        return Response(_told(family))


class PreviewView(APIView):
    """What a rule would remove."""

    @extend_schema(
        operation_id="families_retention_preview",
        parameters=[shapes.RetentionTermsSerializer],
        responses=shapes.RetentionPreviewSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """By these days, today; nothing is changed."""
        wanted = shapes.RetentionTermsSerializer(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        found = queries.preview(_family(request, slug), wanted.terms())
        return Response(shapes.RetentionPreviewSerializer(found).data)


class ItemListView(GenericAPIView[Any]):
    """What exactly a rule would remove."""

    serializer_class = shapes.RetentionItemSerializer
    filter_backends = ()
    queryset = Cut.objects.none()

    @extend_schema(
        operation_id="families_retention_preview_list",
        parameters=[shapes.RetentionDaysSerializer],
        responses=shapes.RetentionItemSerializer(many=True),
    )
    def get(self, request: Request, slug: str, kind: str) -> Response:
        """Of one kind (`logs`, `attempts`, `metrics`, `files`), the oldest first."""
        if kind not in Kind:
            raise Missing(f"There are {', '.join(Kind)}; {kind[:40]!r} is none of them.")
        wanted = shapes.RetentionDaysSerializer(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        chosen = Kind(kind)
        found = lists.found(_family(request, slug), chosen, wanted.validated_data["days"])
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response(shapes.RetentionItemSerializer(lists.items(chosen, page), many=True).data)


class CutListView(ListAPIView[Cut]):
    """What went by a family's rule, the newest first."""

    serializer_class = shapes.RetentionCutSerializer
    filter_backends = ()
    queryset = Cut.objects.none()

    def get_queryset(self) -> QuerySet[Cut]:
        return queries.cuts(_family(self.request, self.kwargs["slug"]))


def _family(request: Request, slug: str) -> ModelFamily:
    return registry.family(actor=person(request), slug=slug)


def _told(family: ModelFamily) -> dict[str, Any]:
    rule = queries.rule_of(family)
    about = {
        "set_by": rule.set_by.username if rule else None,
        "set_at": rule.set_at if rule else None,
        "begins_at": queries.begins_at(rule) if rule else None,
        "rests": queries.rests_because(rule, family) if rule else "",
    }
    return shapes.RetentionRuleSerializer({**queries.terms_of(rule).told, **about}).data
