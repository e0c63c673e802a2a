"""What shapes of the catalog share."""

from typing import Any

from rest_framework import serializers

from apps.catalog.models import LONGEST_TEXT

MOST_ROWS = 2**31 - 1


def named(by: str, *, null: bool = False) -> serializers.SlugRelatedField[Any]:
    """A related thing by one of its own words."""
    return serializers.SlugRelatedField(by, read_only=True, allow_null=null)


def prose(**options: Any) -> serializers.CharField:
    """Markdown."""
    return serializers.CharField(**{"max_length": LONGEST_TEXT, "required": False, "allow_blank": True} | options)


class ReasonSerializer(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=500)


class OptionalReasonSerializer(serializers.Serializer[object]):
    reason = serializers.CharField(max_length=500, default="", allow_blank=True)


class VoteSerializer(serializers.Serializer[object]):
    """`digest`, where it is sent, is of what the voter looked at: a vote for something that has changed is refused."""

    note = serializers.CharField(max_length=500, default="", allow_blank=True)
    digest = serializers.CharField(max_length=64, default="", allow_blank=True)
