"""Hash bytes with the function of the chain's suite, under a tag that names what is hashed.

The suite is that of the chain at hand: whoever applies a block or checks a proof does it `under`
the suite of the chain, and everything below hashes with it. Without it the suite is `intl`.

Example:
    >>> from trine.model.hashing import Suite, hash_bytes, under
    >>> hash_bytes(b"").hex()[:16]
    'e3b0c44298fc1c14'
    >>> with under(Suite.GM):
    ...     hash_bytes(b"").hex()[:16]
    '1ab21d8355cfa17f'
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives import hashes

from trine.model.identifiers import Digest


class Suite(StrEnum):
    """The family of algorithms that a chain uses for its own hashes and certificates."""

    INTL = "intl"
    """SHA-256 (FIPS 180-4)."""
    GM = "gm"
    """SM3 (GB/T 32905-2016)."""


_FUNCTIONS: Final[dict[Suite, type[hashes.SHA256 | hashes.SM3]]] = {
    Suite.INTL: hashes.SHA256,
    Suite.GM: hashes.SM3,
}

_CURRENT: Final = ContextVar("suite", default=Suite.INTL)


def current_suite() -> Suite:
    """Return the suite of the chain at hand."""
    return _CURRENT.get()


@contextmanager
def under(suite: Suite) -> Iterator[None]:
    """Hash with the function of `suite` inside."""
    before = _CURRENT.set(suite)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def hash_bytes(*parts: bytes) -> Digest:
    """Hash the concatenation of `parts` with the function of the suite."""
    function = hashes.Hash(_FUNCTIONS[current_suite()]())
    for part in parts:
        function.update(part)
    return Digest(function.finalize())


class TaggedHasher:
    """A tagged hash of bytes that come part by part; `tagged_hash` of them joined."""

    def __init__(self, tag: str) -> None:
        """Start with the function of the suite at hand."""
        name = tag.encode("ascii")
        self._function = hashes.Hash(_FUNCTIONS[current_suite()]())
        self._function.update(bytes([len(name)]) + name)

    def update(self, part: bytes) -> None:
        """Add bytes."""
        self._function.update(part)

    def digest(self, last: bytes = b"") -> Digest:
        """Return the hash of what was added so far and of `last`, which is not added."""
        function = self._function.copy()
        function.update(last)
        return Digest(function.finalize())


def tagged_hash(tag: str, *parts: bytes) -> Digest:
    """Hash `parts` under a tag, so that digests of different kinds never collide.

    The hashed bytes are the length of the tag as one byte, the tag in ASCII, the parts.
    """
    name = tag.encode("ascii")
    return hash_bytes(bytes([len(name)]), name, *parts)
