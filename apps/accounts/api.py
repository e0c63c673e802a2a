"""API of accounts: who am I, my tokens, the teams."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from apps.accounts import actions, queries, trading
from apps.accounts.models import ApiToken, Team, User
from apps.accounts.serializers import (
    CreatedTokenSerializer,
    KeySerializer,
    MemberSerializer,
    MeSerializer,
    NewMemberSerializer,
    NewServiceAccountSerializer,
    NewServiceTokenSerializer,
    NewTokenSerializer,
    NewUserSerializer,
    RoleSerializer,
    ServiceAccountSerializer,
    ServiceTokenSerializer,
    TeamSerializer,
    TokenSerializer,
    TradeSerializer,
    UserNameSerializer,
    UserSerializer,
)
from apps.accounts.signed_in import person
from apps.core.permissions import require


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

    @extend_schema(request=UserNameSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="remove-member")
    def remove_member(self, request: Request, slug: str) -> Response:
        """Takes a user out of the team."""
        wanted = UserNameSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        user = queries.user(username=wanted.validated_data["username"])
        actions.remove_member(actor=person(request), team=self.get_object(), user=user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=ServiceAccountSerializer(many=True))
    @action(detail=True, url_path="service-accounts")
    def service_accounts(self, request: Request, slug: str) -> Response:
        """Users without a password, for machines."""
        page: Any = self.paginate_queryset(queries.service_accounts(self.get_object()))  # type: ignore[arg-type]
        return self.get_paginated_response(ServiceAccountSerializer(page, many=True).data)

    @extend_schema(request=NewServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    @service_accounts.mapping.post
    def create_service_account(self, request: Request, slug: str) -> Response:
        """Leads of the team make them."""
        wanted = NewServiceAccountSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = actions.create_service_account(actor=person(request), team=self.get_object(), **wanted.validated_data)
        return Response(ServiceAccountSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=ServiceTokenSerializer(many=True))
    @action(detail=True, url_path="service-tokens")
    def service_tokens(self, request: Request, slug: str) -> Response:
        """Tokens of the team's service accounts that still work, for its leads."""
        team = self.get_object()
        require(person(request), "accounts.keep_service", team)
        page: Any = self.paginate_queryset(queries.service_tokens(team))  # type: ignore[arg-type]
        return self.get_paginated_response(ServiceTokenSerializer(page, many=True).data)

    @extend_schema(request=NewServiceTokenSerializer, responses={201: CreatedTokenSerializer})
    @service_tokens.mapping.post
    def create_service_token(self, request: Request, slug: str) -> Response:
        """A token of a service account; its secret is answered this once."""
        wanted = NewServiceTokenSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        said = dict(wanted.validated_data)
        team = self.get_object()
        require(person(request), "accounts.keep_service", team)
        account = queries.service_account(team=team, username=said.pop("account"))
        made = actions.create_token(actor=person(request), account=account, **said)
        return Response(CreatedTokenSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=KeySerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="revoke-service-token")
    def revoke_service_token(self, request: Request, slug: str) -> Response:
        wanted = KeySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        team = self.get_object()
        require(person(request), "accounts.keep_service", team)
        token = get_object_or_404(queries.service_tokens(team), token_key=wanted.validated_data["key"])
        actions.revoke_token(actor=person(request), token=token)
        return Response(status=status.HTTP_204_NO_CONTENT)


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

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="switch-off")
    def switch_off(self, request: Request, username: str) -> Response:
        """Sessions and tokens of the account stop at once; single sign-on does not switch it on again."""
        actions.switch_off(actor=person(request), user=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"], url_path="switch-on")
    def switch_on(self, request: Request, username: str) -> Response:
        actions.switch_on(actor=person(request), user=get_object_or_404(User, username__iexact=username))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RoleSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="give-role")
    def give_role(self, request: Request, username: str) -> Response:
        """A right that belongs to no team."""
        actions.give_role(actor=person(request), user=self.get_object(), role=_role(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RoleSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="take-role")
    def take_role(self, request: Request, username: str) -> Response:
        actions.take_role(actor=person(request), user=self.get_object(), role=_role(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _role(request: Request) -> str:
    wanted = RoleSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    return str(wanted.validated_data["role"])


class TradeView(APIView):
    """A run of CI trades the ID token that its issuer gave it for a short-lived token of the portal."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=TradeSerializer, responses={201: CreatedTokenSerializer}, auth=[])
    def post(self, request: Request) -> Response:
        wanted = TradeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = trading.trade(wanted.validated_data["token"])
        return Response(CreatedTokenSerializer(made).data, status=status.HTTP_201_CREATED)


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
