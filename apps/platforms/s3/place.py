"""Where objects lie and as whom we call; a client for it is made once per process."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from botocore.client import BaseClient

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
REGION_OF_HOST = re.compile(r"s3[.-](?:dualstack\.)?([a-z0-9-]+)\..*")
AMAZON = re.compile(r"s3[a-z0-9.-]*\.amazonaws\.com(\.cn)?")
STYLES = ("path", "virtual")
CONNECT_SECONDS, READ_SECONDS = 5, 20
TRIES = 3


@dataclass(frozen=True)
class Place:
    """A prefix of a bucket. Without `endpoint` it is Amazon's; without `key_id` boto3 looks for a credential where it
    always does: AWS_* variables, the shared file, the role of the machine or pod. `public_endpoint` is how people's
    machines reach it, where that differs.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    style: str = ""
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    public_endpoint: str = ""

    def __post_init__(self) -> None:
        if not BUCKET.fullmatch(self.bucket):
            raise ValueError(f"{self.bucket!r} is no name of a bucket: small letters, digits, dots and hyphens.")
        if self.style and self.style not in STYLES:
            raise ValueError(f"The addressing style is {' or '.join(STYLES)}, not {self.style!r}.")

    def __str__(self) -> str:
        """As people write it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def below(self, folder: str) -> Place:
        return replace(self, prefix="/".join(filter(None, (self.prefix, folder.strip("/")))))

    @property
    def at_people(self) -> Place:
        """The same place as people's machines reach it."""
        return replace(self, endpoint=self.public_endpoint or self.endpoint)


def place_at(address: str, credential: str = "") -> Place:
    """From `https://host/bucket/prefix?region=…&style=…` and `id:secret`. Raises ValueError with a sentence."""
    parts = urlsplit(address)
    bucket, _, prefix = parts.path.strip("/").partition("/")
    said = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    if not bucket or said.keys() - {"region", "style"} or parts.fragment:
        raise ValueError("An S3 address looks like https://s3.example.org/bucket/prefix, perhaps with ?region=….")
    key_id, _, secret = credential.partition(":")
    if credential and not (key_id and secret):
        raise ValueError("A credential of S3 looks like ID:SECRET, the access key's id and its secret.")
    amazon = bool(AMAZON.fullmatch(parts.hostname or ""))
    guessed = REGION_OF_HOST.fullmatch(parts.hostname or "")
    return Place(
        bucket,
        prefix,
        f"{parts.scheme}://{parts.netloc}",
        said.get("region") or (guessed[1] if guessed and guessed[1] != "amazonaws" else ""),
        said.get("style") or ("virtual" if amazon else "path"),
        key_id,
        secret,
    )


def client_of(place: Place) -> BaseClient:
    """Safe to be shared by threads; a forked process gets its own."""
    return _client(replace(place, bucket="any", prefix="", public_endpoint=""), os.getpid())


@cache
def _client(place: Place, process: int) -> BaseClient:
    """Imported here: it costs a third of a web process, which one on a local disk need not pay."""
    import boto3
    from botocore.config import Config

    how = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=32,
        # The signature covers the sha256 of what is sent, which every server checks; newer checksums many do not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": place.style or ("path" if place.endpoint else "auto"), "payload_signing_enabled": True},
    )
    whose: dict[str, Any] = {}
    if place.key_id:
        whose = {"aws_access_key_id": place.key_id, "aws_secret_access_key": place.secret}
    region = place.region or (None if not place.endpoint else "us-east-1")
    return boto3.session.Session().client(
        "s3", endpoint_url=place.endpoint or None, region_name=region, config=how, **whose
    )
