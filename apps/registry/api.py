"""API of the registry: families and their fleet, models, versions, evaluations, promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from apps.accounts.queries import team
from apps.accounts.signed_in import person
from apps.artifacts.queries import file, files_of, open_file
from apps.core.downloads import attachment
from apps.core.errors import Conflict, Missing
from apps.registry import actions, queries
from apps.registry import serializers as shapes
from apps.registry.gates import GateSpec
from apps.registry.models import AliasMove, Evaluation, ModelFamily, ModelVersion, RegisteredModel, Wave

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.http import FileResponse
    from rest_framework.request import Request
    from rest_framework.serializers import Serializer

NAME = r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
NUMBER = "[0-9]{1,18}"


def read(shape: type[Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """The request's body in that shape. Raises DRF's ValidationError, which becomes errors by field."""
    wanted = shape(data=request.data)
    wanted.is_valid(raise_exception=True)
    return wanted.validated_data


def chosen(request: Request, body: Mapping[str, Any]) -> tuple[ModelFamily, list[ModelVersion]]:
    """The family and versions that a body names by slug and ids."""
    family = queries.family(actor=person(request), slug=body["family"])
    return family, queries.versions_by_id(actor=person(request), ids=body["versions"])


class FamilyViewSet(ReadOnlyModelViewSet[ModelFamily]):
    """Model families you may see, by name."""

    serializer_class = shapes.FamilySerializer
    lookup_field = "slug"
    queryset = ModelFamily.objects.none()

    def get_queryset(self) -> QuerySet[ModelFamily]:
        return queries.families(person(self.request))

    def _family(self, slug: str) -> ModelFamily:
        return queries.family(actor=person(self.request), slug=slug)

    def _answer(self, family: ModelFamily, code: int = status.HTTP_200_OK) -> Response:
        return Response(shapes.FamilySerializer(self._family(family.slug)).data, status=code)

    @extend_schema(request=shapes.NewFamilySerializer, responses={201: shapes.FamilySerializer})
    def create(self, request: Request) -> Response:
        body = dict(read(shapes.NewFamilySerializer, request))
        owner = team(slug=body.pop("team"))
        family = actions.create_family(actor=person(request), team=owner, **body)
        return self._answer(family, status.HTTP_201_CREATED)

    @extend_schema(request=shapes.FamilySettingsSerializer, responses=shapes.FamilySerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        body = read(shapes.FamilySettingsSerializer, request)
        return self._answer(actions.update_family(actor=person(request), family=self._family(slug), **body))

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

    @extend_schema(responses=shapes.FleetRowSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, filter_backends=[])
    def fleet(self, request: Request, slug: str) -> Response:
        """A row per segment: champion, newest month, candidate, verdicts. Not paged: a map shows all of it."""
        return Response(shapes.FleetRowSerializer(queries.fleet(self._family(slug)), many=True).data)


class SegmentListView(ListAPIView[Any]):
    """The segments of a family's dimension, by name."""

    serializer_class = shapes.SegmentSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        return queries.segments(queries.family(actor=person(self.request), slug=self.kwargs["slug"]))

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


class ModelFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    segment = django_filters.CharFilter("segment__slug")


class ModelViewSet(ReadOnlyModelViewSet[RegisteredModel]):
    """Registered models you may see, by name; each is one segment's, with its aliases."""

    serializer_class = shapes.ModelSerializer
    filterset_class = ModelFilter
    lookup_field = "name"
    lookup_value_regex = NAME
    queryset = RegisteredModel.objects.none()

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return queries.models(person(self.request))

    @extend_schema(request=shapes.ModelRollbackSerializer, responses=shapes.RollbackSerializer)
    @action(detail=True, methods=["post"])
    def rollback(self, request: Request, name: str) -> Response:
        """Back to what was champion before. Say which version you take back, and a second click does nothing."""
        body = dict(read(shapes.ModelRollbackSerializer, request))
        version = _taken_back(request, name, body.pop("version"), body["alias"])
        done = actions.rollback(actor=person(request), family=version.model.family, versions=[version], **body)
        return Response(shapes.RollbackSerializer(done).data)


