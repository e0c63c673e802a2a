"""Families, their settings, segments, gates and fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.queries import team, user
from apps.accounts.signed_in import person
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.api.bodies import read
from apps.registry.gates import GateSpec
from apps.registry.models import ModelFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from rest_framework.request import Request


class FamilyViewSet(ReadOnlyModelViewSet[ModelFamily]):
    """Model families you may see, by name."""

    serializer_class = shapes.FamilySerializer
    lookup_field = "slug"
    queryset = ModelFamily.objects.none()

    def get_queryset(self) -> QuerySet[ModelFamily]:
        return queries.families(person(self.request)).prefetch_related("on_call")

    def _family(self, slug: str) -> ModelFamily:
        return queries.family(actor=person(self.request), slug=slug)

    def _answer(self, family: ModelFamily, code: int = status.HTTP_200_OK) -> Response:
        return Response(shapes.FamilySerializer(self._family(family.slug)).data, status=code)

    @extend_schema(request=shapes.NewFamilySerializer, responses={201: shapes.FamilySerializer})
    def create(self, request: Request) -> Response:
        body = _settings(read(shapes.NewFamilySerializer, request))
        owner = team(slug=body.pop("team"))
        family = actions.create_family(actor=person(request), team=owner, **body)
        return self._answer(family, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.FamilySettingsSerializer, responses=shapes.FamilySerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        body = _settings(read(shapes.FamilySettingsSerializer, request))
        return self._answer(actions.update_family(actor=person(request), family=self._family(slug), **body))

    @extend_schema(request=shapes.NewOwnerSerializer, responses=shapes.FamilySerializer)
    @action(detail=True, methods=["put"])
    def team(self, request: Request, slug: str) -> Response:
        """Gives the family to another team; 409 while a promotion is open."""
        body, family = read(shapes.NewOwnerSerializer, request), self._family(slug)
        owner = team(slug=body["team"])
        actions.hand_over(actor=person(request), family=family, team=owner, reason=body["reason"])
        return self._answer(family)

    @extend_schema(request=shapes.LabelledUntilSerializer, responses=shapes.FamilySerializer)
    @action(detail=True, methods=["put"], url_path="labelled-until")
    def labelled_until(self, request: Request, slug: str) -> Response:
        """The newest day with labels; ages and the newest month count from it."""
        day = read(shapes.LabelledUntilSerializer, request)["day"]
        return self._answer(actions.set_labelled_until(actor=person(request), family=self._family(slug), day=day))

    @extend_schema(request=shapes.GatesSerializer, responses=shapes.FamilySerializer)
    @action(detail=True, methods=["put"])
    def gates(self, request: Request, slug: str) -> Response:
        """Replaces the gates; open promotions were judged by the old ones and will be superseded."""
        gates = [GateSpec(**gate) for gate in read(shapes.GatesSerializer, request)["gates"]]
        family = self._family(slug)
        actions.set_gates(actor=person(request), family=family, gates=gates)
        return self._answer(family)

    @extend_schema(request=shapes.NewBaselineSerializer, responses={201: shapes.VersionSerializer(many=True)})
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def baselines(self, request: Request, slug: str) -> Response:
        """Makes a baseline of the evaluator a version of each named segment, so that it can be promoted."""
        body, family = read(shapes.NewBaselineSerializer, request), self._family(slug)
        wanted = queries.segments_by_slug(family, body["segments"])
        made = actions.register_baseline(actor=person(request), family=family, name=body["name"], segments=wanted)
        versions = queries.versions_by_id(actor=person(request), ids=[version.pk for version in made])
        return Response(shapes.VersionSerializer(versions, many=True).data, status=status.HTTP_201_CREATED)


def _settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body in the action's words."""
    settings = dict(body)
    if "protected_aliases" in settings:
        settings["aliases"] = [actions.AliasSpec(**alias) for alias in settings.pop("protected_aliases")]
    for people in settings.keys() & {"approvers", "on_call"}:
        settings[people] = [user(username=name) for name in settings[people]]
    return settings


class SegmentListView(ListAPIView[Any]):
    """The segments of a family's dimension, and the places of its fallback order, by name."""

    serializer_class = shapes.SegmentSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        return queries.places(queries.family(actor=person(self.request), slug=self.kwargs["slug"]))

    @extend_schema(
        request=shapes.NewSegmentsSerializer,
        responses={201: shapes.SegmentSerializer(many=True)},
        operation_id="families_segments_add",
    )
    def post(self, request: Request, slug: str) -> Response:
        """Adds what is not there yet."""
        wanted = [actions.SegmentSpec(**one) for one in read(shapes.NewSegmentsSerializer, request)["segments"]]
        family = queries.family(actor=person(request), slug=slug)
        added = actions.add_segments(actor=person(request), family=family, segments=wanted)
        return Response(shapes.SegmentSerializer(added, many=True).data, status=status.HTTP_201_CREATED)
