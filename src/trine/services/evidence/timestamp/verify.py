"""Verify a timestamp of any authority, offline.

One set of rules for every algorithm: the signature of the international ones is checked by
pyca/cryptography, that of SM2 by Trine's core. `docs/reference/timestamps.md` says which bytes of a
response no signature covers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trine.crypto.x509 import Certificate, RevocationList, read_certificate
from trine.errors import (
    BadArgument,
    BadCertificate,
    TimestampSignature,
    TimestampSignerMismatch,
    TimestampSignerMissing,
    UnsupportedCertificate,
    WrongImprint,
    WrongNonce,
    WrongTimestampPolicy,
)
from trine.services.evidence.timestamp.algorithms import Imprint, hash_chunks
from trine.services.evidence.timestamp.path import check_signer
from trine.services.evidence.timestamp.response import Response
from trine.services.evidence.timestamp.signature import check_signature
from trine.services.evidence.timestamp.token import Binding, Token, read_token

INTEGER_TAG: Final = 0x02
"""Tag of a response's status, which stands where a token has its type."""
SEQUENCE_TAG: Final = 0x30
SHORT_LENGTHS: Final = 0x80
"""First byte of a length that stands in one byte is below this."""


@dataclass(frozen=True)
class Timestamp:
    """What was verified about a timestamp.

    Attributes:
        time_ms: When the data was there, in Unix milliseconds, as the authority states.
        accuracy_us: Microseconds by which the time may be off; none where it is not said.
        serial: Number of the token among those of its authority.
        policy: Identifier of the policy under which it was made.
        imprint: Hash of the data.
        nonce: Number of the request, where there was one.
        is_ordered: Whether the authority's times always give the order of its tokens.
        path: Certificates from the authority's to the trusted root.
        is_revocation_checked: Whether revocation lists were asked for.
    """

    time_ms: int
    accuracy_us: int | None
    serial: int
    policy: str
    imprint: Imprint
    nonce: int | None
    is_ordered: bool
    path: tuple[Certificate, ...]
    is_revocation_checked: bool

    @property
    def signer(self) -> Certificate:
        """Certificate of the authority that signed."""
        return self.path[0]

    @property
    def root(self) -> Certificate:
        """The trusted certificate at the end of the path."""
        return self.path[-1]


def token_of(der: bytes) -> bytes:
    """Return the token: that of a response, or the bytes themselves where they are a token.

    Raises:
        TimestampNotGranted: It is a response without a token.
        TimestampTooLarge, NotATimestamp: It is a response that cannot be read.
    """
    if _is_response(der):
        return Response.read(der).granted()
    return der


def stated_imprint(der: bytes) -> Imprint:
    """Return the imprint that a timestamp states, to find what it is of; unverified.

    Raises:
        TimestampNotGranted, TimestampTooLarge, NotATimestamp, UnsupportedTimestamp: As `verify`.
    """
    return read_token(token_of(der)).statement.imprint


def stated_hash(der: bytes) -> str:
    """Return the hash of a timestamp's imprint, with which to hash a large file; unverified.

    Raises:
        TimestampNotGranted, TimestampTooLarge, NotATimestamp, UnsupportedTimestamp: As `verify`.
    """
    return stated_imprint(der).algorithm


def _is_response(der: bytes) -> bool:
    """Tell a response from a token: within its first element stands another SEQUENCE."""
    if len(der) < 2 or der[0] != SEQUENCE_TAG:
        return False
    start = 2 if der[1] < SHORT_LENGTHS else 2 + (der[1] - SHORT_LENGTHS)
    return der[start : start + 1] == bytes([SEQUENCE_TAG])


