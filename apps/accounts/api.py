"""API of accounts: who am I, my tokens, the teams."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from apps.accounts import actions, queries
from apps.accounts.models import ApiToken, Team
from apps.accounts.serializers import (
    CreatedTokenSerializer,
    MeSerializer,
    NewTokenSerializer,
    TeamSerializer,
    TokenSerializer,
)
from apps.accounts.signed_in import person


class MeView(APIView):
    """The person behind the credential."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(person(request)).data)


class TeamViewSet(ReadOnlyModelViewSet[Team]):
    """Teams, by slug."""

    serializer_class = TeamSerializer
    lookup_field = "slug"
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        return queries.teams()


class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]):
    """My own API tokens. A secret is answered once, when the token is made."""

    serializer_class = TokenSerializer
    lookup_field = "token_key"
    lookup_url_kwarg = "key"
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> QuerySet[ApiToken]:
        return queries.tokens_of(person(self.request))

    @extend_schema(request=NewTokenSerializer, responses={201: CreatedTokenSerializer})
    def create(self, request: Request) -> Response:
        wanted = NewTokenSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = actions.create_token(actor=person(request), **wanted.validated_data)
        return Response(CreatedTokenSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, key: str) -> Response:
        actions.revoke_token(actor=person(request), token=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
