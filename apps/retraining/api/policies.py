"""API of signals, incidents, policies and what these decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.core.errors import Invalid
from apps.registry.queries import family, segments
from apps.retraining import actions, queries
from apps.retraining.models import Firing, Incident, Policy, Signal
from apps.retraining.policy_serializers import (
    FiringSerializer,
    IncidentSerializer,
    NewSignalSerializer,
    NoteSerializer,
    PolicySerializer,
    PolicyTermsSerializer,
    RehearsalSerializer,
    RehearsedSerializer,
    SignalSerializer,
    WhySerializer,
)
from apps.retraining.queries import watching

NUMBER = "[0-9]{1,18}"


def _read(shape: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    wanted = shape(data=request.data)
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)


class SignalFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    segment = django_filters.CharFilter("segment__slug")
    kind = django_filters.CharFilter("kind")
    incident = django_filters.NumberFilter("incident_id", max_value=10**18)
    is_alarm = django_filters.BooleanFilter("is_alarm")


class SignalViewSet(ReadOnlyModelViewSet[Signal]):
    """What the world said about data and models, the newest first."""

    serializer_class = SignalSerializer
    filterset_class = SignalFilter
    lookup_value_regex = NUMBER
    queryset = Signal.objects.none()

    def get_queryset(self) -> QuerySet[Signal]:
        return watching.signals(person(self.request))

    @extend_schema(request=NewSignalSerializer, responses={201: SignalSerializer, 200: SignalSerializer})
    def create(self, request: Request) -> Response:
        """Stores a report as its tool wrote it; the same about the same segment again answers the first (200)."""
        body = _read(NewSignalSerializer, request)
        chosen = family(actor=person(request), slug=body["family"])
        stored, new = actions.receive_signal(
            actor=person(request),
            family=chosen,
            segment=_segment(chosen, body["segment"]),
            source=body["source"],
            report=body["report"],
            observed_at=body["observed_at"],
            window=_window(body),
        )
        code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
        return Response(SignalSerializer(stored).data, status=code)

    @extend_schema(request=WhySerializer, responses=SignalSerializer)
    @action(detail=True, methods=["post"], url_path="set-aside")
    def set_aside(self, request: Request, pk: str) -> Response:
        """It no longer keeps its window from training."""
        reason = _read(WhySerializer, request)["reason"]
        aside = actions.set_signal_aside(actor=person(request), signal=self.get_object(), reason=reason)
        return Response(SignalSerializer(aside).data)


def _segment(chosen: Any, slug: str) -> Any:
    if not slug:
        return None
    found = segments(chosen).filter(slug=slug).first()
    if found is None:
        raise Invalid(f"{chosen} has no segment {slug!r}. Check the spelling, or leave it out.", field="segment")
    return found


def _window(body: Mapping[str, Any]) -> Any:
    first, last = body["window_first"], body["window_last"]
    if (first is None) != (last is None):
        raise Invalid("A window has a first and a last day; give both or none.", field="window_last")
    return (first, last) if first else None


class IncidentFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    open = django_filters.BooleanFilter("closed_at", lookup_expr="isnull")


class IncidentViewSet(ReadOnlyModelViewSet[Incident]):
    """Storms of signals, each one incident that starts nothing; open ones first."""

    serializer_class = IncidentSerializer
    filterset_class = IncidentFilter
    lookup_value_regex = NUMBER
    queryset = Incident.objects.none()

    def get_queryset(self) -> QuerySet[Incident]:
        return watching.incidents(person(self.request))

    @extend_schema(request=NoteSerializer, responses=IncidentSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Somebody has looked upstream; what comes later may be another."""
        note = _read(NoteSerializer, request)["note"]
        actions.close_incident(actor=person(request), incident=self.get_object(), note=note)
        return Response(IncidentSerializer(self.get_object()).data)


class PolicyFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    pipeline = django_filters.CharFilter("pipeline__slug")


class PolicyViewSet(ReadOnlyModelViewSet[Policy]):
    """When families are retrained without somebody asking each time."""

    serializer_class = PolicySerializer
    filterset_class = PolicyFilter
    lookup_value_regex = NUMBER
    queryset = Policy.objects.none()

    def get_queryset(self) -> QuerySet[Policy]:
        return watching.policies(person(self.request))

    @extend_schema(request=PolicyTermsSerializer, responses={201: PolicySerializer})
    def create(self, request: Request) -> Response:
        """It acts as whoever makes it; without `starts` it only suggests."""
        return Response(PolicySerializer(self._set(request)).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=PolicyTermsSerializer, responses=PolicySerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Replaces its terms; whoever does so owns it from then on."""
        return Response(PolicySerializer(self._set(request, self.get_object())).data)

    def _set(self, request: Request, policy: Policy | None = None) -> Policy:
        body = _read(PolicyTermsSerializer, request)
        chosen = family(actor=person(request), slug=body.pop("family"))
        pipeline = queries.pipeline(actor=person(request), slug=body.pop("pipeline"))
        if policy and policy.family_id != chosen.pk:
            raise Invalid(f"This policy is of {policy.family}; make another one for {chosen}.", field="family")
        terms = actions.PolicyTerms(**body)
        return actions.set_policy(actor=person(request), family=chosen, pipeline=pipeline, terms=terms, policy=policy)

    @extend_schema(request=WhySerializer, responses=PolicySerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """It decides nothing until it is resumed."""
        reason = _read(WhySerializer, request)["reason"]
        return Response(
            PolicySerializer(actions.pause_policy(actor=person(request), policy=self.get_object(), reason=reason)).data
        )

    @extend_schema(request=None, responses=PolicySerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """From now on; what came due meanwhile is not made up for."""
        return Response(PolicySerializer(actions.resume_policy(actor=person(request), policy=self.get_object())).data)

    @extend_schema(request=RehearsalSerializer, responses=RehearsedSerializer(many=True), filters=False)
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def rehearse(self, request: Request, pk: str) -> Response:
        """What it would have decided in the last days, had it been there. Changes nothing."""
        days = _read(RehearsalSerializer, request)["days"]
        played: Any = watching.rehearse(self.get_object(), days=days)
        return Response(RehearsedSerializer(played, many=True).data)


class FiringFilter(django_filters.FilterSet):
    policy = django_filters.NumberFilter("policy_id", max_value=10**18)
    family = django_filters.CharFilter("policy__family__slug")
    outcome = django_filters.ChoiceFilter(choices=Firing.Outcome)


class FiringViewSet(ReadOnlyModelViewSet[Firing]):
    """Every decision of every policy, also those not to fire, the newest first."""

    serializer_class = FiringSerializer
    filterset_class = FiringFilter
    lookup_value_regex = NUMBER
    queryset = Firing.objects.none()

    def get_queryset(self) -> QuerySet[Firing]:
        return watching.firings(person(self.request))

    @extend_schema(request=None, responses=FiringSerializer)
    @action(detail=True, methods=["post"])
    def take(self, request: Request, pk: str) -> Response:
        """Sends what was suggested, as whoever takes it."""
        return Response(FiringSerializer(actions.take_suggestion(actor=person(request), firing=self.get_object())).data)

    @extend_schema(request=None, responses=FiringSerializer)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: str) -> Response:
        """Nothing is retrained because of it."""
        done = actions.dismiss_suggestion(actor=person(request), firing=self.get_object())
        return Response(FiringSerializer(done).data)
