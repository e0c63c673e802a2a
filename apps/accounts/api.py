"""API of accounts: who am I, my tokens, the teams."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from apps.accounts import actions, queries
from apps.accounts.models import ApiToken, Team, User
from apps.accounts.serializers import (
    CreatedTokenSerializer,
    MemberSerializer,
    MeSerializer,
    NewMemberSerializer,
    NewTokenSerializer,
    NewUserSerializer,
    TeamSerializer,
    TokenSerializer,
    UserSerializer,
)
from apps.accounts.signed_in import person


class MeView(APIView):
    """The person behind the credential."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        return Response(MeSerializer(person(request)).data)


class TeamViewSet(ReadOnlyModelViewSet[Team]):
    """Teams, by slug. Platform admins found them and fill them."""

    serializer_class = TeamSerializer
    lookup_field = "slug"
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        return queries.teams()

    @extend_schema(request=TeamSerializer, responses={201: TeamSerializer})
    def create(self, request: Request) -> Response:
        wanted = TeamSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        team = actions.create_team(actor=person(request), **wanted.validated_data)
        return Response(TeamSerializer(team).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=MemberSerializer(many=True))
    @action(detail=True)
    def members(self, request: Request, slug: str) -> Response:
        """Who belongs to the team, and as what."""
        members: Any = queries.members(self.get_object())
        page: Any = self.paginate_queryset(members)
        return self.get_paginated_response(MemberSerializer(page, many=True).data)

    @extend_schema(request=NewMemberSerializer, responses={201: MemberSerializer})
    @members.mapping.post
    def add_member(self, request: Request, slug: str) -> Response:
        """Puts a user into the team, or changes their role in it."""
        wanted = NewMemberSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        user = queries.user(username=wanted.validated_data["username"])
        role = wanted.validated_data["role"]
        made = actions.add_member(actor=person(request), team=self.get_object(), user=user, role=role)
        return Response(MemberSerializer(made).data, status=status.HTTP_201_CREATED)


class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[User]):
    """People, by user name. Platform admins add them."""

    serializer_class = UserSerializer
    lookup_field = "username"
    lookup_value_regex = r"[\w.@+-]{1,150}"
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[User]:
        return queries.users()

    @extend_schema(request=NewUserSerializer, responses={201: UserSerializer})
    def create(self, request: Request) -> Response:
        wanted = NewUserSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        user = actions.create_user(actor=person(request), **wanted.validated_data)
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)


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
