"""The portal's own place in S3, where its files or its backups lie: the settings say how it is let in."""

from __future__ import annotations

from django.conf import settings

from apps.core.errors import Invalid
from apps.platforms.s3 import Place


def own_place(address: str) -> Place:
    """`s3://bucket/prefix` as the portal itself is let in, by the settings S3_*. Raises Invalid."""
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.strip("/").partition("/")
    try:
        if scheme != "s3":
            raise ValueError(f"{address!r} is no place in S3: write s3://bucket/prefix.")
        return Place(bucket, prefix, **settings.S3)
    except ValueError as error:
        raise Invalid(str(error)) from error
