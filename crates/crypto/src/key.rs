//! Sign with one key and verify one signature or many, by algorithm.

use crate::ed25519;
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// A signature algorithm; the number is its value on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), verified by the rule of ZIP 215 in every path.
    Ed25519 = 1,
}

/// A key or an algorithm name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No algorithm has this number or name.
    #[error("unknown algorithm {0:?}, expected one of \"ed25519\"")]
    UnknownAlgorithm(String),
    /// The secret key has the wrong length or value.
    #[error("not a secret key of {algorithm}: {length} bytes, expected {expected}")]
    BadSecretKey {
        /// Algorithm of the key.
        algorithm: Algorithm,
        /// Bytes given.
        length: usize,
        /// Bytes expected.
        expected: usize,
    },
}

impl Algorithm {
    /// Every algorithm, in the order of the numbers.
    pub const ALL: [Self; 1] = [Self::Ed25519];

    /// Returns the algorithm with this number on the wire.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// Number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Length of a public key, in bytes.
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::Ed25519 => 32,
        }
    }

    /// Length of a signature, in bytes.
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Ed25519 => 64,
        }
    }

    /// Says whether `key` is a well-formed public key (on the curve, finite).
    pub fn is_public_key(self, key: &[u8]) -> bool {
        match self {
            Self::Ed25519 => ed25519::is_public_key(key),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "ed25519",
        })
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.to_string() == text)
            .ok_or_else(|| KeyError::UnknownAlgorithm(text.to_owned()))
    }
}

/// A secret key in memory; erased when dropped, never printed.
pub struct SecretKey {
    algorithm: Algorithm,
    secret: Zeroizing<Vec<u8>>,
    signer: ed25519::Signer,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.algorithm)
    }
}

impl SecretKey {
    /// Takes a secret key: the 32-byte seed of RFC 8032 for Ed25519.
    ///
    /// # Errors
    /// [`KeyError::BadSecretKey`] when the length is wrong.
    pub fn from_bytes(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let signer = ed25519::Signer::new(secret).ok_or(KeyError::BadSecretKey {
            algorithm,
            length: secret.len(),
            expected: 32,
        })?;
        Ok(Self { algorithm, secret: Zeroizing::new(secret.to_vec()), signer })
    }

    /// Algorithm of the key.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The secret itself, for a keystore to encrypt.
    pub fn expose(&self) -> &[u8] {
        &self.secret
    }

    /// Public key, encoded.
    pub fn public_key(&self) -> Vec<u8> {
        self.signer.public_key()
    }

    /// Signs `length(namespace) || namespace || message`, the length as one byte (a LEB128 varint
    /// from 128 bytes on); the same input always gives the same bytes.
    pub fn sign(&self, namespace: &[u8], message: &[u8]) -> Vec<u8> {
        self.signer.sign(namespace, message)
    }
}

/// One signature to check.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// Algorithm of the key.
    pub algorithm: Algorithm,
    /// Encoded public key.
    pub public_key: &'a [u8],
    /// Namespace of the signature (see [`SecretKey::sign`]).
    pub namespace: &'a [u8],
    /// Signed bytes.
    pub message: &'a [u8],
    /// Encoded signature.
    pub signature: &'a [u8],
}

/// Checks one signature. False for any malformed key or signature.
pub fn verify(item: BatchItem<'_>) -> bool {
    match item.algorithm {
        Algorithm::Ed25519 => ed25519::verify(&item),
    }
}

/// Says whether every signature is valid; true for none.
///
/// Probabilistic for invalid input (accepted at most once in 2^127), exact for valid input: a good
/// batch is never refused.
pub fn verify_batch(items: &[BatchItem<'_>]) -> bool {
    items.is_empty() || ed25519::verify_batch(items)
}

/// Checks each signature: one batch while all is well, one by one when the batch fails.
pub fn verify_each(items: &[BatchItem<'_>]) -> Vec<bool> {
    if verify_batch(items) {
        return vec![true; items.len()];
    }
    items.iter().map(|item| verify(*item)).collect()
}
