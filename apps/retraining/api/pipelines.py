"""API of pipelines: what can be retrained, and its definition, which platform admins put."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.signed_in import person
from apps.core.errors import Invalid
from apps.core.permissions import require
from apps.registry.queries import family
from apps.retraining import actions, lookups, queries
from apps.retraining.api.checked import checked
from apps.retraining.models import Pipeline
from apps.retraining.queries import audiences
from apps.retraining.serializers import (
    PipelineBeginningSerializer,
    PipelineDetailSerializer,
    PipelineSerializer,
    PipelineVersionSerializer,
    PlanSerializer,
    PreviewSerializer,
    PushedSerializer,
)
from apps.retraining.shape import file_schema, in_openapi

CONNECTION = OpenApiParameter("connection", str, required=True, description="Its name.")
WORKFLOW = OpenApiParameter("workflow", str, required=True, description="What the platform calls it: a DAG's id.")
DRY_RUN = OpenApiParameter("dry_run", bool, description="Only tell what would change.")


class PipelineFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("families__slug")
    team = django_filters.CharFilter("team__slug")


class PipelineViewSet(ReadOnlyModelViewSet[Pipeline]):
    """What can be retrained, by slug; one pipeline comes with the JSON Schema of its parameters."""

    filterset_class = PipelineFilter
    lookup_field = "slug"
    queryset = Pipeline.objects.none()

    def get_queryset(self) -> QuerySet[Pipeline]:
        return queries.pipelines(person(self.request)).prefetch_related("families")

    def get_object(self) -> Pipeline:
        return queries.pipeline(actor=person(self.request), slug=self.kwargs["slug"])

    def get_serializer_class(self) -> type[PipelineSerializer]:
        return PipelineDetailSerializer if self.action == "retrieve" else PipelineSerializer

    @extend_schema(request=PlanSerializer, responses=PreviewSerializer)
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, slug: str) -> Response:
        """What sending this would mean: runs, expected time, the plan's digest. Stores nothing."""
        plan = checked(PlanSerializer, request)
        found = family(actor=person(request), slug=plan.pop("family"))
        pipeline = self.get_object()
        shown = queries.preview(pipeline=pipeline, family=found, **plan)
        approvers = audiences.would_be_asked(
            pipeline=pipeline, family=found, requester=person(request), segments=shown.runs
        )
        names = None if approvers is None else [one.username for one in approvers]
        told: Any = {**vars(shown), "approvers": names}
        return Response(PreviewSerializer(told).data)

    @extend_schema(request={"application/json": in_openapi()}, responses=PushedSerializer, parameters=[DRY_RUN])
    def update(self, request: Request, slug: str) -> Response:
        """Defines the pipeline, or gives it a new version; the same definition again changes nothing.

        For platform admins. What is left out has its default. Every mistake is told at once, by its setting.
        """
        if not isinstance(request.data, dict):
            raise ParseError("Send the definition as a JSON object: name, team, script, schema …")
        dry_run = request.query_params.get("dry_run", "").lower() in ("1", "true")
        pushed = actions.put_pipeline(actor=person(request), slug=slug, said=request.data, dry_run=dry_run)
        return Response(PushedSerializer(pushed).data)

    @extend_schema(responses=PipelineVersionSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def versions(self, request: Request, slug: str) -> Response:
        """Every definition that the pipeline has had, the newest first, each with what it changed."""
        found: Any = queries.versions_of(self.get_object())
        shown: Any = queries.with_differences(self.paginate_queryset(found) or [])
        return self.get_paginated_response(PipelineVersionSerializer(shown, many=True).data)


class PipelineOfWorkflowView(APIView):
    """A definition made of what a platform says of a workflow, to complete and to put as a pipeline."""

    @extend_schema(parameters=[CONNECTION, WORKFLOW], responses=PipelineBeginningSerializer)
    def get(self, request: Request) -> Response:
        """Asks the platform; 503 with the reason when it can not be asked. For platform admins."""
        require(person(request), "retraining.define_pipeline")
        asked = {name: request.query_params.get(name, "") for name in ("connection", "workflow")}
        if missing := [name for name, value in asked.items() if not value]:
            raise Invalid(f"Name the {missing[0]} in the address: ?connection=…&workflow=…", field=missing[0])
        slug, said = lookups.beginning(actor=person(request), **asked)
        return Response({"slug": slug, "definition": said})


class PipelineFileSchemaView(APIView):
    """The JSON Schema of a pipelines file, for editors that complete and check YAML by one."""

    @extend_schema(responses={200: dict[str, Any]})
    def get(self, request: Request) -> Response:
        return Response(file_schema())
