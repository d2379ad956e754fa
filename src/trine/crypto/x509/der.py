"""Take the parts out of a certificate or revocation list that its parser does not hand out.

The structures are those of RFC 5280, sections 4.1 and 5.1, in DER (X.690, section 10). What is
read here has gone through the strict parser of the library before.
"""

from typing import Final

from trine.errors import BadCertificate

SEQUENCE: Final = 0x30
"""Tag of a SEQUENCE."""
VERSION: Final = 0xA0
"""Tag of the field `version`, which version 1 leaves away."""
LENGTH_BYTES_MAX: Final = 4
"""Bytes in which a length may stand."""


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """Take the elements of a SEQUENCE, each as its tag and its whole encoding.

    Raises:
        BadCertificate: The bytes are no SEQUENCE.
    """
    tag, start, end = _head(data, 0)
    if tag != SEQUENCE or end != len(data):
        raise BadCertificate(f"the bytes begin with the tag {tag:#04x}, expected a SEQUENCE")
    found = []
    while start < end:
        tag, _, after = _head(data, start)
        found.append((tag, data[start:after]))
        start = after
    return found


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Read the tag and length at a place: tag, where the content starts, where it ends."""
    if at + 2 > len(data):
        raise BadCertificate(f"an element at byte {at} is cut short")
    tag, first, start = data[at], data[at + 1], at + 2
    length = first
    if first >= 0x80:
        count = first - 0x80
        if not 1 <= count <= LENGTH_BYTES_MAX:
            raise BadCertificate(f"the length at byte {at + 1} has {count} bytes")
        length = int.from_bytes(data[start : start + count])
        start += count
    if start + length > len(data):
        raise BadCertificate(f"an element at byte {at} is longer than what it lies in")
    return tag, start, start + length


def public_key_info(to_be_signed: bytes) -> bytes:
    """Take `subjectPublicKeyInfo` out of a certificate's `tbsCertificate`."""
    parts = elements(to_be_signed)
    place = 6 if parts[0][0] == VERSION else 5
    if place >= len(parts):
        raise BadCertificate("the certificate ends before its public key")
    return parts[place][1]


def names_one_algorithm(signed: bytes) -> bool:
    """Say whether the algorithm beside the signature is the one that is signed.

    RFC 5280, sections 4.1.1.2 and 5.1.1.2.

    Args:
        signed: A whole `Certificate` or `CertificateList`.
    """
    (_, to_be_signed), (_, algorithm), *_ = elements(signed)
    return any(part == algorithm for _, part in elements(to_be_signed)[:3])