def verify(
    der: bytes,
    *,
    roots: Sequence[Certificate],
    imprint: Imprint | None = None,
    data: bytes | None = None,
    certificates: Sequence[Certificate] = (),
    crls: Sequence[RevocationList] | None = None,
    at_ms: int | None = None,
    nonce: int | None = None,
    policy: str | None = None,
) -> Timestamp:
    """Check a timestamp against what it should be about, up to a trusted root.

    Follows RFC 3161, sections 2.2 and 2.3; RFC 5652, section 5.6; RFC 5816.

    Args:
        der: A response or a token.
        roots: Certificates that are trusted.
        imprint: Hash that must have been stamped; or give `data`.
        data: Data whose hash must have been stamped.
        certificates: More certificates: the signer's where the token has none, and intermediates.
        crls: Revocation lists of the time of checking; none leaves revocation unchecked.
        at_ms: Time at which the path must hold, in Unix milliseconds; by default the time that the
            timestamp states, since a timestamp outlives its authority's certificate.
        nonce: Number of the request; none accepts any.
        policy: Identifier of the policy that is asked for; none accepts any.

    Raises:
        NotATimestamp, TimestampTooLarge, UnsupportedTimestamp: It cannot be read.
        TimestampNotGranted: The authority granted none.
        WrongImprint, WrongNonce, WrongTimestampPolicy: It is about something else.
        TimestampSignerMissing, TimestampSignerMismatch: Whose it is cannot be said.
        TimestampSignature: It was altered.
        UnknownIssuer, CertificateNotAllowed, CertificateSignature, CertificateExpired,
        CertificateNotYetValid, CertificateRevoked, CrlMissing, CrlStale, UnsupportedCertificate,
        BadCertificate: The path to a root does not hold.
        BadArgument: Both or none of `imprint` and `data` are given, or there is no root.
    """
    if (imprint is None) == (data is None):
        raise BadArgument("give either the imprint or the data of a timestamp")
    if not roots:
        raise BadArgument("no root: a timestamp is checked up to a certificate that you trust")
    token = read_token(token_of(der))
    embedded, signer = _signer(token, certificates)
    _check_signed(token, signer)
    stated = token.statement
    path = check_signer(
        signer,
        roots=roots,
        intermediates=[*embedded, *certificates],
        crls=crls,
        at_ms=stated.time_ms if at_ms is None else at_ms,
    )
    if data is not None:
        imprint = Imprint.of_data(data, stated.imprint.algorithm)
    _check_asked(token, imprint, nonce, policy)
    return Timestamp(
        time_ms=stated.time_ms,
        accuracy_us=stated.accuracy_us,
        serial=stated.serial,
        policy=stated.policy,
        imprint=stated.imprint,
        nonce=stated.nonce,
        is_ordered=stated.is_ordered,
        path=path,
        is_revocation_checked=crls is not None,
    )


def _signer(token: Token, given: Sequence[Certificate]) -> tuple[list[Certificate], Certificate]:
    """Find the signer's certificate: the one that the token names and binds itself to."""
    candidates = [one for one in token.certificates if token.signer.is_of(one)]
    candidates += [one.der for one in given if token.signer.is_of(one.der)]
    if not candidates:
        raise TimestampSignerMissing(
            "the certificate of the timestamp's signer is neither in it nor given"
        )
    if not token.bindings:
        raise TimestampSignerMismatch("the timestamp binds itself to no certificate (ESSCertID)")
    for der in candidates:
        if all(_is_bound(one, der) for one in token.bindings):
            return _readable(token.certificates, der), read_certificate(der)
    raise TimestampSignerMismatch(
        "the timestamp binds itself to another certificate than that of its signer (ESSCertID)"
    )


def _is_bound(binding: Binding, certificate: bytes) -> bool:
    if binding.hash_name == "sha1":
        # The first form knows no other hash (RFC 2634, section 5.4); to abuse it, one would need
        # a second certificate of a trusted root with the same hash, not merely any two.
        found = hashlib.sha1(certificate, usedforsecurity=False).digest()
    else:
        found = hash_chunks(binding.hash_name, [certificate])
    return found == binding.digest


def _readable(certificates: Sequence[bytes], signer: bytes) -> list[Certificate]:
    """Read the other certificates of a token; one that cannot be read is on no path."""
    found = []
    for der in certificates:
        if der != signer:
            try:
                found.append(read_certificate(der))
            except (BadCertificate, UnsupportedCertificate):
                continue
    return found


def _check_signed(token: Token, signer: Certificate) -> None:
    if hash_chunks(token.digest, [token.content]) != token.content_digest:
        raise TimestampSignature("the timestamp's content is not the one that was signed")
    check_signature(
        signer,
        token.signed,
        token.signature,
        digest=token.digest,
        oid=token.signature_oid,
        parameters=token.parameters,
    )


def _check_asked(
    token: Token, imprint: Imprint | None, nonce: int | None, policy: str | None
) -> None:
    stated = token.statement
    assert imprint is not None, "the caller gave an imprint or data"
    if stated.imprint != imprint:
        raise WrongImprint(
            f"the timestamp is of {stated.imprint.algorithm} {stated.imprint.digest.hex()}, "
            f"expected {imprint.algorithm} {imprint.digest.hex()}"
        )
    if nonce is not None and stated.nonce != nonce:
        raise WrongNonce("the timestamp does not repeat the nonce of the request")
    if policy is not None and stated.policy != policy:
        raise WrongTimestampPolicy(
            f"the timestamp was made under the policy {stated.policy}, expected {policy}"
        )