def _taken_back(request: Request, name: str, number: int | None, alias: str) -> ModelVersion:
    if number is not None:
        return queries.version(actor=person(request), model=name, number=number)
    champion = queries.champion_of(queries.model(actor=person(request), name=name), alias)
    if champion is None:
        raise Missing(f"{name} has no {alias} that could be taken back.")
    return champion


class ModelVersionListView(ListAPIView[ModelVersion]):
    """The versions of one model, the newest first."""

    serializer_class = shapes.VersionSerializer
    filter_backends = ()
    queryset = ModelVersion.objects.none()

    def get_queryset(self) -> QuerySet[ModelVersion]:
        return queries.versions(queries.model(actor=person(self.request), name=self.kwargs["name"]))


class AliasHistoryView(ListAPIView[AliasMove]):
    """Every move of the model's champion, the newest first."""

    serializer_class = shapes.AliasMoveSerializer
    filter_backends = ()
    queryset = AliasMove.objects.none()

    def get_queryset(self) -> QuerySet[AliasMove]:
        return queries.alias_history(queries.model(actor=person(self.request), name=self.kwargs["name"]))


class VersionFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("model__family__slug")
    segment = django_filters.CharFilter("model__segment__slug")
    model = django_filters.CharFilter("model__name")
    alias = django_filters.CharFilter("aliases__name")
    run = django_filters.CharFilter("run")


class VersionViewSet(ReadOnlyModelViewSet[ModelVersion]):
    """Model versions you may see, the newest first."""

    filterset_class = VersionFilter
    lookup_value_regex = NUMBER
    queryset = ModelVersion.objects.none()

    def get_queryset(self) -> QuerySet[ModelVersion]:
        return queries.all_versions(person(self.request))

    def get_serializer_class(self) -> type[shapes.VersionSerializer]:
        return shapes.VersionSerializer if self.action == "list" else shapes.VersionDetailSerializer

    @extend_schema(request=shapes.DescriptionSerializer, responses=shapes.VersionDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """The description is all that can change."""
        version = self.get_object()
        actions.describe_version(actor=person(request), version=version, **read(shapes.DescriptionSerializer, request))
        return Response(shapes.VersionDetailSerializer(version).data)


class VersionFileListView(ListAPIView[Any]):
    """The version's files, by path; they can not change."""

    serializer_class = shapes.StoredFileSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Any]:
        return files_of(_version(self.request, self.kwargs["version_id"]).tree)


class VersionFileView(APIView):
    """The verified bytes of one file, as a download."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, version_id: int, path: str) -> FileResponse:
        tree = _version(request, version_id).tree
        found = file(tree=tree, path=path)
        return attachment(open_file(tree=tree, path=path), path=path, size=found.size, sha256=found.blob_id)


def _version(request: Request, version_id: int) -> ModelVersion:
    return queries.versions_by_id(actor=person(request), ids=[version_id])[0]


class EvaluationFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("model__family__slug")
    model = django_filters.CharFilter("model__name")
    candidate = django_filters.NumberFilter("candidate", help_text="Id of a version.")
    status = django_filters.ChoiceFilter(choices=Evaluation.Status)


class EvaluationViewSet(ReadOnlyModelViewSet[Evaluation]):
    """Evaluations you may see, the newest first. Only a worker writes their numbers."""

    filterset_class = EvaluationFilter
    lookup_value_regex = NUMBER
    queryset = Evaluation.objects.none()

    def get_queryset(self) -> QuerySet[Evaluation]:
        found = queries.evaluations(person(self.request))
        return found if self.action == "list" else found.defer(None)

    def get_serializer_class(self) -> type[shapes.EvaluationSerializer]:
        return shapes.EvaluationSerializer if self.action == "list" else shapes.EvaluationDetailSerializer

    @extend_schema(
        request=shapes.NewEvaluationsSerializer,
        responses={202: shapes.EvaluationSerializer(many=True)},
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Asks for evaluations against the champions of now; made once, however often it is asked."""
        body = read(shapes.NewEvaluationsSerializer, request)
        family, versions = chosen(request, body)
        first, last = _window(family, body)
        asked = actions.request_evaluations(
            actor=person(request), family=family, candidates=versions, window_first=first, window_last=last
        )
        return Response(shapes.EvaluationSerializer(asked, many=True).data, status=status.HTTP_202_ACCEPTED)


