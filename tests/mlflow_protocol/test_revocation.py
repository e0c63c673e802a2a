"""A running portal remembers tokens for a moment, and forgets one the moment it is revoked, whoever revokes it."""

import json
import time
import urllib.error
import urllib.request

import pytest

from apps.accounts.actions import create_token, revoke_token
from apps.accounts.models import ApiToken, User
from tests.served import Web

pytestmark = pytest.mark.django_db(transaction=True)


def status(web: Web, secret: str) -> int:
    request = urllib.request.Request(
        f"{web.address}/api/3.0/mlflow/server-info", headers={"Authorization": f"Bearer {secret}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        code = error.code
        body = json.load(error)
    assert body["message"]
    return code


def comes_to(web: Web, secret: str, wanted: int) -> bool:
    """Within far less than the half minute for which a token is remembered."""
    deadline = time.monotonic() + 15
    while status(web, secret) != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_revoked_token_is_forgotten_by_a_process_that_has_just_used_it(web: Web, owner: User) -> None:
    token = create_token(actor=owner, name="mine")
    assert [status(web, token.secret) for _ in range(5)] == [200] * 5
    revoke_token(actor=owner, token=token.row)
    assert comes_to(web, token.secret, 401)


def test_an_account_that_is_switched_off_is_outside_at_once(web: Web, owner: User) -> None:
    token = create_token(actor=owner, name="mine")
    assert status(web, token.secret) == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert comes_to(web, token.secret, 401)


def test_a_token_that_expires_is_not_remembered_longer(web: Web, owner: User) -> None:
    token = create_token(actor=owner, name="mine")
    assert status(web, token.secret) == 200
    ApiToken.objects.filter(pk=token.row.pk).update(expiry="2020-01-01T00:00Z")
    assert comes_to(web, token.secret, 401)
