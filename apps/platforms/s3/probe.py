"""Tests a place in S3, and says which part is wrong. What the server answers is not repeated."""

from __future__ import annotations

from apps.platforms.calling import NotAllowed, NotSignedIn, Untrusted
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.probing import Finding, Trouble
from apps.platforms.s3.bucket import Bucket
from apps.platforms.s3.place import place_at
from apps.platforms.s3.refusals import NoBucket


def probe(address: str, secret: str) -> Finding:
    """Looks for the first object below the prefix."""
    try:
        place = place_at(address, secret)
        Bucket(place).check()
    except (Refused, Unreachable, ValueError) as error:
        return Finding(_part(error), str(error))
    return Finding(None, f"What lies in {place} can be listed and linked to.")


def _part(error: Exception) -> Trouble:
    if isinstance(error, NotSignedIn):
        return Trouble.AUTH
    if isinstance(error, NotAllowed):
        return Trouble.PERMISSION
    if isinstance(error, NoBucket):
        return Trouble.FILES
    return Trouble.TLS if isinstance(error, Untrusted) else Trouble.ADDRESS


def check(address: str, secret: str) -> str:
    """What is wrong with the two as they were typed; empty where nothing is."""
    try:
        place_at(address, secret)
    except ValueError as error:
        return str(error)
    return ""
