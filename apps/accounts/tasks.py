"""Celery door of accounts."""

from celery import shared_task
from django.conf import settings

from apps.accounts import single_sign_on
from apps.core.context import Door, through
from apps.core.doorbell import ring


@shared_task(name="accounts.coordinate", expires=60)
def coordinate() -> None:
    """Rings for a round of asking, where there is single sign-on: the queue of decisions waits for no provider."""
    if settings.OIDC_ISSUER:
        ring("accounts.recheck")


@shared_task(name="accounts.recheck", expires=60)
def recheck() -> None:
    """Asks the OpenID provider again about everybody whom it vouched for a while ago."""
    with through(Door.TASK):
        single_sign_on.recheck_all()
