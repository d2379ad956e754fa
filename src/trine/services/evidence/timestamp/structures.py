"""Fill what the ASN.1 structures of the library lack, and read their values safely."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from asn1crypto import core, tsp

from trine.errors import NotATimestamp
from trine.services.evidence.timestamp.limits import INTEGER_BYTES_MAX

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
"""Content type of a timestamp's inner structure (RFC 3161, section 2.4.2)."""
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
"""Content type of signed data (RFC 5652, section 5)."""
SM2_SIGNED_DATA: Final = "1.2.156.10197.6.1.4.2.2"
"""Content type of signed data in the profile of SM2 (GB/T 35275-2017, section 5)."""
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
"""Attribute: type of what is signed (RFC 5652, section 11.1)."""
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
"""Attribute: hash of what is signed (RFC 5652, section 11.2)."""
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
"""Attribute: the signer's certificate, by its SHA-1 hash (RFC 2634, section 5.4)."""
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
"""Attribute: the signer's certificate, by any hash (RFC 5035, section 3)."""
NULL: Final = b"\x05\x00"
"""Encoding of NULL, which the parameters of a hash may be (RFC 5754, section 2)."""


class TimeStampResp(core.Sequence):  # type: ignore[misc]  # the library has no types
    """A response whose token may be absent, as RFC 3161, section 2.4.2, has it."""

    _fields = [  # noqa: RUF012 - what the library reads
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", core.Any, {"optional": True}),
    ]


class ContentInfo(core.Sequence):  # type: ignore[misc]  # the library has no types
    """Content of any type, left unread: the caller knows which types it takes."""

    _fields = [  # noqa: RUF012 - what the library reads
        ("content_type", core.ObjectIdentifier),
        ("content", core.Any, {"explicit": 0}),
    ]


class Attribute(core.Sequence):  # type: ignore[misc]  # the library has no types
    """An attribute whose values are left unread."""

    _fields = [  # noqa: RUF012 - what the library reads
        ("type", core.ObjectIdentifier),
        ("values", core.SetOf, {"spec": core.Any}),
    ]


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what the library raises for wrong structures into one error.

    Raises:
        NotATimestamp: The bytes have another structure than expected.
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise NotATimestamp(f"{what} has another structure than expected: {reason}") from None


def integer(value: Any, what: str) -> int:
    """Read an INTEGER of bounded length.

    Raises:
        NotATimestamp: It is longer than `INTEGER_BYTES_MAX`.
    """
    if len(value.contents) > INTEGER_BYTES_MAX + 1:
        raise NotATimestamp(f"{what} has {len(value.contents)} bytes, at most {INTEGER_BYTES_MAX}")
    return int(value)


def is_given(value: Any) -> bool:
    """Say whether an optional field is there."""
    return not isinstance(value, core.Void)


def hash_oid(algorithm: Any, what: str) -> str:
    """Return a hash's identifier; its parameters must be absent or NULL (RFC 5754, section 2).

    Raises:
        NotATimestamp: It has other parameters.
    """
    parameters = algorithm["parameters"]
    if is_given(parameters) and parameters.dump() != NULL:
        raise NotATimestamp(f"{what} gives parameters to a hash, which has none")
    return str(algorithm["algorithm"].dotted)


def require_same(value: Any, data: bytes, what: str) -> None:
    """Check that a structure, written again, is what was read: no default is written out.

    Raises:
        NotATimestamp: It is not.
    """
    if value.dump(force=True) != data:
        raise NotATimestamp(f"{what} is not in DER: written again, it has other bytes")
