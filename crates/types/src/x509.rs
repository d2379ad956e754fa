//! Define what the chain keeps of X.509 certificates: fingerprints and times, never the files.
//!
//! Who vouches for whom is checked off the chain, by whoever signs the call; the chain makes it
//! known, dated and provable. Fingerprints are hashes of the DER encoding (RFC 5280, section 4.1)
//! under the hash of the chain's suite.

use crate::codec::{Decode, DecodeError, Decoder, Encode, Encoder};
use crate::limits::AUTHORITIES_MAX;
use trine_crypto::Digest;

/// A certification authority that an organisation trusts to name its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Hash of its certificate.
    pub fingerprint: Digest,
    /// Last moment at which its certificate is valid, in Unix milliseconds.
    pub expires_ms: u64,
}

impl Encode for Authority {
    fn encode(&self, to: &mut Encoder) {
        self.fingerprint.encode(to);
        self.expires_ms.encode(to);
    }
}

impl Decode for Authority {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self { fingerprint: Digest::decode(from)?, expires_ms: u64::decode(from)? })
    }
}

/// The certificate by which an account was enrolled, or its latest renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberCertificate {
    /// Hash of the certificate.
    pub fingerprint: Digest,
    /// Hash of the certificate of the authority at the end of its path.
    pub authority: Digest,
    /// Last moment at which the certificate is valid, in Unix milliseconds.
    pub expires_ms: u64,
}

impl Encode for MemberCertificate {
    fn encode(&self, to: &mut Encoder) {
        self.fingerprint.encode(to);
        self.authority.encode(to);
        self.expires_ms.encode(to);
    }
}

impl Decode for MemberCertificate {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            fingerprint: Digest::decode(from)?,
            authority: Digest::decode(from)?,
            expires_ms: u64::decode(from)?,
        })
    }
}

/// What an organisation keeps for its members' certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRegistry {
    /// Accounts that have, or had, a certificate; the next one has this number.
    pub members: u64,
    /// Authorities, in the order in which they were registered.
    pub authorities: Vec<Authority>,
}

impl CertificateRegistry {
    /// The authority with this fingerprint.
    pub fn authority(&self, fingerprint: &Digest) -> Option<&Authority> {
        self.authorities.iter().find(|one| one.fingerprint == *fingerprint)
    }
}

impl Encode for CertificateRegistry {
    fn encode(&self, to: &mut Encoder) {
        self.members.encode(to);
        to.list16(&self.authorities);
    }
}

impl Decode for CertificateRegistry {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            members: u64::decode(from)?,
            authorities: from.list16(AUTHORITIES_MAX, "authorities")?,
        })
    }
}
