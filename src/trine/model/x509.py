"""Define what the chain keeps of X.509 certificates: fingerprints and times, never the files.

Who vouches for whom is checked off the chain. A fingerprint is the hash, under the chain's suite,
of a certificate's DER encoding (RFC 5280, section 4.1).
"""

from dataclasses import dataclass
from typing import Annotated, Final

from trine.model.codec import U64, ListOf, Nested, Structure
from trine.model.identifiers import Digest, Milliseconds
from trine.model.limits import AUTHORITIES_MAX


@dataclass(frozen=True)
class Authority(Structure):
    """A certification authority that an organisation trusts to name its members."""

    fingerprint: Digest
    """Hash of its certificate."""
    expires_ms: Annotated[Milliseconds, U64]
    """Last moment at which its certificate is valid, in Unix milliseconds."""


_AUTHORITIES: Final = ListOf(Nested(Authority), AUTHORITIES_MAX, "authorities")


@dataclass(frozen=True)
class MemberCertificate(Structure):
    """The certificate by which an account was enrolled, or its latest renewal."""

    fingerprint: Digest
    """Hash of the certificate."""
    authority: Digest
    """Hash of the certificate of the authority at the end of its path."""
    expires_ms: Annotated[Milliseconds, U64]
    """Last moment at which the certificate is valid, in Unix milliseconds."""


@dataclass(frozen=True)
class CertificateRegistry(Structure):
    """What an organisation keeps for its members' certificates."""

    members: Annotated[int, U64]
    """Accounts that have, or had, a certificate; the next one has this number."""
    authorities: Annotated[tuple[Authority, ...], _AUTHORITIES]
    """Authorities, in the order in which they were registered."""

    def authority(self, fingerprint: Digest) -> Authority | None:
        """Find the authority with a fingerprint."""
        return next((one for one in self.authorities if one.fingerprint == fingerprint), None)
