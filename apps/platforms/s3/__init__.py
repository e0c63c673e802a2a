"""Object storage in S3's words, of Amazon or anybody else: objects below one prefix of one bucket; free of Django."""

from __future__ import annotations

from apps.platforms.s3.body import Body
from apps.platforms.s3.bucket import Bucket, Found
from apps.platforms.s3.place import Place, place_at
from apps.platforms.s3.refusals import CopiesNoParts, Full, NoBucket

__all__ = ["Body", "Bucket", "CopiesNoParts", "Found", "Full", "NoBucket", "Place", "place_at"]