def _window(family: ModelFamily, body: Mapping[str, Any]) -> tuple[Any, Any]:
    newest = queries.newest_window(family)
    first, last = body["window_first"], body["window_last"]
    if first and last:
        return first, last
    if newest is None:
        raise Conflict("The family has no month with labels yet, so nothing can be evaluated.")
    return newest


class WaveFilter(django_filters.FilterSet):
    family = django_filters.CharFilter("family__slug")
    status = django_filters.ChoiceFilter(choices=Wave.Status)
    proposer = django_filters.CharFilter("proposer__username")


class PromotionViewSet(ReadOnlyModelViewSet[Wave]):
    """Promotions you may see, the newest first: each is a wave of one segment or many."""

    serializer_class = shapes.WaveSerializer
    filterset_class = WaveFilter
    lookup_value_regex = NUMBER
    queryset = Wave.objects.none()

    def get_queryset(self) -> QuerySet[Wave]:
        return queries.waves(person(self.request))

    def _wave(self, pk: str) -> Wave:
        return queries.wave(actor=person(self.request), wave_id=int(pk))

    def _answer(self, wave: Wave, code: int = status.HTTP_200_OK) -> Response:
        view = queries.wave_view(actor=person(self.request), wave_id=wave.pk)
        return Response(shapes.WaveDetailSerializer(view).data, status=code)

    @extend_schema(responses=shapes.WaveDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Everything an approver looks at."""
        return self._answer(self._wave(pk))

    @extend_schema(request=shapes.ProposalSerializer, responses={201: shapes.WaveDetailSerializer})
    def create(self, request: Request) -> Response:
        """Proposes what passes the gates and lists the others; applied at once where no approval is needed."""
        body = dict(read(shapes.ProposalSerializer, request))
        family, versions = chosen(request, body)
        settings = {name: body[name] for name in ("reason", "alias", "key")}
        wave = actions.propose(actor=person(request), family=family, versions=versions, **settings)
        return self._answer(wave, status.HTTP_201_CREATED)

    @extend_schema(
        request=shapes.CandidatesSerializer, responses=shapes.PromotionRowSerializer(many=True), filters=False
    )
    @action(detail=False, methods=["post"], url_path="dry-run", pagination_class=None, filter_backends=[])
    def dry_run(self, request: Request) -> Response:
        """What a proposal of these versions would be; nothing is written."""
        family, versions = chosen(request, read(shapes.CandidatesSerializer, request))
        return Response(shapes.PromotionRowSerializer(queries.dry_run(family, versions), many=True).data)

    @extend_schema(responses=shapes.WaveSerializer(many=True), filters=False)
    @action(detail=False, filter_backends=[])
    def waiting(self, request: Request) -> Response:
        """What waits for your decision, the most urgent first."""
        page = self.paginate_queryset(queries.waiting_for(person(request)))
        return self.get_paginated_response(shapes.WaveSerializer(page, many=True).data)

    @extend_schema(request=shapes.ApprovalSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Your yes to exactly what you looked at; the last one that is needed moves the aliases."""
        body = read(shapes.ApprovalSerializer, request)
        return self._answer(actions.approve(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.RejectionSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Your no, with the reason; it closes the wave."""
        body = read(shapes.RejectionSerializer, request)
        return self._answer(actions.reject(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.WithdrawalSerializer, responses=shapes.WaveDetailSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Takes an open proposal back."""
        body = read(shapes.WithdrawalSerializer, request)
        return self._answer(actions.withdraw(actor=person(request), wave=self._wave(pk), **body))

    @extend_schema(request=shapes.RollbackRequestSerializer, responses=shapes.RollbackSerializer)
    @action(detail=False, methods=["post"])
    def rollback(self, request: Request) -> Response:
        """Takes versions back in many cities at once; those that can not go back are listed."""
        body = dict(read(shapes.RollbackRequestSerializer, request))
        family, versions = chosen(request, body)
        settings = {name: body[name] for name in ("reason", "alias")}
        done = actions.rollback(actor=person(request), family=family, versions=versions, **settings)
        return Response(shapes.RollbackSerializer(done).data)
