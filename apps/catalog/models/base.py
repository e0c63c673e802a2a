"""What the catalog's tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.core.validators import MaxLengthValidator
from django.db import models

from apps.core.context import current

if TYPE_CHECKING:
    from apps.accounts.models import User

LONGEST_TEXT = 20_000
"""Characters of one Markdown field."""


class Prose(models.TextField):
    """Markdown that a person wrote."""

    def __init__(self, **options: object) -> None:
        options.setdefault("validators", [MaxLengthValidator(LONGEST_TEXT)])
        super().__init__(**options)  # type: ignore[arg-type]


Row = TypeVar("Row", bound=models.Model, covariant=True)


class CompanyWide(models.QuerySet[Row]):
    """Rows that belong to no team: everybody reads them, a token narrowed to teams or families does not."""

    def visible_to(self, user: User) -> Self:
        credential = current().credential
        narrowed = credential is not None and credential.narrowed
        return self.all() if user.is_active and not narrowed else self.none()


class Sourcing(models.TextChoices):
    BUILD = "build"
    BUY = "buy"
    RENT = "rent"
    OPEN_SOURCE = "open-source", "Open source"
    POSTPONE = "postpone"


TOOL_SOURCING = [choice for choice in Sourcing.choices if choice[0] != Sourcing.POSTPONE]
