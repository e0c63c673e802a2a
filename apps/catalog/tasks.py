"""Celery door of the catalog: what time does."""

from celery import shared_task

from apps.catalog.actions.nightly import keep_dates
from apps.core.context import Door, through


@shared_task(name="catalog.keep_dates", expires=3600)
def keep_catalog_dates() -> None:
    """Idempotent: run it as often as you like."""
    with through(Door.TASK):
        keep_dates()
