"""Objects below a prefix, by their keys there. Every verb raises Unreachable (try again) or Refused (do not)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from apps.platforms.calling import Unknown
from apps.platforms.outgoing import Refused, Unreachable
from apps.platforms.s3.body import Body
from apps.platforms.s3.place import Place, client_of
from apps.platforms.s3.refusals import CopiesNoParts, in_words

PART_BYTES = 16 * 1024**2
SMALLEST_PART = 5 * 1024**2
"""S3 joins nothing smaller, but for the last part."""
COPIED_AT_ONCE = 1024**3


@dataclass(frozen=True)
class Found:
    """An object: its key below the prefix, bytes, when it was written, and the tag that changes with its bytes."""

    key: str
    size: int
    modified: datetime
    etag: str


@dataclass(frozen=True)
class Bucket:
    """One place's objects. Whatever is written appears whole or not at all."""

    place: Place

    def put(self, key: str, content: bytes) -> None:
        with in_words(self.place):
            self._client.put_object(**self._at(key), Body=content, ContentType="application/octet-stream")

    def send(self, key: str, parts: Iterable[bytes]) -> None:
        """Parts of one size each, the last perhaps smaller, as they come; whatever breaks off leaves nothing."""
        upload = self._begin(key)
        try:
            tags = [self._part(key, upload, number, part) for number, part in enumerate(parts, start=1)]
            self._finish(key, upload, tags)
        except BaseException:
            self._abort(key, upload)
            raise

    def copy(self, source: str, target: str, size: int) -> None:
        """Inside the store: none of the bytes come here."""
        if size < COPIED_AT_ONCE:
            self._copy_at_once(source, target)
            return
        spans = [(start, min(start + COPIED_AT_ONCE, size) - 1) for start in range(0, size, COPIED_AT_ONCE)]
        try:
            self._assemble(target, [(source, f"bytes={first}-{last}") for first, last in spans])
        except CopiesNoParts:
            self._copy_at_once(source, target)

    def join(self, sources: Sequence[str], target: str) -> None:
        """Objects of SMALLEST_PART bytes or more, but for the last, one after the other; inside the store.

        Raises CopiesNoParts where the server has no such call.
        """
        self._assemble(target, [(source, "") for source in sources])

    def find(self, key: str) -> Found | None:
        try:
            with in_words(self.place):
                said = self._client.head_object(**self._at(key))
        except Unknown:
            return None
        return Found(key, said["ContentLength"], said["LastModified"], said["ETag"])

    def open(self, key: str) -> Body:
        """Its bytes as they come; seeking asks for the rest from there, of the very same object. Raises Unknown."""
        with in_words(self.place):
            said = self._client.get_object(**self._at(key))
        again = partial(self._again, key, said["ETag"])
        return Body(said["Body"], said["ContentLength"], self.place, again)

    def read(self, key: str) -> bytes:
        """Raises Unknown."""
        with self.open(key) as body:
            return body.read()

    def remove(self, keys: Iterable[str]) -> None:
        """One that is not there is no error. One by one: servers differ in the digest that a call for many needs."""
        with in_words(self.place):
            for key in keys:
                self._client.delete_object(**self._at(key))

    def names(self, below: str = "") -> Iterator[Found]:
        """All objects whose key begins so, by key."""
        start = len(self._key(""))
        pages = self._client.get_paginator("list_objects_v2")
        with in_words(self.place):
            for page in pages.paginate(Bucket=self.place.bucket, Prefix=self._key(below)):
                for one in page.get("Contents", ()):
                    yield Found(one["Key"][start:], one["Size"], one["LastModified"], one["ETag"])

    def abort_uploads(self, below: str, before: datetime) -> None:
        """Forgets what was sent in parts and never finished, whose process is gone."""
        with in_words(self.place):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.place.bucket, Prefix=self._key(below)
            ):
                for one in page.get("Uploads", ()):
                    if one["Initiated"] < before:
                        self._client.abort_multipart_upload(
                            Bucket=self.place.bucket, Key=one["Key"], UploadId=one["UploadId"]
                        )

    def link(self, key: str, *, name: str, seconds: int) -> str:
        """An address that hands out this one object, as a file of that name, for so long, to whoever has it."""
        how = {
            **self._at(key),
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(name).name, safe='')}",
            "ResponseContentType": "application/octet-stream",
        }
        with in_words(self.place):
            return client_of(self.place.at_people).generate_presigned_url("get_object", Params=how, ExpiresIn=seconds)

    def check(self) -> None:
        """Whether we may look into it; the cheapest question there is."""
        with in_words(self.place):
            self._client.list_objects_v2(Bucket=self.place.bucket, Prefix=self._key(""), MaxKeys=1)

    @property
    def _client(self) -> Any:
        with in_words(self.place):
            return client_of(self.place)

    def _key(self, key: str) -> str:
        return f"{self.place.prefix}/{key}" if self.place.prefix else key

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self._key(key)}

    def _again(self, key: str, etag: str, first: int) -> Any:
        with in_words(self.place):
            return self._client.get_object(**self._at(key), Range=f"bytes={first}-", IfMatch=etag)["Body"]

    def _begin(self, key: str) -> str:
        with in_words(self.place):
            kind = "application/octet-stream"
            return str(self._client.create_multipart_upload(**self._at(key), ContentType=kind)["UploadId"])

    def _part(self, key: str, upload: str, number: int, content: bytes) -> dict[str, Any]:
        with in_words(self.place):
            said = self._client.upload_part(**self._at(key), UploadId=upload, PartNumber=number, Body=content)
        return {"PartNumber": number, "ETag": said["ETag"]}

    def _copied_part(self, key: str, upload: str, number: int, source: str, span: str) -> dict[str, Any]:
        which = {"CopySourceRange": span} if span else {}
        with in_words(self.place):
            said = self._client.upload_part_copy(
                **self._at(key), UploadId=upload, PartNumber=number, CopySource=self._at(source), **which
            )
        if "ETag" not in said.get("CopyPartResult", {}):
            raise CopiesNoParts(f"{self.place.endpoint or 'Amazon S3'} can not copy an object into a part.")
        return {"PartNumber": number, "ETag": said["CopyPartResult"]["ETag"]}

    def _copy_at_once(self, source: str, target: str) -> None:
        with in_words(self.place):
            self._client.copy_object(**self._at(target), CopySource=self._at(source))

    def _assemble(self, target: str, pieces: Sequence[tuple[str, str]]) -> None:
        upload = self._begin(target)
        try:
            tags = [
                self._copied_part(target, upload, number, source, span)
                for number, (source, span) in enumerate(pieces, start=1)
            ]
            self._finish(target, upload, tags)
        except BaseException:
            self._abort(target, upload)
            raise

    def _finish(self, key: str, upload: str, tags: list[dict[str, Any]]) -> None:
        with in_words(self.place):
            self._client.complete_multipart_upload(**self._at(key), UploadId=upload, MultipartUpload={"Parts": tags})

    def _abort(self, key: str, upload: str) -> None:
        """What can not be forgotten now goes when the place is swept."""
        with suppress(Unreachable, Refused), in_words(self.place):
            self._client.abort_multipart_upload(**self._at(key), UploadId=upload)
