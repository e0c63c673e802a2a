"""A row against its model: field rules and database constraints, refused with a sentence for each field."""

from copy import copy
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CheckConstraint, Expression, Model

from apps.core.errors import Exists, Invalid

Row = TypeVar("Row", bound=Model)


def check(row: Model) -> None:
    """Raises Invalid with one sentence per field. Values that the database computes are left to it."""
    computed = {field.name for field in row._meta.fields if isinstance(getattr(row, field.attname), Expression)}
    try:
        row.clean_fields(exclude=computed)
        _validate_checks(row, computed)
    except ValidationError as error:
        errors = _by_field(row, error)
        raise Invalid(" ".join(errors.values()), field=next(iter(errors)), errors=errors) from error


def _validate_checks(row: Model, computed: set[str]) -> None:
    """All check constraints at once; what must be unique is for the database to say, and for `insert` to word."""
    broken: dict[str, list[ValidationError]] = {}
    for constraint in row._meta.constraints:
        try:
            if isinstance(constraint, CheckConstraint):
                constraint.validate(type(row), row, exclude=computed)
        except ValidationError as error:
            broken.setdefault(NON_FIELD_ERRORS, []).append(error)
    if broken:
        raise ValidationError(broken)


def check_reason(reason: str, sentence: str) -> None:
    """Raises Invalid with the sentence where nothing is said."""
    if not reason.strip():
        raise Invalid(sentence, field="reason")


def insert(row: Row, *, taken: str) -> Row:
    """Saves a new row after its check; raises Exists with the sentence `taken` when its name is gone."""
    check(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Exists(taken) from error
    row.refresh_from_db()
    return row


def changed(row: Row, **values: object) -> Row:
    """A checked copy of the row with other values; the row itself stays as it is, also when they are refused."""
    other = copy(row)
    for name, value in values.items():
        setattr(other, name, value)
    check(other)
    return other


def difference(row: Model, wanted: object) -> tuple[dict[str, object], dict[str, object]]:
    """What differs between a row and a dataclass of the same field names: before and after, in the audit's words."""
    names = [name for name, value in vars(wanted).items() if getattr(row, name) != value]
    return {name: _word(getattr(row, name)) for name in names}, {name: _word(getattr(wanted, name)) for name in names}


def _word(value: object) -> object:
    return value if value is None or isinstance(value, str | int | list | dict) else str(value)


def _by_field(row: Model, error: ValidationError) -> dict[str, str]:
    names = {field.name for field in row._meta.fields}
    found: dict[str, list[str]] = {}
    for name, problems in error.error_dict.items():
        for problem in problems:
            named = problem.code if name == NON_FIELD_ERRORS and problem.code in names else name
            found.setdefault(str(named), []).extend(problem.messages)
    return {name: " ".join(messages) for name, messages in found.items()}
