"""Hash bytes with the function of the chain's suite, under a tag that names what is hashed.

The model knows the suite `intl`, whose function is SHA-256 (FIPS 180-4).

Example:
    >>> from trine.model.hashing import hash_bytes
    >>> hash_bytes(b"").hex()[:16]
    'e3b0c44298fc1c14'
"""

import hashlib
from typing import Final

from trine.model.identifiers import Digest

SUITE: Final = "intl"
"""Name of the one suite that the model implements."""


def hash_bytes(*parts: bytes) -> Digest:
    """Hash the concatenation of `parts` with SHA-256 (FIPS 180-4)."""
    return Digest(hashlib.sha256(b"".join(parts)).digest())


def tagged_hash(tag: str, *parts: bytes) -> Digest:
    """Hash `parts` under a tag, so that digests of different kinds never collide.

    The hashed bytes are the length of the tag as one byte, the tag in ASCII, the parts.
    """
    name = tag.encode("ascii")
    return hash_bytes(bytes([len(name)]), name, *parts)
