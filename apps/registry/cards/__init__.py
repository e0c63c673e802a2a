"""Model cards, pure: which fields there are, what the record says of them, and the forms that others read."""

from apps.registry.cards.composing import Card, Facts, Performance, Said, Slice, composed
from apps.registry.cards.fields import EDITABLE, FIELDS, SECTIONS, Field, digest_of, merged, required_fields
from apps.registry.cards.writing import as_google, as_markdown

__all__ = [
    "EDITABLE",
    "FIELDS",
    "SECTIONS",
    "Card",
    "Facts",
    "Field",
    "Performance",
    "Said",
    "Slice",
    "as_google",
    "as_markdown",
    "composed",
    "digest_of",
    "merged",
    "required_fields",
]
