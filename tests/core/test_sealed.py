"""Secrets at rest: the key changes, and no column of any table is left behind."""

from importlib import import_module

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Field
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import Identity, Team, User
from apps.core.errors import Unavailable
from apps.core.keyring import seal, unseal
from apps.core.sealed import SealedField, sealed_fields
from apps.notifications.actions import create_webhook, set_channel
from apps.platforms.actions import set_connection
from apps.platforms.models import Connection

SECRETS = {
    "accounts.Identity.sealed_refresh_token": "refreshes",
    "notifications.Channel.sealed_address": "https://1.1.1.1/services/secret",
    "notifications.Webhook.sealed_secret": "signs",
    "platforms.Connection.sealed_secret": "t0ken",
}


@pytest.fixture
def everything_secret(admin: User, approver: User, team: Team) -> None:
    set_connection(actor=admin, name="tracking", kind="mlflow", address="https://1.1.1.1", secret="t0ken")
    set_channel(actor=approver, team=team, address="https://1.1.1.1/services/secret")
    create_webhook(actor=admin, name="ci", url="https://1.1.1.1/hook", events=["model_version.created"], secret="signs")
    asked = {"confirmed_at": timezone.now(), "asked_at": timezone.now(), "sealed_refresh_token": seal("refreshes")}
    Identity.objects.create(user=approver, issuer="https://1.1.1.1", subject="1", **asked)


def opened() -> dict[str, str]:
    """What lies in each column, in the open."""
    return {
        f"{field.model._meta.label}.{field.name}": unseal(sealed)
        for field in sealed_fields()
        for sealed in field.model._base_manager.values_list(field.name, flat=True)
    }


def test_every_column_that_is_named_so_is_resealed() -> None:
    columns = {
        f"{model._meta.label}.{field.name}": field
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, Field) and field.get_internal_type() in ("TextField", "CharField", "BinaryField")
    }
    named = {name for name in columns if name.rpartition(".")[2].startswith(("sealed_", "encrypted_"))}
    assert named == {name for name, field in columns.items() if isinstance(field, SealedField)} == SECRETS.keys()


@pytest.mark.django_db
def test_the_key_changes_and_every_secret_opens_with_the_new_one(everything_secret: None, settings: Settings) -> None:
    assert opened() == SECRETS
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("reseal_secrets")
    settings.ENCRYPTION_KEYS = [new]
    assert opened() == SECRETS


@pytest.mark.django_db
def test_a_secret_that_no_key_opens_is_named_and_the_others_are_resealed(
    everything_secret: None, admin: User, settings: Settings
) -> None:
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    set_connection(actor=admin, name="forgotten", kind="mlflow", address="https://1.1.1.1", secret="gone")
    settings.ENCRYPTION_KEYS = [new, old]
    with pytest.raises(CommandError, match=r"No key of ENCRYPTION_KEYS opens the secret of connection \d+"):
        call_command("reseal_secrets")
    settings.ENCRYPTION_KEYS = [new]
    with pytest.raises(Unavailable):
        opened()
    Connection.objects.filter(name="forgotten").delete()
    assert opened() == SECRETS


@pytest.mark.django_db
@pytest.mark.parametrize("before", ["refresh_token", "sealed_refresh_token"])
def test_the_refresh_token_is_found_whatever_its_column_was_called(before: str) -> None:
    migration = import_module("apps.accounts.migrations.0004_the_refresh_token_says_that_it_is_sealed")
    with connection.schema_editor() as editor:
        if before == "refresh_token":
            editor.execute("ALTER TABLE accounts_identity RENAME COLUMN sealed_refresh_token TO refresh_token")
        migration.name_it_as_it_is(apps, editor)
    assert not Identity.objects.filter(sealed_refresh_token="").exists()
