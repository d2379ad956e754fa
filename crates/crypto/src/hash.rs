//! Hash bytes with the function of the chain's suite.

use crate::Algorithm;
use commonware_cryptography::Hasher as _;
use commonware_parallel::Sequential;
use sha2::Digest as _;
use std::{fmt, str::FromStr};
use trine_bulk::sm3::{self, Sm3};

/// A 32-byte hash value.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Views the value as bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The family of algorithms that a chain uses for its own hashes and certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// SHA-256 (FIPS 180-4) and Ed25519 certificates.
    Intl,
    /// SM3 (GB/T 32905-2016) and SM2 certificates.
    Gm,
}

/// The text names no suite that this build knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown suite {0:?}, expected \"intl\" or \"gm\"")]
pub struct UnknownSuite(pub String);

impl FromStr for Suite {
    type Err = UnknownSuite;

    fn from_str(text: &str) -> Result<Self, UnknownSuite> {
        match text {
            "intl" => Ok(Self::Intl),
            "gm" => Ok(Self::Gm),
            other => Err(UnknownSuite(other.to_owned())),
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intl => "intl",
            Self::Gm => "gm",
        })
    }
}

impl Suite {
    /// Every suite.
    pub const ALL: [Self; 2] = [Self::Intl, Self::Gm];

    /// Algorithm of accounts and validators that name no other.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Intl => Algorithm::Ed25519,
            Self::Gm => Algorithm::Sm2,
        }
    }

    /// Whether a chain of this suite admits keys of `algorithm`.
    ///
    /// Chains of the national suite speak the national algorithms alone; others admit all.
    pub const fn admits(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Intl => true,
            Self::Gm => matches!(algorithm, Algorithm::Sm2),
        }
    }

    /// Whether validators of this suite may sign with `algorithm`: what signs 64 bytes and is
    /// found in hardware tokens.
    pub const fn admits_validator(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Intl => matches!(algorithm, Algorithm::Ed25519 | Algorithm::P256),
            Self::Gm => matches!(algorithm, Algorithm::Sm2),
        }
    }

    /// Starts an incremental hash.
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Intl => Hasher(State::Sha256(sha2::Sha256::new())),
            Self::Gm => Hasher(State::Sm3(Sm3::new())),
        }
    }

    /// Hashes the concatenation of `parts`.
    pub fn hash(self, parts: &[&[u8]]) -> Digest {
        let mut hasher = self.hasher();
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finish()
    }
}

/// Hashes many messages, several at a time where the processor can.
pub fn hash_many(suite: Suite, messages: &[&[u8]]) -> Vec<Digest> {
    match suite {
        Suite::Intl => {
            let digests = commonware_cryptography::Sha256::hash_many(messages, &Sequential);
            digests.into_iter().map(|digest| Digest(digest.0)).collect()
        }
        Suite::Gm => sm3::hash_many(messages).into_iter().map(Digest).collect(),
    }
}

/// An incremental hash of one suite.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sm3(Sm3),
}

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sm3(state) => state.update(bytes),
        }
    }

    /// Ends the hash.
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            State::Sha256(state) => state.finalize().into(),
            State::Sm3(state) => state.finish(),
        })
    }
}
