"""Signatures of what is read without the portal: Ed25519, with a key made from the first one of ENCRYPTION_KEYS.

Who reads needs only the public key. After a change of the first key, everything has to be signed again.
"""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"signatures of published files"
ID_LENGTH = 16


def signature_of(content: bytes) -> str:
    """Base64 of the 64 bytes."""
    return b64encode(_key().sign(content)).decode()


def public_key() -> str:
    """Base64 of the 32 bytes by which signatures are checked; no secret."""
    return b64encode(_key().public_key().public_bytes_raw()).decode()


def key_id() -> str:
    """The public key's first letters: tells keys apart."""
    return public_key()[:ID_LENGTH]


def _key() -> Ed25519PrivateKey:
    first = settings.ENCRYPTION_KEYS[0].encode()
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(first)
    return Ed25519PrivateKey.from_private_bytes(seed)
