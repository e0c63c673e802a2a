"""API shapes of accounts."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.accounts.actions import LONGEST_TOKEN_DAYS
from apps.accounts.models import ApiToken, Membership, PortalRole, Team, User


class MeSerializer(serializers.ModelSerializer[User]):
    teams: Any = serializers.SlugRelatedField("slug", many=True, read_only=True)
    roles: Any = serializers.SlugRelatedField("role", many=True, read_only=True, source="portal_roles")

    class Meta:
        model = User
        fields: ClassVar = ["username", "name", "email", "teams", "roles"]


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields: ClassVar = ["slug", "name", "kind"]


class UserSerializer(serializers.ModelSerializer[User]):
    teams: Any = serializers.SlugRelatedField("slug", many=True, read_only=True)

    class Meta:
        model = User
        fields: ClassVar = ["username", "name", "teams"]


class NewUserSerializer(serializers.ModelSerializer[User]):
    """Without a password the person can sign in only by single sign-on."""

    password = serializers.CharField(max_length=128, required=False, write_only=True)

    class Meta:
        model = User
        fields: ClassVar = ["username", "name", "email", "password"]
        extra_kwargs: ClassVar = {"name": {"required": True}}


class NewMemberSerializer(serializers.Serializer[object]):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Membership.Role.choices, default=Membership.Role.MEMBER)


class MemberSerializer(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")

    class Meta:
        model = Membership
        fields: ClassVar = ["username", "role"]


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    key = serializers.CharField(source="token_key", help_text="The first letters of the secret; names the token.")

    class Meta:
        model = ApiToken
        fields: ClassVar = ["key", "name", "scopes", "teams", "families", "created", "expiry", "last_used_at"]


class NewTokenSerializer(serializers.Serializer[object]):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.CharField(max_length=64), default=["read"], max_length=50)
    teams = serializers.ListField(child=serializers.SlugField(), default=list, max_length=50)
    families = serializers.ListField(child=serializers.SlugField(), default=list, max_length=50)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_TOKEN_DAYS, default=90)
    minutes = serializers.IntegerField(
        min_value=1, max_value=LONGEST_TOKEN_DAYS * 1440, required=False, help_text="In place of days."
    )


class ServiceTokenSerializer(TokenSerializer):
    account = serializers.CharField(source="user.username")

    class Meta(TokenSerializer.Meta):
        fields: ClassVar = ["account", *TokenSerializer.Meta.fields]


class NewServiceTokenSerializer(NewTokenSerializer):
    account = serializers.CharField(max_length=150, help_text="User name of the service account.")


class ServiceAccountSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields: ClassVar = ["username", "name"]


class NewServiceAccountSerializer(serializers.Serializer[object]):
    username = serializers.CharField(max_length=150)
    name = serializers.CharField(max_length=150, required=False)


class UserNameSerializer(serializers.Serializer[object]):
    username = serializers.CharField(max_length=150)


class RoleSerializer(serializers.Serializer[object]):
    role = serializers.ChoiceField(PortalRole.Role.choices)


class KeySerializer(serializers.Serializer[object]):
    key = serializers.CharField(max_length=25, help_text="As the list says it.")


class TradeSerializer(serializers.Serializer[object]):
    token = serializers.CharField(max_length=16_000, help_text="The ID token that the CI issued for this run.")


class CreatedTokenSerializer(serializers.Serializer[object]):
    """The one answer that carries the secret."""

    token = serializers.CharField(source="secret")
    name = serializers.CharField(source="row.name")
    expiry = serializers.DateTimeField(source="row.expiry")
