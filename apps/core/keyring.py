"""Secrets at rest: a small ring of keys from the environment. The first encrypts, every one of them decrypts."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.errors import Unavailable


def seal(secret: str) -> str:
    """The secret as it may lie in a table."""
    return _ring().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unavailable for what no key of the ring opens."""
    try:
        return _ring().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unavailable(
            "A stored secret was encrypted with a key that is not in ENCRYPTION_KEYS any more. "
            "Put that key back behind the first one, or enter the secret again."
        ) from error


def reseal(sealed: str) -> str:
    """The same secret under the first key, so that older keys can be taken off the ring. Raises Unavailable."""
    return seal(unseal(sealed))


def _ring() -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS holds something that is no key. A key is what `openssl rand -base64 32` says."
        ) from error
