"""API of lineage: OpenLineage events come in where its clients send them, and what was told can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.response import Response

from apps.accounts.signed_in import person
from apps.core.errors import Invalid
from apps.lineage import actions, queries
from apps.lineage.models import ToldRun
from apps.lineage.openlineage import read
from apps.lineage.serializers import HeardSerializer, ToldRunSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.lineage.models import ToldRunQuerySet

NO_RUN = "No run is told of in it: the portal keeps what runs read and wrote, and nothing of this event."
MATCHED = "Kept, as told of the run {run}."
UNMATCHED = "Kept, and matched to no run of the portal: docs/lineage.md says by what it would be."
KNOWN = "It was there already."


class LineageFilter(django_filters.FilterSet):
    run = django_filters.CharFilter("run_id")
    job = django_filters.CharFilter("job", lookup_expr="icontains")
    matched = django_filters.BooleanFilter("run", lookup_expr="isnull", exclude=True)


class LineageView(ListAPIView[ToldRun]):
    """What other products told of runs, the newest first; `matched=false` are those that are about no run of ours."""

    serializer_class = ToldRunSerializer
    filterset_class = LineageFilter
    queryset = ToldRun.objects.none()

    def get_queryset(self) -> ToldRunQuerySet:
        return queries.told_runs(person(self.request))

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: HeardSerializer, 201: HeardSerializer})
    def post(self, request: Request) -> Response:
        """One OpenLineage event (spec 2-0-2), as its clients send it. The same one again changes nothing."""
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Invalid("Send the event without compression.")
        told = read(request.data)
        if told is None:
            return _said(NO_RUN, None, new=False)
        heard = actions.tell(actor=person(request), told=told)
        run = heard.told_run.run_id
        if not heard.new:
            return _said(KNOWN, run, new=False)
        return _said(MATCHED.format(run=run) if run else UNMATCHED, run, new=True)


def _said(said: str, run: str | None, *, new: bool) -> Response:
    body: dict[str, Any] = {"said": said, "new": new, "run": run}
    return Response(HeardSerializer(body).data, status=status.HTTP_201_CREATED if new else status.HTTP_200_OK)
