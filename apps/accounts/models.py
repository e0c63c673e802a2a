"""People, teams, portal-wide roles, API tokens. There is no superuser: nobody may do everything."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from knox.models import AbstractAuthToken

from apps.core.context import Boundary, Credential
from apps.core.sealed import SealedField


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
    rests_since = models.DateTimeField(
        null=True, editable=False, help_text="Switched off by single sign-on, until the next sign-in."
    )
    sign_outs = models.PositiveIntegerField(
        db_default=0, editable=False, help_text="How often all sessions were ended; one of before opens nothing."
    )

    objects = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("username"), name="one_user_per_name_whatever_the_case")]

    def __str__(self) -> str:
        return self.name or self.username

    def get_session_auth_hash(self) -> str:
        """What a session must have to stay open: it changes with the password, and when all sessions are ended."""
        return super().get_session_auth_hash() + (f".{self.sign_outs}" if self.sign_outs else "")

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


class Identity(models.Model):
    """Who a person is at an OpenID provider, and when it last vouched for them."""

    user = models.OneToOneField(User, models.CASCADE, related_name="identity")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    sealed_refresh_token = SealedField(
        blank=True, help_text="With it the provider is asked again; empty: it gave none."
    )
    confirmed_at = models.DateTimeField(help_text="When the provider last vouched for the person and their groups.")
    asked_at = models.DateTimeField(db_index=True, help_text="When it was last asked; who sets it forward asks.")

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_per_identity")]

    def __str__(self) -> str:
        return f"{self.user} at {self.issuer}"


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
