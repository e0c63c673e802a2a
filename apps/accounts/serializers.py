"""API shapes of accounts."""

from typing import Any, ClassVar

from rest_framework import serializers

from apps.accounts.actions import LONGEST_TOKEN_DAYS
from apps.accounts.models import ApiToken, Membership, Team, User


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


class CreatedTokenSerializer(serializers.Serializer[object]):
    """The one answer that carries the secret."""

    token = serializers.CharField(source="secret")
    name = serializers.CharField(source="row.name")
    expiry = serializers.DateTimeField(source="row.expiry")
