"""Name the hashes of timestamps, and hash what is stamped.

>>> from trine.services.evidence.timestamp import Imprint
>>> Imprint.of_data(b"abc").digest.hex()[:8]
'ba7816bf'
>>> Imprint.of_data(b"abc", "sm3").digest.hex()[:8]
'66c7f0f4'
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives import hashes

from trine.crypto.x509.certificate import SUITE_HASHES
from trine.errors import BadArgument, UnsupportedTimestamp

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sm3": hashes.SM3(),
}
"""Hash by its name. SHA-1 and what is older can be forged and has no place here."""
HASH_OIDS: Final = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sm3": "1.2.156.10197.1.401",
}
"""Identifier of each hash (RFC 5754, section 2; GM/T 0006)."""
HASH_NAMES: Final = {oid: name for name, oid in HASH_OIDS.items()}
"""Hash by its identifier."""


def hash_name(oid: str, what: str) -> str:
    """Return the name of a hash.

    Raises:
        UnsupportedTimestamp: It is not one of `HASHES`.
    """
    name = HASH_NAMES.get(oid)
    if name is None:
        expected = ", ".join(HASHES)
        raise UnsupportedTimestamp(f"{what} uses the hash {oid}, expected one of {expected}")
    return name


def hash_chunks(name: str, chunks: Iterable[bytes]) -> bytes:
    """Hash what comes in pieces, such as a large file.

    Raises:
        BadArgument: There is no such hash.
    """
    if name not in HASHES:
        raise BadArgument(f"hash {name[:40]!r}, expected one of {', '.join(HASHES)}")
    state = hashes.Hash(HASHES[name])
    for chunk in chunks:
        state.update(chunk)
    return state.finalize()


@dataclass(frozen=True)
class Imprint:
    """What a timestamp is about: the hash of data (RFC 3161, section 2.4.1, `MessageImprint`).

    Attributes:
        algorithm: `sha256`, `sha384`, `sha512` or `sm3`.
        digest: Hash of the data.
    """

    algorithm: str
    digest: bytes

    def __post_init__(self) -> None:
        """Check that the digest is one of the hash.

        Raises:
            BadArgument: There is no such hash, or its digests have another length.
        """
        if self.algorithm not in HASHES:
            expected = ", ".join(HASHES)
            raise BadArgument(f"hash {self.algorithm[:40]!r}, expected one of {expected}")
        size = HASHES[self.algorithm].digest_size
        if len(self.digest) != size:
            raise BadArgument(f"a digest of {len(self.digest)} bytes, {self.algorithm} has {size}")

    @classmethod
    def of_data(cls, data: bytes, algorithm: str = "sha256") -> Self:
        """Hash data.

        Raises:
            BadArgument: There is no such hash.
        """
        return cls(algorithm, hash_chunks(algorithm, [data]))


def header_imprint(header: bytes, suite: str) -> Imprint:
    """Say what is stamped of a block: the hash of its header's encoding, of the chain's suite.

    Whoever holds the header can check the timestamp with any program, such as `openssl ts`: no
    namespace stands before the bytes.

    Args:
        header: Encoded header of a certified block, as a receipt holds it.
        suite: `intl` (SHA-256) or `gm` (SM3).

    Raises:
        BadArgument: There is no such suite.
    """
    return Imprint.of_data(header, _suite_hash(suite))


def record_imprint(digest: bytes, suite: str) -> Imprint:
    """Say what is stamped of a record: a digest that the caller already has.

    Args:
        digest: 32 bytes, made with the hash of the suite.
        suite: `intl` (SHA-256) or `gm` (SM3).

    Raises:
        BadArgument: There is no such suite, or the digest has another length.
    """
    return Imprint(_suite_hash(suite), digest)


def _suite_hash(suite: str) -> str:
    if suite not in SUITE_HASHES:
        raise BadArgument(f"suite {suite[:40]!r}, expected one of {', '.join(SUITE_HASHES)}")
    return SUITE_HASHES[suite]
