"""Hash many messages at once, and encrypt with SM4-GCM.

>>> from trine.crypto import hash_many, open_sm4_gcm, seal_sm4_gcm
>>> [digest.hex()[:8] for digest in hash_many("sm3", [b"abc", b""])]
['66c7f0f4', '1ab21d83']
>>> sealed = seal_sm4_gcm(bytes(16), bytes(12), b"secret")
>>> open_sm4_gcm(bytes(16), bytes(12), sealed)
b'secret'
"""

from collections.abc import Sequence

from trine._core import crypto as core
from trine.errors import BadArgument

DIGEST_BYTES = 32
"""Bytes of a digest, whatever the function."""

SM4_KEY_BYTES = 16
"""Bytes of an SM4 key."""

SM4_NONCE_BYTES = 12
"""Bytes of a nonce of SM4-GCM (RFC 8998, section 3.2)."""


def hash_many(function: str, messages: Sequence[bytes]) -> list[bytes]:
    """Hash each message, with the interpreter lock released; SM3 does sixteen at a time.

    Args:
        function: `sha256`, `sm3` or `keccak256`.
        messages: At most 1,048,576.

    Raises:
        BadArgument: The function is another, or there are too many messages.
    """
    joined = core.hash_many(function, messages)
    return [joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES)]


def seal_sm4_gcm(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes = b"") -> bytes:
    """Encrypt and authenticate (RFC 8998); the tag of 16 bytes is at the end.

    Args:
        key: 16 bytes.
        nonce: 12 bytes, never twice with one key.
        plaintext: What is encrypted.
        associated: What is authenticated with it and not encrypted.

    Raises:
        BadArgument: Key or nonce has another length.
    """
    _check(key, nonce)
    return core.sm4_gcm_seal(key, nonce, associated, plaintext)


def open_sm4_gcm(key: bytes, nonce: bytes, sealed: bytes, associated: bytes = b"") -> bytes | None:
    """Decrypt; nothing where key, nonce or bytes are not those that were sealed.

    Raises:
        BadArgument: Key or nonce has another length.
    """
    _check(key, nonce)
    return core.sm4_gcm_open(key, nonce, associated, sealed)


def _check(key: bytes, nonce: bytes) -> None:
    for what, found, expected in (("key", key, SM4_KEY_BYTES), ("nonce", nonce, SM4_NONCE_BYTES)):
        if len(found) != expected:
            raise BadArgument(f"{what} of {len(found)} bytes, expected {expected}")
