"""API of requests, segment runs and workers."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from apps.accounts import queries as accounts
from apps.accounts.signed_in import person
from apps.registry.queries import family
from apps.retraining import actions, queries
from apps.retraining.api.checked import checked
from apps.retraining.models import RetrainingRequest, SegmentRun, TeamQuota, Worker
from apps.retraining.queries import audiences
from apps.retraining.serializers import (
    ApproveRequestSerializer,
    CancelSegmentsSerializer,
    CancelSerializer,
    HoldSerializer,
    LogSerializer,
    NewRequestSerializer,
    QueueSerializer,
    QuotaSerializer,
    RejectRequestSerializer,
    RequestDetailSerializer,
    RequestSerializer,
    RetryFailedSerializer,
    RunKeySerializer,
    RunTokenSerializer,
    SegmentRunDetailSerializer,
    SegmentRunSerializer,
    WorkerSerializer,
)

NUMBER = "[0-9]{1,18}"


class RequestFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    pipeline = django_filters.CharFilter("pipeline__slug")
    requester = django_filters.CharFilter("requester__username")
    status = django_filters.ChoiceFilter(choices=RetrainingRequest.Status)


class RequestViewSet(ReadOnlyModelViewSet[RetrainingRequest]):
    """Retraining requests, the newest first."""

    filterset_class = RequestFilter
    lookup_value_regex = NUMBER
    queryset = RetrainingRequest.objects.none()

    def get_queryset(self) -> QuerySet[RetrainingRequest]:
        return queries.requests(person(self.request)).in_brief()

    def get_object(self) -> RetrainingRequest:
        return queries.request(actor=person(self.request), request_id=int(self.kwargs["pk"]))

    def get_serializer_class(self) -> type[RequestSerializer]:
        return RequestDetailSerializer if self.action == "retrieve" else RequestSerializer

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._page_of(self.filter_queryset(self.get_queryset()))

    def _page_of(self, found: QuerySet[RetrainingRequest]) -> Response:
        """With the progress of all of them, asked for at once."""
        page = self.paginate_queryset(found) or []
        context = {**self.get_serializer_context(), "progress": queries.progress_of([row.pk for row in page])}
        return self.get_paginated_response(RequestSerializer(page, many=True, context=context).data)

    @extend_schema(request=NewRequestSerializer, responses={201: RequestSerializer})
    def create(self, request: Request) -> Response:
        """Freezes the plan and sends it. With a `key`, sending again answers the request that is there already."""
        wanted = checked(NewRequestSerializer, request)
        pipeline = queries.pipeline(actor=person(request), slug=wanted.pop("pipeline"))
        chosen = family(actor=person(request), slug=wanted.pop("family"))
        made = actions.submit_request(actor=person(request), pipeline=pipeline, family=chosen, **wanted)
        return Response(RequestSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=RequestSerializer(many=True), filters=False)
    @action(detail=False, filter_backends=[])
    def waiting(self, request: Request) -> Response:
        """What waits for your approval, the most urgent first."""
        return self._page_of(audiences.waiting_for(person(request)))

    @extend_schema(request=ApproveRequestSerializer, responses=RequestDetailSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Your yes to exactly the plan whose digest you send; then it runs."""
        said = checked(ApproveRequestSerializer, request)
        actions.approve_request(actor=person(request), request=self.get_object(), **said)
        return Response(RequestDetailSerializer(self.get_object()).data)

    @extend_schema(request=RejectRequestSerializer, responses=RequestDetailSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Your no, with the reason; it closes the request."""
        said = checked(RejectRequestSerializer, request)
        actions.reject_request(actor=person(request), request=self.get_object(), **said)
        return Response(RequestDetailSerializer(self.get_object()).data)

    @extend_schema(request=CancelSerializer, responses=RequestDetailSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Takes it back before anybody has answered."""
        said = checked(CancelSerializer, request)
        actions.withdraw_request(actor=person(request), request=self.get_object(), **said)
        return Response(RequestDetailSerializer(self.get_object()).data)

    @extend_schema(request=CancelSerializer, responses=RequestSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Nothing more is sent, and what runs is ended at its next heartbeat."""
        reason = checked(CancelSerializer, request)["reason"]
        stopped = actions.cancel_request(actor=person(request), request=self.get_object(), reason=reason)
        return Response(RequestSerializer(stopped).data)

    @extend_schema(request=CancelSegmentsSerializer, responses=RequestSerializer)
    @action(detail=True, methods=["post"], url_path="cancel-segments")
    def cancel_segments(self, request: Request, pk: str) -> Response:
        """Takes some segments out; the others go on."""
        found = self.get_object()
        actions.cancel_runs(actor=person(request), request=found, **checked(CancelSegmentsSerializer, request))
        return Response(RequestSerializer(found).data)

    @extend_schema(request=HoldSerializer, responses=RequestSerializer)
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, pk: str) -> Response:
        """What runs goes on, nothing more is sent."""
        reason = checked(HoldSerializer, request)["reason"]
        held = actions.hold_request(actor=person(request), request=self.get_object(), reason=reason)
        return Response(RequestSerializer(held).data)

    @extend_schema(request=None, responses=RequestSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Goes on sending; failures until now no longer hold it."""
        return Response(
            RequestSerializer(actions.resume_request(actor=person(request), request=self.get_object())).data
        )

    @extend_schema(request=RetryFailedSerializer, responses=RequestSerializer)
    @action(detail=True, methods=["post"], url_path="retry-failed")
    def retry_failed(self, request: Request, pk: str) -> Response:
        """Only what failed runs again; with a reason, only what failed for it."""
        reason = checked(RetryFailedSerializer, request)["reason"]
        again = actions.retry_failed(actor=person(request), request=self.get_object(), reason=reason)
        return Response(RequestSerializer(again).data)


class SegmentRunFilter(django_filters.FilterSet):
    request = django_filters.NumberFilter("request_id", max_value=10**18)
    family = django_filters.CharFilter("request__family__slug")
    segment = django_filters.CharFilter("segment__slug")
    status = django_filters.ChoiceFilter(choices=SegmentRun.Status)


class SegmentRunViewSet(ReadOnlyModelViewSet[SegmentRun]):
    """One city of a request each, the newest first."""

    filterset_class = SegmentRunFilter
    lookup_value_regex = NUMBER
    queryset = SegmentRun.objects.none()

    def get_queryset(self) -> QuerySet[SegmentRun]:
        return queries.segment_runs(person(self.request)).in_brief()

    def get_object(self) -> SegmentRun:
        return queries.segment_run(actor=person(self.request), run_id=int(self.kwargs["pk"]))

    def get_serializer_class(self) -> type[SegmentRunSerializer]:
        return SegmentRunDetailSerializer if self.action == "retrieve" else SegmentRunSerializer

    @extend_schema(request=None, responses=SegmentRunDetailSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Runs this one again, unless it succeeded or is still on its way."""
        actions.retry_run(actor=person(request), run=self.get_object())
        return Response(SegmentRunDetailSerializer(self.get_object()).data)

    @extend_schema(responses=LogSerializer)
    @action(detail=True)
    def log(self, request: Request, pk: str) -> Response:
        """The end of what the script printed."""
        return Response(LogSerializer(self.get_object()).data)


class RunTokenView(APIView):
    """Lets training code on a platform log to the run that the portal opened for it."""

    @extend_schema(request=RunKeySerializer, responses={201: RunTokenSerializer})
    def post(self, request: Request) -> Response:
        """A token of that run alone, for an account of the family's team with the scope `retraining:log`.

        May be asked for again, by each task of a run and each try of it. 404 once the run has ended.
        """
        lent = actions.lend_run_token(actor=person(request), **checked(RunKeySerializer, request))
        return Response(RunTokenSerializer(lent).data, status=status.HTTP_201_CREATED)


class WorkerViewSet(mixins.ListModelMixin, GenericViewSet[Worker]):
    """Workers as they last reported themselves."""

    serializer_class = WorkerSerializer
    lookup_field = "name"
    lookup_value_regex = "[^/]+"
    queryset = Worker.objects.none()

    def get_queryset(self) -> QuerySet[Worker]:
        return queries.workers()

    @extend_schema(request=None, responses=WorkerSerializer)
    @action(detail=True, methods=["post"])
    def drain(self, request: Request, name: str) -> Response:
        """It ends what it runs and takes nothing more, within seconds; a new start of it forgets that."""
        actions.drain_worker(actor=person(request), worker=self.get_object())
        return Response(WorkerSerializer(self.get_object()).data)

    @extend_schema(request=None, responses=WorkerSerializer)
    @action(detail=True, methods=["post"])
    def undrain(self, request: Request, name: str) -> Response:
        """It takes runs again."""
        actions.undrain_worker(actor=person(request), worker=self.get_object())
        return Response(WorkerSerializer(self.get_object()).data)


class QuotaViewSet(mixins.ListModelMixin, GenericViewSet[TeamQuota]):
    """Teams whose runs are limited, whatever their pipelines allow."""

    serializer_class = QuotaSerializer
    lookup_field = "team"
    filter_backends = ()
    queryset = TeamQuota.objects.none()

    def get_queryset(self) -> QuerySet[TeamQuota]:
        return queries.team_quotas()

    @extend_schema(request=QuotaSerializer, responses=QuotaSerializer)
    def update(self, request: Request, team: str) -> Response:
        """At most so many runs of the team's families are on their way at a time."""
        limit = checked(QuotaSerializer, request)["max_concurrent"]
        quota = actions.set_team_quota(actor=person(request), team=accounts.team(slug=team), max_concurrent=limit)
        return Response(QuotaSerializer(quota).data)

    def destroy(self, request: Request, team: str) -> Response:
        """No limit any more."""
        actions.set_team_quota(actor=person(request), team=accounts.team(slug=team), max_concurrent=None)
        return Response(status=status.HTTP_204_NO_CONTENT)


class QueueView(ListAPIView[Any]):
    """How much waits, and how long the oldest has waited."""

    serializer_class = QueueSerializer
    filter_backends = ()

    def get_queryset(self) -> Any:
        return queries.queue_depths()
