"""What S3 says, in the portal's two words: try again, or do not. No key or signature is repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from apps.platforms.calling import InTrouble, NotAllowed, NotSignedIn, Unknown, Untrusted
from apps.platforms.outgoing import Refused, Unreachable

if TYPE_CHECKING:
    from apps.platforms.s3.place import Place

FULL = frozenset({"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "InsufficientCapacity", "StorageFull"})
BAD_KEY = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"})
SKEWED = "RequestTimeTooSkewed"
NONE = "There is no credential for S3: set one, or give the machine a role."


class Full(Unreachable):
    """It has no room for more."""


class NoBucket(Refused):
    """The bucket is not there."""


class CopiesNoParts(Refused):
    """The server does not know UploadPartCopy, as some smaller ones."""


@contextmanager
def in_words(place: Place) -> Iterator[None]:
    """Errors of botocore become Unreachable or Refused, each with a sentence."""
    from botocore import exceptions as boto
    from urllib3.exceptions import HTTPError

    where = place.endpoint or "Amazon S3"
    try:
        yield
    except boto.ClientError as error:
        raise _answered(where, place, error.response) from error
    except (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError) as error:
        raise NotSignedIn(NONE) from error
    except boto.SSLError as error:
        raise Untrusted(f"The certificate of {where} can not be verified, or it does not speak TLS.") from error
    except (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, HTTPError) as error:
        raise Unreachable(f"{where} does not answer ({type(error).__name__}).") from error
    except boto.BotoCoreError as error:
        raise Refused(f"{where} can not be asked ({type(error).__name__}).") from error


def _answered(where: str, place: Place, response: Any) -> Exception:
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(response.get("Error", {}).get("Code", ""))[:60]
    if code in FULL or status == 507:
        return Full(f"{where} has no room for more in the bucket {place.bucket}.")
    if code == "NoSuchBucket":
        return NoBucket(f"{where} has no bucket {place.bucket}: make it, or correct its name.")
    if code == SKEWED:
        return NotSignedIn(f"{where} finds the clock of this machine wrong; set it right.")
    if code in BAD_KEY or status == 401:
        return NotSignedIn(f"{where} does not accept the credential ({code}).")
    if status == 403:
        return NotAllowed(f"{where} does not let the credential do this in the bucket {place.bucket} ({code}).")
    if status == 404:
        return Unknown(f"{where} has no such object in the bucket {place.bucket}.")
    if code == "NotImplemented":
        return CopiesNoParts(f"{where} does not know this call.")
    if status in (408, 429) or status >= 500 or code in {"SlowDown", "RequestTimeout", "InternalError"}:
        return InTrouble(f"{where} answered {status} ({code}).")
    return Refused(f"{where} answered {status} ({code}).")
