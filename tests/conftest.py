"""The people of every test: owner, colleague and approver of one team, a stranger, an operator, an admin."""

import uuid
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.core.management import CommandError
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.actions import create_token
from apps.accounts.models import Membership, PortalRole, Team, User
from apps.core.permissions import scopes
from tests.factories import TeamFactory, UserFactory, give, put_into

# How fast the machine is decides nothing.
hypothesis_settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("portal")


@pytest.fixture(autouse=True)
def fast_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """The test client speaks plain HTTP, as a local portal does; the production headers have tests of their own."""
    settings.SECURE_SSL_REDIRECT = False
    settings.API_CALLS_PER_MINUTE = 0  # a walk through all doors is no crowd
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(scope="session", autouse=True)
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files of a test run go into a folder of its own."""
    portal_settings.VAR_DIR = tmp_path_factory.mktemp("var")


@pytest.fixture(scope="session", autouse=True)
def patient_emptying() -> None:
    """A web process that several tests share may still write down who used what, while the tables are emptied after a
    test; PostgreSQL then ends one of the two.
    """
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def again(case: TransactionTestCase, tries: int = 5) -> None:
        try:
            empty(case)
        except CommandError as error:
            if tries == 1 or "deadlock" not in str(error.__cause__):
                raise
            again(case, tries - 1)

    TransactionTestCase._fixture_teardown = again  # type: ignore[attr-defined]


@pytest.fixture
def team(db: None) -> Team:
    return TeamFactory.create(slug="rides-eta", name="Rides ETA")


@pytest.fixture
def other_team(db: None) -> Team:
    return TeamFactory.create(slug="delivery", name="Delivery")


@pytest.fixture
def owner(team: Team) -> User:
    return put_into(team, UserFactory.create(username="owner"))


@pytest.fixture
def colleague(team: Team) -> User:
    return put_into(team, UserFactory.create(username="colleague"))


@pytest.fixture
def approver(team: Team) -> User:
    return put_into(team, UserFactory.create(username="approver"), Membership.Role.LEAD)


@pytest.fixture
def stranger(other_team: Team) -> User:
    return put_into(other_team, UserFactory.create(username="stranger"))


@pytest.fixture
def operator(db: None) -> User:
    platform = TeamFactory.create(slug="ml-platform", name="ML Platform", kind=Team.Kind.PLATFORM)
    return put_into(platform, UserFactory.create(username="operator"))


@pytest.fixture
def admin(db: None) -> User:
    return give(UserFactory.create(username="admin"), PortalRole.Role.PLATFORM_ADMIN)


def signed_in(user: User) -> Client:
    """A browser's client of a signed-in user."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def api(user: User, *, scope: list[str] | None = None, **narrowed: Any) -> APIClient:
    """An API client with a token of the user's own; every scope unless said."""
    made = create_token(actor=user, name=f"test {uuid.uuid4()}", scopes=scope or scopes(), **narrowed)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made.secret}")
    return client
