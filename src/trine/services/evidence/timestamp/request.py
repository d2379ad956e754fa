"""Write and read timestamp requests (RFC 3161, section 2.4.1).

>>> from trine.services.evidence.timestamp import Imprint, Request
>>> asked = Request(Imprint.of_data(b"a contract"), nonce=7)
>>> Request.read(asked.to_der()) == asked
True
"""

import secrets
from dataclasses import dataclass
from typing import Any, Final, Self

from asn1crypto import tsp

from trine.errors import BadArgument, NotATimestamp
from trine.services.evidence.timestamp.algorithms import (
    HASH_OIDS,
    HASHES,
    Imprint,
    hash_name,
)
from trine.services.evidence.timestamp.der import check_der
from trine.services.evidence.timestamp.limits import INTEGER_BYTES_MAX, REQUEST_BYTES_MAX
from trine.services.evidence.timestamp.structures import (
    hash_oid,
    integer,
    is_given,
    reading,
    require_same,
)

VERSION: Final = 1
"""Version of requests and of what is signed."""
NONCE_BITS: Final = 64
"""Bits of a nonce that is made here (RFC 3161, section 2.4.1, advises as many)."""
WHAT: Final = "the timestamp request"


FAILURE: Final = "failure"
"""Key of an error's details: the failure of RFC 3161 that the request is answered with."""


def new_nonce() -> int:
    """Draw the nonce of a request."""
    return secrets.randbits(NONCE_BITS)


@dataclass(frozen=True)
class Request:
    """What a timestamp authority is asked for.

    Attributes:
        imprint: Hash of what is to be stamped.
        nonce: Number that the answer must repeat; at most `INTEGER_BYTES_MAX` bytes.
        policy: Identifier of the policy to stamp under, such as `1.2.3`; none takes any.
        wants_certificate: Whether the answer is to hold the authority's certificates.
        imprint_der: The imprint as it was encoded, which an answer repeats byte for byte.
    """

    imprint: Imprint
    nonce: int | None = None
    policy: str | None = None
    wants_certificate: bool = True
    imprint_der: bytes = b""

    def __post_init__(self) -> None:
        """Check the nonce's length and encode the imprint where it was not read.

        Raises:
            BadArgument: The nonce is too long.
        """
        if self.nonce is not None and self.nonce.bit_length() > 8 * INTEGER_BYTES_MAX - 1:
            raise BadArgument(f"a nonce of {self.nonce.bit_length()} bits, at most 255")
        if not self.imprint_der:
            made = tsp.MessageImprint(
                {
                    "hash_algorithm": {"algorithm": HASH_OIDS[self.imprint.algorithm]},
                    "hashed_message": self.imprint.digest,
                }
            )
            object.__setattr__(self, "imprint_der", made.dump())

    def to_der(self) -> bytes:
        """Encode the request.

        Raises:
            BadArgument: The policy is no object identifier.
        """
        fields: dict[str, Any] = {
            "version": VERSION,
            "message_imprint": tsp.MessageImprint.load(self.imprint_der),
            "cert_req": self.wants_certificate,
        }
        if self.nonce is not None:
            fields["nonce"] = self.nonce
        try:
            if self.policy is not None:
                fields["req_policy"] = self.policy
            return bytes(tsp.TimeStampReq(fields).dump())
        except ValueError:
            raise BadArgument(
                f"policy {str(self.policy)[:80]!r}, expected an object identifier such as 1.2.3"
            ) from None

    @classmethod
    def read(cls, der: bytes) -> Self:
        """Read a request that somebody else wrote.

        Raises:
            TimestampTooLarge: It is longer than `REQUEST_BYTES_MAX` or nested too deep.
            NotATimestamp: It is not strict DER, or no request; where its details have `failure`,
                that is the failure of RFC 3161, else it is `bad_data_format`.
            UnsupportedTimestamp: Its hash is not known here (`bad_alg`).
        """
        check_der(der, WHAT, REQUEST_BYTES_MAX)
        with reading(WHAT):
            parsed = tsp.TimeStampReq.load(der, strict=True)
            if int(parsed["version"]) != VERSION:
                version = int(parsed["version"])
                raise _failure("bad_request", f"{WHAT} has version {version}, expected 1")
            if is_given(parsed["extensions"]):
                message = f"{WHAT} has an extension, and none is known here"
                raise _failure("unaccepted_extensions", message)
            require_same(parsed, der, WHAT)
            policy, nonce = parsed["req_policy"], parsed["nonce"]
            return cls(
                read_imprint(parsed["message_imprint"], WHAT),
                integer(nonce, "the nonce") if is_given(nonce) else None,
                str(policy.dotted) if is_given(policy) else None,
                bool(parsed["cert_req"].native),
                parsed["message_imprint"].dump(),
            )


def _failure(name: str, message: str) -> NotATimestamp:
    error = NotATimestamp(message)
    error.details[FAILURE] = name
    return error


def read_imprint(parsed: Any, what: str) -> Imprint:
    """Read a `MessageImprint`.

    Raises:
        UnsupportedTimestamp: Its hash is not known here.
        NotATimestamp: Its digest has another length than its hash.
    """
    name = hash_name(hash_oid(parsed["hash_algorithm"], what), what)
    digest = bytes(parsed["hashed_message"].native)
    if len(digest) != HASHES[name].digest_size:
        raise NotATimestamp(f"{what} has a digest of {len(digest)} bytes for {name}")
    return Imprint(name, digest)
