"""Read revocation lists and say whether they name a certificate (RFC 5280, sections 5 and 6.3).

Complete lists of the issuer itself are understood; delta lists, lists of other issuers and lists of
a part of the certificates carry a critical extension and are refused.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from trine.crypto.x509 import signature
from trine.crypto.x509.certificate import PEM_MARK, Certificate, milliseconds, readable
from trine.crypto.x509.der import names_one_algorithm
from trine.errors import (
    BadCertificate,
    BadCrl,
    CertificateNotAllowed,
    CertificateRevoked,
    CrlMissing,
    CrlStale,
)

CRL_BYTES_MAX: Final = 16 * 1_024 * 1_024
"""Longest revocation list; some 400,000 entries."""
CRLS_MAX: Final = 64
"""Revocation lists offered for one path."""
CRITICAL: Final = b"\x01\x01\xff"
"""How DER marks an extension as critical: BOOLEAN, one byte, TRUE (X.690, section 11.1)."""


class RevocationList:
    """A revocation list whose structure is sound; whose it is, is another question.

    Attributes:
        parsed: The list as pyca/cryptography has it.
        issuer: Name of who made it.
        key_identifier: Identifier of the key that signed it, where it says so.
        this_update_ms: When it was made, in Unix milliseconds.
        next_update_ms: Until when it is to be used, in Unix milliseconds.
    """

    def __init__(self, content: bytes) -> None:
        """Read a list from PEM or DER.

        Raises:
            BadCrl: It is malformed, too long, or of a kind that is not understood.
        """
        if len(content) > CRL_BYTES_MAX:
            raise BadCrl(f"the revocation list has more than {CRL_BYTES_MAX} bytes")
        try:
            self._read(content)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
            raise BadCrl(f"no X.509 revocation list, expected PEM or DER: {error}") from None
        except BadCertificate as error:
            raise BadCrl(f"the revocation list breaks RFC 5280: {error}") from None

    def _read(self, content: bytes) -> None:
        is_pem = PEM_MARK in content
        self.parsed = (x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl)(content)
        self.issuer = self.parsed.issuer
        next_update = self.parsed.next_update_utc
        if next_update is None:
            raise BadCrl("the revocation list does not say until when it is to be used")
        self.this_update_ms = milliseconds(self.parsed.last_update_utc)
        self.next_update_ms = milliseconds(next_update)
        if not names_one_algorithm(self.parsed.public_bytes(Encoding.DER)):
            raise BadCrl("the revocation list names two algorithms for its signature")
        self.key_identifier: bytes | None = None
        for one in self.parsed.extensions:
            if isinstance(one.value, x509.AuthorityKeyIdentifier):
                self.key_identifier = one.value.key_identifier
            if one.critical:
                raise BadCrl(
                    f"the revocation list of {readable(self.issuer)} has the critical "
                    f"extension {one.oid.dotted_string}: expected a complete list of its issuer"
                )
        self._read_entries()

    def _read_entries(self) -> None:
        """Refuse critical extensions of entries, whatever they say (RFC 5280, section 5.3)."""
        # Lists are long, and these extensions rare: without the mark nothing is gone through.
        if CRITICAL not in self.parsed.tbs_certlist_bytes:
            return
        for entry in self.parsed:
            for one in entry.extensions:
                if one.critical:
                    raise BadCrl(
                        f"the revocation list of {readable(self.issuer)} has the critical "
                        f"extension {one.oid.dotted_string} at the serial number "
                        f"{entry.serial_number:x}, which is not understood here"
                    )

    def may_be_of(self, issuer: Certificate) -> bool:
        """Compare names and, where both sides have them, key identifiers (RFC 5280, 5.2.1)."""
        if self.issuer != issuer.parsed.subject:
            return False
        own = issuer.extension(x509.SubjectKeyIdentifier)
        return own is None or self.key_identifier in (None, own.digest)

    def names(self, certificate: Certificate) -> bool:
        """Say whether the list holds a certificate's serial number."""
        return self.parsed.get_revoked_certificate_by_serial_number(certificate.serial) is not None


def check_not_revoked(
    certificate: Certificate, issuer: Certificate, crls: Sequence[RevocationList], at_ms: int
) -> None:
    """Check a certificate against the newest list of its issuer.

    Args:
        certificate: Certificate to check.
        issuer: Certificate of its issuer, whose signature it carries.
        crls: Lists at hand, of any issuer.
        at_ms: Unix time in milliseconds.

    Raises:
        CertificateRevoked: The list names it.
        CrlMissing: There is no list of this issuer.
        CrlStale: The newest list is of another time.
        CertificateNotAllowed: The issuer may not sign lists.
        CertificateSignature: The list is not signed by the issuer.
        UnsupportedCertificate: The list is signed with an algorithm that is not supported.
    """
    own = [crl for crl in crls if crl.may_be_of(issuer)]
    if not own:
        raise CrlMissing(
            f"no revocation list of {issuer.subject}, which issued the certificate of "
            f"{certificate.subject}, is at hand"
        )
    newest = max(own, key=lambda crl: crl.this_update_ms)
    usage = issuer.extension(x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        raise CertificateNotAllowed(f"{issuer.subject} may not sign revocation lists (cRLSign)")
    signature.check_crl(newest.parsed, issuer)
    if not newest.this_update_ms <= at_ms // 1_000 * 1_000 <= newest.next_update_ms:
        raise CrlStale(
            f"the revocation list of {issuer.subject} is for use from {newest.this_update_ms} to "
            f"{newest.next_update_ms}, not at {at_ms} (Unix ms)"
        )
    if newest.names(certificate):
        raise CertificateRevoked(
            f"{issuer.subject} revoked the certificate of {certificate.subject}, serial number "
            f"{certificate.serial:x}"
        )
