"""Find the key of an issuer whose statement brings its certificates (x5chain, RFC 9360).

A trusted root vouches for the certificate, and the certificate names the issuer: its
`subjectAltName` has the issuer's URI, so that nobody else below the same root speaks for it.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from trine.crypto.x509 import Certificate, MemberPath, check_member, read_certificate
from trine.errors import BadCertificate
from trine.errors.services import BadHeader, IssuerKeyNotAdmitted, IssuerNotAdmitted
from trine.services.evidence import cbor, cose
from trine.services.evidence.statement import X5CHAIN, Statement
from trine.types.calls import PublicKey

CHAIN_MAX: Final = 8
"""Certificates that a statement brings."""


def certificates_of(statement: Statement) -> list[Certificate]:
    """Read the certificates that a statement brings, its signer's first.

    Follows RFC 9360, section 2: one byte string, or an array of them.

    Raises:
        IssuerKeyNotAdmitted: It brings none under its signature.
        BadHeader: There are more than `CHAIN_MAX`.
        BadCertificate, UnsupportedCertificate: One cannot be read.
    """
    data, place = statement.message.protected, statement.message.headers.get(X5CHAIN)
    if place is None:
        raise IssuerKeyNotAdmitted("the statement brings no certificate (x5chain, label 33)")
    is_single = data[place[0]] >> 5 == cbor.BYTES
    places = [place] if is_single else cose.items(data, place, "x5chain")
    if len(places) > CHAIN_MAX:
        raise BadHeader(f"x5chain of {len(places)} certificates, at most {CHAIN_MAX}")
    return [_read(cose.string(data, one, "a certificate of x5chain")) for one in places]


def _read(der: bytes) -> Certificate:
    found = read_certificate(der)
    if found.der != der:
        raise BadCertificate("a certificate of x5chain is not one in DER and nothing else")
    return found


def key_by_chain(statement: Statement, roots: Sequence[Certificate], *, at_ms: int) -> PublicKey:
    """Return the key with which a statement must be signed, by its certificates.

    Args:
        statement: The statement.
        roots: Certificates that are trusted.
        at_ms: Unix time in milliseconds at which the certificates must be in force.

    Raises:
        TrineError: As `path_of`.
    """
    return PublicKey(*path_of(statement, roots, at_ms=at_ms).member.key)


def path_of(statement: Statement, roots: Sequence[Certificate], *, at_ms: int) -> MemberPath:
    """Find the path from the certificate of a statement's issuer to a root.

    Whether its key signed the statement is not checked here.

    Args:
        statement: The statement.
        roots: Certificates that are trusted.
        at_ms: Unix time in milliseconds at which the certificates must be in force.

    Raises:
        IssuerNotAdmitted: The certificate does not name the issuer.
        UnknownIssuer, CertificateNotAllowed, CertificateSignature, CertificateExpired,
        CertificateNotYetValid, UnsupportedCertificate: The path to a root does not hold.
        IssuerKeyNotAdmitted, BadHeader, BadCertificate: As `certificates_of`.
    """
    first, *others = certificates_of(statement)
    path = check_member(first, authorities=roots, intermediates=others, crls=None, at_ms=at_ms)
    names = first.extension(x509.SubjectAlternativeName)
    uris = [] if names is None else names.get_values_for_type(x509.UniformResourceIdentifier)
    if statement.issuer not in uris:
        raise IssuerNotAdmitted(
            f"the certificate of {first.subject} does not name the issuer "
            f"{statement.issuer[:200]!r} (subjectAltName, URI)"
        )
    return path
