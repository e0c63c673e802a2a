"""People, teams, portal-wide roles, API tokens. There is no superuser: nobody may do everything."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from knox.models import AbstractAuthToken

from apps.core.context import Boundary, Credential


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, *, password: str | None = None, **fields: Any) -> "User":
        """A person (or a service account: no password, `service_of` a team)."""
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]  # knox's manager has no types
    """A person, or the service account of a team."""

    username = models.CharField(max_length=150, unique=True, validators=[UnicodeUsernameValidator()])
    name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(db_default=Now(), editable=False)
    service_of = models.ForeignKey("Team", models.PROTECT, null=True, blank=True, related_name="service_accounts")
    default_team = models.ForeignKey("Team", models.SET_NULL, null=True, blank=True, related_name="+")

    objects = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("username"), name="one_user_per_name_whatever_the_case")]

    def __str__(self) -> str:
        return self.name or self.username

    @property
    def is_service(self) -> bool:
        return self.service_of_id is not None


class Team(models.Model):
    """Who owns things: a product team, or a platform team whose members are operators."""

    class Kind(models.TextChoices):
        PRODUCT = "product"
        PLATFORM = "platform"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.PRODUCT)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def boundary(self) -> Boundary:
        return Boundary(team=self.slug)


class Membership(models.Model):
    class Role(models.TextChoices):
        MEMBER = "member"
        LEAD = "lead"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_membership_per_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class PortalRole(models.Model):
    """A right that belongs to no team."""

    class Role(models.TextChoices):
        CATALOG_EDITOR = "catalog_editor"
        BOARD = "board"
        PLATFORM_ADMIN = "platform_admin"

    user = models.ForeignKey(User, models.CASCADE, related_name="portal_roles")
    role = models.CharField(max_length=32, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="a_role_is_given_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class ApiToken(AbstractAuthToken):
    """A named credential, stored hashed; never more than its owner may do."""

    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=64))
    teams = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    families = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="token_names_differ_per_user")]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_id(self) -> str:
        """The primary key is the secret's digest, which no history shows."""
        return self.token_key

    @property
    def credential(self) -> Credential:
        return Credential(self.name, frozenset(self.scopes), frozenset(self.teams), frozenset(self.families))
